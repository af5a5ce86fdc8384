/*
 * netlog_follow.c - what comes, as it comes
 *
 * Theory of operation
 *
 * A pair is *due* a second after its decision was read.  It is shown when its
 * outcome is there or when it is due, whichever is first, and again with an
 * outcome that comes after that.  Nothing that was allowed is due earlier than
 * what came before it, so the pairs that are not shown are in order of due;
 * next_due() looks for the first.
 *
 * The loop waits for three things: the reader's bell, the next due, and the
 * end of whoever reads what is printed (a pipe that nobody reads is told by
 * POLLERR, long before the next line would be written into it).
 */
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "logline.h"
#include "netlog_feed.h"
#include "netlog_join.h"
#include "netlog_view.h"
#include "reader.h"

enum {
	PATIENCE_MS = 1000,
};

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
show(struct netlog_view *v, struct netlog_pair *pair)
{
	pair->shown = true;
	netlog_view_pair(v, pair);
}

static void
show_leaving(struct netlog_pair *pair, void *context)
{
	if (!pair->shown)
		show(context, pair);
}

/* JSON is for programs: each record at once, in the order of the file. */
static void
take_json(struct netlog_view *v, struct netlog_pair *pair)
{
	const struct netlog_pair outcome = {.outcome = pair->outcome};

	if (pair->shown)
		netlog_view_pair(v, &outcome);
	else
		show(v, pair);
}

static void
take_line(struct netlog_view *v, struct netlog_pair *pair,
	const struct logline *l)
{
	if (pair->outcome != NULL || !logline_awaits_outcome(l))
		show(v, pair);
	else
		pair->due = now_ms() + PATIENCE_MS;
}

static int
take_all(struct netlog_view *v, struct netlog_feed *feed, struct reader *reader)
{
	const struct logline *l;
	struct netlog_pair *pair;
	int r;

	while ((r = reader_next(reader, &l)) > 0) {
		r = netlog_feed_take(feed, l, &pair);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (v->mode == NETLOG_JSON)
			take_json(v, pair);
		else
			take_line(v, pair, l);
	}
	return r;
}

/* Shows what is due, and returns how long until the next is; -1: none. */
static int
show_due(struct netlog_view *v, struct netlog_feed *feed)
{
	int64_t now = now_ms();

	for (size_t i = 0; i < netlog_join_count(feed->passed); i++) {
		struct netlog_pair *pair = netlog_join_at(feed->passed, i);

		if (pair->shown)
			continue;
		if (pair->due > now)
			return (int)(pair->due - now);
		show(v, pair);
	}
	return -1;
}

int
netlog_follow(
	struct netlog_view *v, struct netlog_feed *feed, struct reader *reader)
{
	struct pollfd fds[] = {
		{.fd = reader_fd(reader), .events = POLLIN},
		{.fd = fileno(v->out), .events = 0},
	};
	int r, timeout;

	feed->leaving = show_leaving;
	feed->context = v;
	for (;;) {
		r = take_all(v, feed, reader);
		if (r < 0)
			return r;
		timeout = show_due(v, feed);
		if (fflush(v->out) != 0)
			return -EPIPE;
		r = poll(fds, sizeof(fds) / sizeof(fds[0]), timeout);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0 && (fds[1].revents & (POLLERR | POLLHUP)) != 0)
			return -EPIPE;
	}
}
