#include "crew.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "link_message.h"
#include "log.h"

enum { STATUS_MAX = 4096 }; /* a worker that says more is not listened to */

/* Time for a worker to end by itself, and to write what became of the rest. */
static const double STOP_DEADLINE = LINK_STOP_SECONDS + 3;

struct member {
	struct child *child;
	uint64_t committed;
	char *status;
};

struct crew {
	struct ev_loop *loop;
	const struct crew_events *events;
	void *arg;
	bool stopping;
	ev_timer deadline;
	uint32_t workers;
	uint32_t count; /* and the gate */
	struct member members[];
};

static void
tell_when_stopped(struct crew *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (child_state(c->members[i].child) != CHILD_DOWN)
			return;
	ev_timer_stop(c->loop, &c->deadline);
	c->events->stopped(c->arg);
}

/* ---- news of one worker ----------------------------------------------- */

static void
on_started(void *arg, struct child *child)
{
	struct crew *c = arg;

	c->members[child_index(child)].committed = 0;
	c->events->started(c->arg, child_index(child));
}

static void
on_died(void *arg, struct child *child, const char *how)
{
	struct crew *c = arg;
	struct member *member = &c->members[child_index(child)];

	member->committed = 0;
	free(member->status); /* what the next one says is its own */
	member->status = NULL;
	c->events->died(c->arg, child_index(child), how);
	if (c->stopping)
		tell_when_stopped(c);
}

static void
keep_status(struct member *member, const char *text)
{
	char *copy = strlen(text) < STATUS_MAX ? strdup(text) : NULL;

	if (copy == NULL)
		return;
	free(member->status);
	member->status = copy;
}

static void
on_message(void *arg, struct child *child, const struct link_message *m)
{
	struct crew *c = arg;
	struct member *member = &c->members[child_index(child)];
	static const struct link_message ask = {.type = LINK_STATUS_ASK};

	switch (m->type) {
	case LINK_READY:
		child_send(child, &ask);
		c->events->committed(c->arg, 0, "");
		break;
	case LINK_COMMITTED:
		if (m->generation > member->committed)
			member->committed = m->generation;
		c->events->committed(c->arg, m->generation, m->text.text);
		break;
	case LINK_REFUSED:
		c->events->refused(c->arg, child_index(child), m->generation,
			m->text.text);
		break;
	case LINK_STATUS:
		keep_status(member, m->text.text);
		break;
	case LINK_NAME_ASK:
		c->events->name_asked(c->arg, child_index(child), &m->name);
		break;
	default:
		child_kill(child, "it spoke out of turn");
	}
}

static const struct child_events child_events = {
	on_started, on_message, on_died};

/* ---- all of them ------------------------------------------------------ */

void
crew_broadcast(struct crew *c, const struct link_message *m)
{
	for (uint32_t i = 0; i < c->count; i++)
		child_send(c->members[i].child, m);
}

bool
crew_child_committed(const struct crew *c, uint32_t index, uint64_t generation)
{
	return child_state(c->members[index].child) == CHILD_READY &&
	       c->members[index].committed >= generation;
}

bool
crew_committed(const struct crew *c, uint64_t generation)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (!crew_child_committed(c, i, generation))
			return false;
	return true;
}

void
crew_kill_late(struct crew *c, uint64_t generation)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (!crew_child_committed(c, i, generation))
			child_kill(c->members[i].child, "it does not answer");
}

int
crew_start(struct crew *c)
{
	int r = 0;

	for (uint32_t i = 0; i < c->count && r == 0; i++)
		r = child_start(c->members[i].child);
	return r;
}

static void
on_stop_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct crew *c = w->data;

	(void)loop, (void)revents;
	for (uint32_t i = 0; i < c->count; i++)
		if (child_has_link(c->members[i].child)) {
			log_warning("%s %u does not stop: killed",
				child_name(c->members[i].child), i);
			child_kill(c->members[i].child, "it did not stop");
		}
}

void
crew_stop(struct crew *c)
{
	c->stopping = true;
	for (uint32_t i = 0; i < c->count; i++)
		child_stop(c->members[i].child);
	ev_timer_set(&c->deadline, STOP_DEADLINE, 0);
	ev_timer_start(c->loop, &c->deadline);
	tell_when_stopped(c);
}

/* ---- life ------------------------------------------------------------- */

struct crew *
crew_new(struct ev_loop *loop, const struct crew_plan *plan,
	const struct crew_events *events, void *arg)
{
	uint32_t all = plan->workers + (plan->gate != NULL);
	struct crew *c = calloc(1, sizeof(*c) + all * sizeof(struct member));

	if (c == NULL)
		return NULL;
	c->loop = loop;
	c->events = events;
	c->arg = arg;
	ev_timer_init(&c->deadline, on_stop_deadline, 0, 0);
	c->deadline.data = c;
	c->workers = plan->workers;
	for (; c->count < all; c->count++) {
		const struct launch *launch =
			c->count < plan->workers ? plan->worker : plan->gate;
		struct child *child =
			child_new(loop, c->count, launch, &child_events, c);

		if (child == NULL) {
			crew_free(c);
			return NULL;
		}
		c->members[c->count].child = child;
	}
	return c;
}

void
crew_free(struct crew *c)
{
	if (c == NULL)
		return;
	ev_timer_stop(c->loop, &c->deadline);
	for (uint32_t i = 0; i < c->count; i++) {
		child_free(c->members[i].child);
		free(c->members[i].status);
	}
	free(c);
}

uint32_t
crew_count(const struct crew *c)
{
	return c->count;
}

uint32_t
crew_workers(const struct crew *c)
{
	return c->workers;
}

bool
crew_is_gate(const struct crew *c, uint32_t index)
{
	return index >= c->workers;
}

struct child *
crew_child(const struct crew *c, uint32_t index)
{
	return c->members[index].child;
}

const char *
crew_status(const struct crew *c, uint32_t index)
{
	return c->members[index].status;
}
