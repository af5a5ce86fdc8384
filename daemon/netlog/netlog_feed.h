/*
 * Records in, pairs that pass a filter out: the decision and, when it has
 * come, its outcome.  Reads nothing and prints nothing.
 */
#ifndef SBX_NETLOG_FEED_H
#define SBX_NETLOG_FEED_H

#include <stddef.h>

struct logfilter;
struct logline;
struct netlog_join;
struct netlog_pair;

struct netlog_feed {
	const struct logfilter *filter;
	struct netlog_join *passed;
	struct netlog_join *waiting; /* may pass by their outcome */
	/* Called for the oldest that passed before it makes room; or NULL. */
	void (*leaving)(struct netlog_pair *pair, void *context);
	void *context;
};

enum { NETLOG_FEED_WAITING = 65536 };

/* filter: borrowed.  0 or -ENOMEM; netlog_feed_done() in either case. */
int netlog_feed_init(
	struct netlog_feed *f, const struct logfilter *filter, size_t room);
void netlog_feed_done(struct netlog_feed *f);

/* Forgets what came so far. */
void netlog_feed_clear(struct netlog_feed *f);

/*
 * A record.  0, -ENOMEM, or 1 and *ret: a pair that is new, or complete now.
 */
int netlog_feed_take(struct netlog_feed *f, const struct logline *l,
	struct netlog_pair **ret);

#endif
