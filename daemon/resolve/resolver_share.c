#include "resolver_share.h"

#include <assert.h>
#include <stdlib.h>

/* An eighth of all; a name is two questions, one for each family. */
enum { SHARE_QUESTIONS = 128 };

struct resolver_share {
	unsigned out;
	bool unowned; /* freed when the last question is over */
};

struct resolver_share *
resolver_share_new(void)
{
	return calloc(1, sizeof(struct resolver_share));
}

void
resolver_share_free(struct resolver_share *s)
{
	if (s == NULL)
		return;
	s->unowned = true;
	if (s->out == 0)
		free(s);
}

bool
resolver_share_take(struct resolver_share *s)
{
	if (s == NULL)
		return true;
	if (s->out == SHARE_QUESTIONS)
		return false;
	s->out++;
	return true;
}

void
resolver_share_give(struct resolver_share *s)
{
	if (s == NULL)
		return;
	assert(s->out > 0);
	s->out--;
	if (s->out == 0 && s->unowned)
		free(s);
}
