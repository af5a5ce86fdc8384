#include "grounds.h"

#include "overlay.h"
#include "policy.h"
#include "sandbox.h"

struct grounds
grounds_of(const struct sandbox *s)
{
	return (struct grounds){policy_ref(s->policy), overlay_ref(s->overlay)};
}

void
grounds_release(struct grounds *g)
{
	policy_unref(g->policy);
	overlay_unref(g->overlay);
	*g = (struct grounds){0};
}
