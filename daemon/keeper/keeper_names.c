/*
 * keeper_names.c - which synthetic address stands for which name of a sandbox
 *
 * A sandbox's questions come to any worker and its connections to another, so
 * no worker could know what they all gave out: the keeper gives, and workers
 * keep what they were told.  A name has its number as long as the sandbox
 * lives, and no number ever stands for another name of it.
 *
 * A worker is not believed: what it asks for is a host name or nothing, the
 * sandbox is one of ours, and what it can make us keep is bounded by
 * limits.names.  What a number is worth is policy's to say, each time that
 * somebody dials it.
 */
#include <errno.h>
#include <string.h>

#include "child.h"
#include "crew.h"
#include "documents.h"
#include "host.h"
#include "keeper_state.h"
#include "link_message.h"
#include "log.h"
#include "name_table.h"
#include "registry.h"
#include "settings.h"

static bool
is_normal(const char *host)
{
	char normal[HOST_MAX + 1];

	return host_normalise(host, strlen(host), normal) == 0 &&
	       strcmp(host, normal) == 0;
}

static void
find_host(const struct sandbox *s, struct link_name *name)
{
	if (s->names != NULL)
		name->host = name_table_name(s->names, name->number);
}

static void
find_number(struct sandbox *s, uint32_t most, struct link_name *name)
{
	uint32_t number;
	int r = -ENOMEM;

	if (s->names == NULL)
		s->names = name_table_new();
	if (s->names != NULL)
		r = name_table_give(s->names, name->host, most, &number);
	if (r == 0)
		name->number = number;
	else
		log_debug("sandbox %s: no synthetic address for %s: %s",
			s->name, name->host, strerror(-r));
}

void
keeper_name_asked(void *arg, uint32_t index, const struct link_name *ask)
{
	struct keeper *k = arg;
	struct child *child = crew_child(k->crew, index);
	struct link_message m = {.type = LINK_NAME, .name = *ask};
	bool by_host = ask->host[0] != '\0';
	struct sandbox *s;

	if (by_host != (ask->number == LINK_NO_NUMBER) ||
		(by_host && !is_normal(ask->host))) {
		child_kill(child, "it asked for a name that is none");
		return;
	}
	s = registry_find(k->registry, ask->sandbox);
	if (s != NULL && by_host)
		find_number(s, k->target->settings->limits.names, &m.name);
	else if (s != NULL)
		find_host(s, &m.name);
	child_send(child, &m);
}
