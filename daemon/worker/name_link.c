#include "name_link.h"

#include "channel.h"
#include "link_message.h"
#include "sandbox.h"
#include "services.h"

static void
ask(void *arg, const char *sandbox, const char *host, uint32_t number)
{
	struct link_message m = {
		.type = LINK_NAME_ASK,
		.name = {sandbox, host, host == NULL ? number : LINK_NO_NUMBER},
	};

	/* A channel that takes nothing is dead, and this process with it. */
	link_send(arg, &m);
}

struct name_giver
name_link_giver(struct link_channel *channel)
{
	return (struct name_giver){ask, channel};
}

void
name_link_heard(struct services *services, const struct link_name *name)
{
	struct sandbox *s = sandboxes_find(services->sandboxes, name->sandbox);
	bool by_host = name->host[0] != '\0';

	if (s != NULL && s->told != NULL)
		names_heard(s->told, by_host ? name->host : NULL, name->number,
			by_host && name->number != LINK_NO_NUMBER);
}
