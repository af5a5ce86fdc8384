/*
 * Pairs onto standard output, in the manner that was asked for.
 */
#ifndef SBX_NETLOG_VIEW_H
#define SBX_NETLOG_VIEW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "netlog_options.h"
#include "netlog_table.h"

struct netlog_feed;
struct netlog_pair;
struct netlog_summary;
struct reader;

struct netlog_view {
	enum netlog_mode mode;
	bool colour;
	size_t screen; /* columns; 0: not a terminal */
	FILE *out;
	struct netlog_table table;      /* NETLOG_LINES */
	struct netlog_summary *summary; /* NETLOG_SUMMARY */
	struct netlog_suggest *suggest; /* NETLOG_SUGGEST */
};

/* 0 or -ENOMEM. */
int netlog_view_init(
	struct netlog_view *v, const struct netlog_options *options, FILE *out);
void netlog_view_done(struct netlog_view *v);

/* Shows the pair, or takes it in for what is shown at the end. */
void netlog_view_pair(struct netlog_view *v, const struct netlog_pair *pair);

/* The last so many pairs that passed, with columns that suit them all. */
void netlog_view_last(
	struct netlog_view *v, const struct netlog_feed *feed, size_t last);

/* What is shown at the end of everything. */
void netlog_view_end(struct netlog_view *v);

/*
 * Goes on with what comes until the reader fails or nobody reads what is
 * printed.  A decision is shown when its outcome is there or, when that takes
 * longer than a second, without it first.  Returns -errno.
 */
int netlog_follow(
	struct netlog_view *v, struct netlog_feed *feed, struct reader *reader);

#endif
