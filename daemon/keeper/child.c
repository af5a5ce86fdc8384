/*
 * child.c - the life of a worker
 *
 * Theory of operation
 *
 *	DOWN      no process.  A timer may be running that starts one
 *	STARTING  the process lives and has been told everything; it has not
 *	          said READY
 *	READY     it serves
 *	DYING     SIGKILL is on its way, or its link is gone and a timer runs
 *
 * The pidfd tells the death, whatever caused it, and only there a process is
 * cleaned up.  A broken link is a reason to kill, never a death by itself, so
 * that there are never two processes of one index.
 *
 * A dead worker is started again at once: its listeners are held by the
 * keeper, and SYNs wait in them.  When it dies for the fifth time in ten
 * seconds the next start waits, a second first, then twice as long each time.
 */
#include "child.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "array.h"
#include "channel.h"
#include "launch.h"
#include "link_message.h"
#include "log.h"
#include "monotonic.h"

enum {
	CRASHES = 5,
	TEXT = 128,
};

static const double CRASH_WINDOW = 10, BACKOFF_FIRST = 1, BACKOFF_MAX = 30;
static const double GRACE = 2; /* from the end of the link to SIGKILL */

struct child {
	struct ev_loop *loop;
	const struct launch *launch;
	const struct child_events *events;
	void *arg;
	uint32_t index;
	enum child_state state;
	bool stopping;
	pid_t pid;
	int pidfd;
	struct link_channel *channel;
	ev_io death;
	ev_timer again, grace;
	double deaths[CRASHES]; /* when, oldest first */
	double backoff;
	unsigned restarts;
	char why[TEXT]; /* why we kill it, or are about to */
	bool killed;    /* … and have */
};

static const char *const state_names[] = {
	[CHILD_DOWN] = "down",
	[CHILD_STARTING] = "starting",
	[CHILD_READY] = "ready",
	[CHILD_DYING] = "dying",
};

/* ---- death ------------------------------------------------------------ */

static void
send_kill(struct child *c)
{
	c->killed = true;
	syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
}

void
child_kill(struct child *c, const char *why)
{
	if (c->state == CHILD_DOWN || c->state == CHILD_DYING)
		return;
	c->state = CHILD_DYING;
	snprintf(c->why, sizeof(c->why), "%s", why);
	send_kill(c);
}

static void
describe_end(const struct child *c, const siginfo_t *info, char ret[TEXT])
{
	if (info->si_status == SIGKILL && c->killed)
		snprintf(ret, TEXT, "%s", c->why);
	else if (info->si_code == CLD_EXITED)
		snprintf(ret, TEXT, "exit status %d", info->si_status);
	else if (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
		snprintf(ret, TEXT, "killed by SIG%s",
			sigabbrev_np(info->si_status));
	else
		snprintf(ret, TEXT, "gone");
}

/* How long to wait, after the death that just happened. */
static double
next_delay(struct child *c)
{
	double now = monotonic_now();
	bool often;

	memmove(c->deaths, c->deaths + 1,
		sizeof(c->deaths) - sizeof(*c->deaths));
	c->deaths[CRASHES - 1] = now;
	often = c->deaths[0] > 0 && now - c->deaths[0] < CRASH_WINDOW;
	if (!often) {
		c->backoff = 0;
		return 0;
	}
	c->backoff = c->backoff > 0 ? 2 * c->backoff : BACKOFF_FIRST;
	if (c->backoff > BACKOFF_MAX)
		c->backoff = BACKOFF_MAX;
	return c->backoff;
}

static void
forget_process(struct child *c)
{
	ev_io_stop(c->loop, &c->death);
	ev_timer_stop(c->loop, &c->grace);
	link_channel_free(c->channel);
	c->channel = NULL;
	if (c->pidfd >= 0)
		close(c->pidfd);
	c->pidfd = -1;
	c->pid = 0;
	c->state = CHILD_DOWN;
}

static void
on_death(struct ev_loop *loop, ev_io *w, int revents)
{
	struct child *c = w->data;
	siginfo_t info = {0};
	char how[TEXT];

	(void)revents;
	/* Whoever else reaps in this process may have been faster. */
	if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG) == 0 &&
		info.si_pid == 0)
		return;
	describe_end(c, &info, how);
	forget_process(c);
	if (!c->stopping) {
		ev_timer_set(&c->again, next_delay(c), 0);
		ev_timer_start(loop, &c->again);
	}
	c->events->died(c->arg, c, how);
}

static void
on_again(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct child *c = w->data;
	int r;

	(void)revents;
	c->restarts++;
	r = child_start(c);
	if (r == 0)
		return;
	log_error("%s %u cannot be started: %s", c->launch->name, c->index,
		strerror(-r));
	ev_timer_set(w, BACKOFF_FIRST, 0);
	ev_timer_start(loop, w);
}

/* ---- the link --------------------------------------------------------- */

static void
on_message(void *arg, const struct link_message *m)
{
	struct child *c = arg;

	if (c->state == CHILD_DYING)
		return;
	if (m->type < LINK_READY) {
		child_kill(c, "it spoke out of turn");
		return;
	}
	if (m->type == LINK_READY)
		c->state = CHILD_READY;
	c->events->message(c->arg, c, m);
}

static void
on_closed(void *arg, const char *why)
{
	struct child *c = arg;

	if (c->state == CHILD_DYING)
		return;
	/* Mostly the first sign of a death of its own, which says more. */
	c->state = CHILD_DYING;
	snprintf(c->why, sizeof(c->why), "%s", why);
	ev_timer_start(c->loop, &c->grace);
}

static void
on_grace(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	send_kill(w->data);
}

static const struct link_events channel_events = {on_message, on_closed};

void
child_send(struct child *c, const struct link_message *m)
{
	int r;

	if (!child_has_link(c))
		return;
	r = link_send(c->channel, m);
	if (r < 0 && r != -EPIPE)
		child_kill(c, r == -ENOBUFS ? "it does not read its link"
					    : strerror(-r));
}

/* ---- life ------------------------------------------------------------- */

int
child_start(struct child *c)
{
	int link_fd, r;

	assert(c->state == CHILD_DOWN);
	r = launch_worker(c->launch, &c->pid, &c->pidfd, &link_fd);
	if (r < 0)
		return r;
	c->state = CHILD_STARTING;
	c->killed = false;
	ev_io_set(&c->death, c->pidfd, EV_READ);
	ev_io_start(c->loop, &c->death);
	r = link_channel_new(c->loop, link_fd, &channel_events, c, &c->channel);
	if (r < 0) {
		child_kill(c, strerror(-r));
		return 0;
	}
	link_refuse_fds(c->channel);
	c->events->started(c->arg, c);
	return 0;
}

void
child_stop(struct child *c)
{
	struct link_message stop = {.type = LINK_STOP};

	c->stopping = true;
	ev_timer_stop(c->loop, &c->again);
	child_send(c, &stop);
}

struct child *
child_new(struct ev_loop *loop, uint32_t index, const struct launch *launch,
	const struct child_events *events, void *arg)
{
	struct child *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->loop = loop;
	c->index = index;
	c->launch = launch;
	c->events = events;
	c->arg = arg;
	c->pidfd = -1;
	ev_io_init(&c->death, on_death, -1, EV_READ);
	ev_timer_init(&c->again, on_again, 0, 0);
	ev_timer_init(&c->grace, on_grace, GRACE, 0);
	c->death.data = c->again.data = c->grace.data = c;
	return c;
}

void
child_free(struct child *c)
{
	if (c == NULL)
		return;
	ev_timer_stop(c->loop, &c->again);
	if (c->state != CHILD_DOWN) {
		on_grace(c->loop, &c->grace, 0);
		waitid(P_PIDFD, (id_t)c->pidfd, NULL, WEXITED);
	}
	forget_process(c);
	free(c);
}

/* ---- questions -------------------------------------------------------- */

const char *
child_name(const struct child *c)
{
	return c->launch->name;
}

uint32_t
child_index(const struct child *c)
{
	return c->index;
}

enum child_state
child_state(const struct child *c)
{
	return c->state;
}

const char *
child_state_name(enum child_state state)
{
	return state_names[state];
}

pid_t
child_pid(const struct child *c)
{
	return c->pid;
}

unsigned
child_restarts(const struct child *c)
{
	return c->restarts;
}

bool
child_has_link(const struct child *c)
{
	return c->state == CHILD_STARTING || c->state == CHILD_READY;
}
