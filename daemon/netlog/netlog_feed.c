/*
 * netlog_feed.c - which decisions pass
 *
 * A decision that passes by itself goes to `passed` at once.  One that is
 * asked for by its result, say --reason timeout, may pass only when its
 * outcome comes, so until then it is in `waiting`.  Both are bounded; what is
 * pushed out of `waiting` can no longer pass.
 */
#include "netlog_feed.h"

#include <errno.h>

#include "logfilter.h"
#include "logline.h"
#include "netlog_join.h"

int
netlog_feed_init(
	struct netlog_feed *f, const struct logfilter *filter, size_t room)
{
	*f = (struct netlog_feed){.filter = filter};
	f->passed = netlog_join_new(room > 0 ? room : 1);
	f->waiting = netlog_join_new(NETLOG_FEED_WAITING);
	return f->passed != NULL && f->waiting != NULL ? 0 : -ENOMEM;
}

void
netlog_feed_done(struct netlog_feed *f)
{
	netlog_join_free(f->passed);
	netlog_join_free(f->waiting);
	*f = (struct netlog_feed){0};
}

void
netlog_feed_clear(struct netlog_feed *f)
{
	netlog_join_clear(f->passed);
	netlog_join_clear(f->waiting);
}

static struct netlog_pair *
pass(struct netlog_feed *f, uint64_t id, struct span decision)
{
	if (f->leaving != NULL && netlog_join_is_full(f->passed))
		f->leaving(netlog_join_at(f->passed, 0), f->context);
	return netlog_join_decision(f->passed, id, decision);
}

static int
take_decision(struct netlog_feed *f, const struct logline *l,
	struct netlog_pair **ret)
{
	uint64_t id = logline_id(l);
	struct netlog_pair *pair;

	if (!logfilter_matches_target(f->filter, l))
		return 0;
	if (!logfilter_matches_result(f->filter, l, NULL)) {
		pair = netlog_join_decision(f->waiting, id, l->text);
		return pair != NULL ? 0 : -ENOMEM;
	}
	pair = pass(f, id, l->text);
	if (pair == NULL)
		return -ENOMEM;
	*ret = pair;
	return 1;
}

static bool
passes_now(const struct netlog_feed *f, const struct netlog_pair *pair,
	const struct logline *outcome)
{
	struct logline decision;
	bool passes;

	if (logline_parse(span_of(pair->decision), &decision) < 0)
		return false;
	passes = logfilter_matches_result(f->filter, &decision, outcome);
	logline_done(&decision);
	return passes;
}

static int
take_outcome(struct netlog_feed *f, const struct logline *l,
	struct netlog_pair **ret)
{
	struct netlog_pair *pair;
	uint64_t id = logline_id(l);

	pair = netlog_join_outcome(f->passed, id, l->text);
	if (pair == NULL) {
		pair = netlog_join_outcome(f->waiting, id, l->text);
		if (pair == NULL || !passes_now(f, pair, l))
			return 0;
		if (pass(f, id, span_of(pair->decision)) == NULL)
			return -ENOMEM;
		pair = netlog_join_outcome(f->passed, id, l->text);
		if (pair == NULL)
			return -ENOMEM;
	}
	*ret = pair;
	return 1;
}

int
netlog_feed_take(struct netlog_feed *f, const struct logline *l,
	struct netlog_pair **ret)
{
	return logline_is_outcome(l) ? take_outcome(f, l, ret)
				     : take_decision(f, l, ret);
}
