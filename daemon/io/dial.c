/*
 * dial.c - resolve, guard, connect
 *
 * Theory of operation
 *
 *	RESOLVE  both families are asked; when one has answered, the other may
 *	         take 50 ms more (RFC 8305, 3)
 *	CONNECT  attempts run side by side, a new one every 250 ms or as soon as
 *	         one has failed; the first to be connected wins.  What the other
 *	         family answers now joins the end of the row, and as long as it
 *	         may come, a row that led nowhere is not the end
 *
 * Everything that ends a dial goes through finish(), which runs from a timer
 * of zero seconds and so never inside the call that began it.
 */
#include "dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ev.h>

#include "array.h"
#include "guard.h"
#include "resolver.h"

enum {
	ADDRESSES = 2 * RESOLVER_ADDRESSES,
	ATTEMPTS = 4, /* at one time */
};

static const double other_family_seconds = 0.05, next_attempt_seconds = 0.25;

struct attempt {
	struct ev_io io; /* fd -1: free */
	struct dial *dial;
	size_t index; /* into addresses */
};

struct dial {
	struct dialler with;
	dial_done *done;
	void *arg;
	uint16_t port;
	struct resolver_query *queries[2]; /* v6, v4 */
	bool answered[2], gathered[2];
	bool connecting;
	struct resolver_answer answers[2];
	struct sockaddr_storage addresses[ADDRESSES];
	size_t count, next; /* addresses; which one to try next */
	size_t resolved;    /* … and those that the guard refused */
	struct attempt attempts[ATTEMPTS];
	struct ev_timer step; /* other family, or next attempt */
	struct ev_timer deadline;
	struct ev_timer end;
	struct dial_result result;
	size_t last; /* address tried last */
	char why[160];
};

static const uint16_t types[2] = {RESOLVER_AAAA, RESOLVER_A};

static void
stop_attempt(struct attempt *a, bool keep_fd)
{
	if (a->io.fd < 0)
		return;
	ev_io_stop(a->dial->with.loop, &a->io);
	if (!keep_fd)
		close(a->io.fd);
	a->io.fd = -1;
}

static void
stop_all(struct dial *d)
{
	for (int i = 0; i < 2; i++) {
		resolver_cancel(d->queries[i]);
		d->queries[i] = NULL;
	}
	for (int i = 0; i < ATTEMPTS; i++)
		stop_attempt(&d->attempts[i], false);
	ev_timer_stop(d->with.loop, &d->step);
	ev_timer_stop(d->with.loop, &d->deadline);
	ev_timer_stop(d->with.loop, &d->end);
}

static void
on_end(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct dial *d = w->data;
	struct dial_result result = d->result;
	dial_done *done = d->done;
	void *arg = d->arg;

	(void)loop, (void)revents;
	d->result.fd = -1;
	done(arg, &result);
	dial_cancel(d);
}

static void
finish(struct dial *d, enum dial_failure failure, int fd)
{
	stop_all(d);
	d->result = (struct dial_result){.failure = failure, .fd = fd};
	if (d->count > 0)
		d->result.address =
			(const struct sockaddr *)&d->addresses[d->last];
	if (failure != DIAL_OK)
		d->result.why = d->why;
	ev_timer_set(&d->end, 0, 0);
	ev_timer_start(d->with.loop, &d->end);
}

static bool
is_ended(const struct dial *d)
{
	return ev_is_active(&d->end);
}

static bool
attempts_open(const struct dial *d)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		if (d->attempts[i].io.fd >= 0)
			return true;
	}
	return false;
}

/* The other family may still bring an address. */
static bool
is_resolving(const struct dial *d)
{
	return !d->answered[0] || !d->answered[1];
}

/* What to call it when nothing more can be tried. */
static enum dial_failure
what_failed(const struct dial *d)
{
	if (d->count > 0)
		return DIAL_FAILED;
	return d->resolved > 0 ? DIAL_REFUSED : DIAL_NO_ADDRESS;
}

static void try_next(struct dial *d);

static void
attempt_failed(struct dial *d, int error)
{
	snprintf(d->why, sizeof(d->why), "connect: %s", strerror(error));
	try_next(d);
}

static void
on_connected(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct attempt *a = w->data;
	struct dial *d = a->dial;
	socklen_t len = sizeof(int);
	int error = 0, fd = w->fd;

	(void)loop, (void)revents;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	d->last = a->index;
	stop_attempt(a, error == 0);
	if (error == 0)
		finish(d, DIAL_OK, fd);
	else
		attempt_failed(d, error);
}

/* 0: begun, or the errno of why not. */
static int
begin_attempt(struct dial *d, size_t index)
{
	const struct sockaddr_storage *to = &d->addresses[index];
	struct attempt *a = NULL;
	int fd, on = 1;

	for (int i = 0; i < ATTEMPTS && a == NULL; i++) {
		if (d->attempts[i].io.fd < 0)
			a = &d->attempts[i];
	}
	if (a == NULL)
		return EBUSY;
	fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		IPPROTO_TCP);
	if (fd < 0)
		return errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)to,
		    to->ss_family == AF_INET
			    ? sizeof(struct sockaddr_in)
			    : sizeof(struct sockaddr_in6)) < 0 &&
		errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		return error;
	}
	a->dial = d;
	a->index = index;
	ev_io_init(&a->io, on_connected, fd, EV_WRITE);
	a->io.data = a;
	ev_io_start(d->with.loop, &a->io);
	return 0;
}

static void
try_next(struct dial *d)
{
	while (d->next < d->count) {
		size_t index = d->next;
		int error = begin_attempt(d, index);

		if (error == EBUSY)
			return; /* one of those open will fail or win */
		d->next++;
		d->last = index;
		if (error == 0) {
			ev_timer_stop(d->with.loop, &d->step);
			ev_timer_set(&d->step, next_attempt_seconds, 0);
			ev_timer_start(d->with.loop, &d->step);
			return;
		}
		snprintf(
			d->why, sizeof(d->why), "connect: %s", strerror(error));
	}
	if (!attempts_open(d) && !is_resolving(d))
		finish(d, what_failed(d), -1);
}

/* Adds an address that the guard lets pass; else notes why not. */
static void
add_address(struct dial *d, const struct sockaddr_storage *to)
{
	const char *refused =
		guard_refuses(d->with.guard, (const struct sockaddr *)to);

	if (refused != NULL)
		snprintf(d->why, sizeof(d->why), "the address is refused: %s",
			refused);
	else if (d->count < ADDRESSES)
		d->addresses[d->count++] = *to;
}

static void
make_address(const struct dial *d, const struct resolver_answer *answer,
	size_t i, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)answer->family;
	if (answer->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;

		memcpy(&in->sin_addr, answer->addresses[i], 4);
		in->sin_port = htons(d->port);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

		memcpy(&in6->sin6_addr, answer->addresses[i], 16);
		in6->sin6_port = htons(d->port);
	}
}

/* What was answered since the last time: both families by turns, as the guard
 * lets them. */
static void
gather(struct dial *d)
{
	struct sockaddr_storage to;

	for (size_t i = 0; i < RESOLVER_ADDRESSES; i++) {
		for (int f = 0; f < 2; f++) {
			if (!d->answered[f] || d->gathered[f] ||
				i >= d->answers[f].count)
				continue;
			d->resolved++;
			make_address(d, &d->answers[f], i, &to);
			add_address(d, &to);
		}
	}
	for (int f = 0; f < 2; f++)
		d->gathered[f] = d->answered[f];
}

static void
begin_connecting(struct dial *d)
{
	ev_timer_stop(d->with.loop, &d->step);
	d->connecting = true;
	gather(d);
	try_next(d);
}

/* An answer while attempts run, or after they have all failed. */
static void
join_late(struct dial *d)
{
	gather(d);
	if (!attempts_open(d) || !ev_is_active(&d->step))
		try_next(d);
}

static void
on_answer(struct dial *d, int f, const struct resolver_answer *answer)
{
	d->queries[f] = NULL;
	d->answered[f] = true;
	d->answers[f] = *answer;
	d->answers[f].text = NULL; /* the resolver's */
	if (answer->status < 0 && !d->connecting)
		snprintf(d->why, sizeof(d->why),
			"the name does not resolve: %s",
			answer->text != NULL ? answer->text
					     : strerror(-answer->status));
	if (d->connecting) {
		join_late(d);
	} else if (!is_resolving(d)) {
		begin_connecting(d);
	} else if (answer->count > 0) {
		ev_timer_set(&d->step, other_family_seconds, 0);
		ev_timer_start(d->with.loop, &d->step);
	}
}

static void
on_answer6(void *arg, const struct resolver_answer *answer)
{
	on_answer(arg, 0, answer);
}

static void
on_answer4(void *arg, const struct resolver_answer *answer)
{
	on_answer(arg, 1, answer);
}

static void
on_step(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct dial *d = w->data;

	(void)loop, (void)revents;
	if (d->connecting)
		try_next(d);
	else
		begin_connecting(d);
}

static void
on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct dial *d = w->data;

	(void)loop, (void)revents;
	if (d->connecting && !attempts_open(d)) {
		finish(d, what_failed(d), -1); /* but for an answer in vain */
		return;
	}
	snprintf(d->why, sizeof(d->why), "no answer within %g s",
		d->with.timeout);
	finish(d, DIAL_TIMEOUT, -1);
}

static struct dial *
dial_new(const struct dialler *with, dial_done *done, void *arg)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->with = *with;
	d->done = done;
	d->arg = arg;
	d->result.fd = -1;
	for (int i = 0; i < ATTEMPTS; i++)
		d->attempts[i].io.fd = -1;
	ev_init(&d->step, on_step);
	ev_init(&d->deadline, on_deadline);
	ev_init(&d->end, on_end);
	d->step.data = d->deadline.data = d->end.data = d;
	ev_timer_set(&d->deadline, with->timeout, 0);
	ev_timer_start(with->loop, &d->deadline);
	return d;
}

struct dial *
dial_name(const struct dialler *with, const char *host, uint16_t port,
	dial_done *done, void *arg)
{
	static resolver_done *const answers[2] = {on_answer6, on_answer4};
	struct dial *d = dial_new(with, done, arg);

	if (d == NULL)
		return NULL;
	d->port = port;
	for (int f = 0; f < 2; f++) {
		const struct resolver_question question = {
			host, types[f], with->share};
		struct resolver_query *q = resolver_ask_for(
			with->resolver, &question, answers[f], d);

		/* A cached answer has been given already; the last one may
		 * even have ended the dial. */
		if (q != NULL && !is_ended(d))
			d->queries[f] = q;
	}
	return d;
}

struct dial *
dial_address(const struct dialler *with, const struct sockaddr *to,
	dial_done *done, void *arg)
{
	struct dial *d = dial_new(with, done, arg);
	struct sockaddr_storage address = {0};

	if (d == NULL)
		return NULL;
	memcpy(&address, to,
		to->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					 : sizeof(struct sockaddr_in6));
	d->answered[0] = d->answered[1] = true; /* there is nothing to ask */
	d->resolved = 1;
	add_address(d, &address);
	try_next(d);
	return d;
}

void
dial_cancel(struct dial *d)
{
	if (d == NULL)
		return;
	stop_all(d);
	if (d->result.fd >= 0)
		close(d->result.fd);
	free(d);
}
