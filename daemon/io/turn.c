#include "turn.h"

#include <stddef.h>
#include <stdlib.h>

#include <ev.h>

enum {
	/* Who runs may decide, write, and wake others that run again. */
	ROUNDS = 8,
};

TAILQ_HEAD(task_list, turn_task);

struct turn {
	struct ev_loop *loop;
	struct ev_prepare prepare;
	struct ev_idle idle; /* active while work is left: do not sleep */
	struct task_list lists[TURN_PHASES];
	size_t counts[TURN_PHASES];
};

static void
on_idle(struct ev_loop *loop, struct ev_idle *w, int revents)
{
	(void)loop, (void)w, (void)revents;
}

/* Runs as many as are queued now; what they queue themselves, waits. */
static void
run_list(struct turn *t, enum turn_phase phase)
{
	struct turn_task *task;
	size_t n = t->counts[phase];

	for (; n > 0 && (task = TAILQ_FIRST(&t->lists[phase])) != NULL; n--) {
		turn_cancel(t, phase, task);
		task->run(task);
	}
}

static bool
work_left(const struct turn *t)
{
	for (int i = 0; i < TURN_PHASES; i++) {
		if (t->counts[i] > 0)
			return true;
	}
	return false;
}

static void
on_prepare(struct ev_loop *loop, struct ev_prepare *w, int revents)
{
	struct turn *t = w->data;

	(void)loop, (void)revents;
	run_list(t, TURN_AGAIN);
	for (int round = 0; round < ROUNDS; round++) {
		run_list(t, TURN_RUN);
		run_list(t, TURN_RECORD);
		run_list(t, TURN_FLUSH);
		if (t->counts[TURN_RUN] + t->counts[TURN_RECORD] +
				t->counts[TURN_FLUSH] ==
			0)
			break;
	}
	run_list(t, TURN_REAP);
	if (work_left(t))
		ev_idle_start(t->loop, &t->idle);
	else
		ev_idle_stop(t->loop, &t->idle);
}

struct turn *
turn_new(struct ev_loop *loop)
{
	struct turn *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->loop = loop;
	for (int i = 0; i < TURN_PHASES; i++)
		TAILQ_INIT(&t->lists[i]);
	ev_idle_init(&t->idle, on_idle);
	ev_prepare_init(&t->prepare, on_prepare);
	t->prepare.data = t;
	ev_prepare_start(loop, &t->prepare);
	ev_unref(loop); /* the turn alone keeps no loop running */
	return t;
}

void
turn_reap(struct turn *t)
{
	while (t != NULL && t->counts[TURN_REAP] > 0)
		run_list(t, TURN_REAP);
}

void
turn_free(struct turn *t)
{
	if (t == NULL)
		return;
	turn_reap(t);
	ev_idle_stop(t->loop, &t->idle);
	ev_ref(t->loop);
	ev_prepare_stop(t->loop, &t->prepare);
	free(t);
}

void
turn_queue(struct turn *t, enum turn_phase phase, struct turn_task *task)
{
	if (task->queued)
		return;
	task->queued = true;
	TAILQ_INSERT_TAIL(&t->lists[phase], task, link);
	t->counts[phase]++;
}

void
turn_cancel(struct turn *t, enum turn_phase phase, struct turn_task *task)
{
	if (!task->queued)
		return;
	task->queued = false;
	TAILQ_REMOVE(&t->lists[phase], task, link);
	t->counts[phase]--;
}
