/*
 * keeper_interface.c - the interfaces that sandboxes are behind
 *
 * Theory of operation
 *
 * A sandbox names its interface; what it is attached to is the interface that
 * has this name, by its number.  hostnet tells of each change, and of each
 * sandbox that is concerned all is looked at anew:
 *
 *	ATTACHED  somebody has the name, and is up
 *	DOWN      … and is not
 *	ABSENT    nobody has it
 *	RENAMED   the one that it was attached to lives, under another name
 *
 * One that is ABSENT or RENAMED has the number 0: workers end what it has
 * open and serve nobody there.  An interface that was deleted may come back
 * under its name and be the sandbox's again.  One that was renamed leaves its
 * name behind, and whoever takes that name is not the sandbox: the addresses
 * leave the kernel's sets, both names stay caged, until the name is given
 * back, the interface is deleted, or somebody puts the sandbox anew.
 *
 * Each trouble is on record, and its end under the same id.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision_log.h"
#include "hostnet.h"
#include "keeper_state.h"
#include "kernel_side.h"
#include "log.h"
#include "registry.h"

/* ---- what there is ---------------------------------------------------- */

/* NULL: it was not renamed, or the sandbox wants another interface by now. */
static const char *
renamed_to(const struct keeper *k, const struct sandbox *s)
{
	const char *name;

	if (s->attached_as == NULL ||
		strcmp(s->attached_as, s->spec->interface) != 0)
		return NULL;
	name = hostnet_name(k->hostnet, s->attached);
	return name != NULL && strcmp(name, s->spec->interface) != 0 ? name
								     : NULL;
}

static enum sandbox_link
look(const struct keeper *k, const struct sandbox *s, uint32_t *ret_ifindex)
{
	*ret_ifindex = 0;
	if (renamed_to(k, s) != NULL)
		return SANDBOX_RENAMED;
	*ret_ifindex = hostnet_ifindex(k->hostnet, s->spec->interface);
	if (*ret_ifindex == 0)
		return SANDBOX_ABSENT;
	return hostnet_is_up(k->hostnet, *ret_ifindex) ? SANDBOX_ATTACHED
						       : SANDBOX_DOWN;
}

static void
attach(struct sandbox *s, uint32_t ifindex)
{
	s->ifindex = ifindex;
	if (ifindex == 0)
		return;
	s->attached = ifindex;
	if (s->attached_as != NULL &&
		strcmp(s->attached_as, s->spec->interface) == 0)
		return;
	free(s->attached_as);
	/* NULL: a renaming will look as a deletion would. */
	s->attached_as = strdup(s->spec->interface);
}

/* ---- on record -------------------------------------------------------- */

static void
describe(
	const struct keeper *k, const struct sandbox *s, char *ret, size_t size)
{
	const char *name = s->spec->interface;

	switch (s->link) {
	case SANDBOX_RENAMED:
		snprintf(ret, size,
			"interface %s is called %s now: it stays closed, and "
			"so does whoever is called %s",
			name, renamed_to(k, s), name);
		break;
	case SANDBOX_ABSENT:
		snprintf(ret, size,
			"interface %s is gone: what it had open has ended",
			name);
		break;
	case SANDBOX_DOWN:
		snprintf(ret, size, "interface %s is down", name);
		break;
	default:
		snprintf(ret, size, "interface %s is there and up", name);
		break;
	}
}

static void
put_on_record(struct keeper *k, struct sandbox *s)
{
	char detail[KEEPER_TEXT];
	struct decision_event event = {
		.reason = RECORD_COMPLETE,
		.sandbox = s->name,
		.labels = s->spec->labels,
		.detail = detail,
		.generation = k->generation,
	};

	describe(k, s, detail, sizeof(detail));
	if (s->trouble != 0)
		decision_log_end(k->log, s->trouble, &event);
	s->trouble = 0;
	if (s->link == SANDBOX_ATTACHED) {
		log_notice("sandbox %s: %s", s->name, detail);
		return;
	}
	log_warning("sandbox %s: %s", s->name, detail);
	event.reason = RECORD_INTERFACE;
	s->trouble = decision_log_add(k->log, &event);
}

/* ---- what comes of it ------------------------------------------------- */

bool
keeper_see_interface(struct keeper *k, struct sandbox *s)
{
	enum sandbox_link before = s->link;
	uint32_t ifindex;
	bool moved;

	s->link = look(k, s, &ifindex);
	moved = ifindex != s->ifindex;
	/* What the last one had begun is not this one's. */
	if (ifindex != 0 && s->attached != 0 && s->attached != ifindex)
		kernel_side_forget(k->kernel, s->spec);
	attach(s, ifindex);
	if (s->link == before)
		return moved;
	if (s->link == SANDBOX_RENAMED) {
		keeper_take_out(k, s, s->spec);
		kernel_side_hold(k->kernel, s->spec->interface);
	}
	if (before == SANDBOX_RENAMED && kernel_side_is_good(k->kernel))
		keeper_fill_kernel(k);
	if (before != SANDBOX_UNSEEN)
		put_on_record(k, s);
	return moved;
}

void
keeper_forget_interface(struct sandbox *s)
{
	free(s->attached_as);
	s->attached_as = NULL;
}

static bool
concerns(const struct sandbox *s, const char *name, uint32_t ifindex)
{
	return s->attached == ifindex || s->ifindex == ifindex ||
	       strcmp(s->spec->interface, name) == 0;
}

static void
see_all(struct keeper *k, const char *name, uint32_t ifindex)
{
	bool dirty = false;

	for (size_t i = 0; i < registry_count(k->registry); i++) {
		struct sandbox *s = registry_at(k->registry, i);

		if (!concerns(s, name, ifindex) || !keeper_see_interface(k, s))
			continue;
		registry_soil(k->registry, s);
		dirty = true;
	}
	if (dirty)
		keeper_apply_update(k);
}

void
keeper_on_link(void *arg, const struct hostnet_link *link)
{
	struct keeper *k = arg;

	if (k->crew == NULL)
		return; /* the first look: nobody is told anything yet */
	kernel_side_follow(k->kernel,
		link->was != NULL ? link->was : link->name, link->name);
	see_all(k, link->name, link->ifindex);
	/* Its routes go with it, and nobody is told of that. */
	if (strcmp(link->name, "lo") == 0)
		kernel_side_look(k->kernel);
}

void
keeper_on_unlink(void *arg, const char *name, uint32_t ifindex)
{
	struct keeper *k = arg;

	if (k->crew != NULL)
		see_all(k, name, ifindex);
}
