/*
 * netlog_run.c - reads as little of the log as the question needs
 *
 * The last N decisions are near the end of the file, but nobody knows how
 * many lines from it: there are outcomes in between, and what the filter
 * refuses.  So a window of lines at the end is read, and a larger one if that
 * was not enough; each is so much larger than the one before that all of them
 * together cost little more than the last.
 */
#include "netlog_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "logline.h"
#include "netlog_feed.h"
#include "netlog_join.h"
#include "netlog_options.h"
#include "netlog_view.h"
#include "reader.h"

enum {
	WINDOW_LEAST = 256, /* lines */
	WINDOW_GROWTH = 8,
};

struct run {
	const struct netlog_options *options;
	struct reader *reader;
	struct netlog_feed feed;
	struct netlog_view view;
};

static void
explain_open_error(
	const struct netlog_options *options, int error, const char *text)
{
	fprintf(stderr, "sbx-netlog: %s\n", text);
	if (error == -ENOENT)
		fputs("There is no decision log there.  Is sbx-netd running "
		      "(systemctl status sbx-netd)?\nA daemon with a "
		      "directory of its own: --runtime-dir DIR; another "
		      "file: --file PATH.\n",
			stderr);
	if (error == -EACCES)
		fprintf(stderr,
			"You may not read it: be root or in the group "
			"that owns it (ls -l %s).\n",
			options->path);
}

static int
take_all(struct run *run)
{
	const struct logline *l;
	struct netlog_pair *pair;
	int r;

	while ((r = reader_next(run->reader, &l)) > 0) {
		if (run->options->mode == NETLOG_EXPLAIN &&
			logline_id(l) != run->options->id)
			continue;
		r = netlog_feed_take(&run->feed, l, &pair);
		if (r < 0)
			return r;
	}
	return r;
}

/* Fills the feed with at least `last` pairs, if the log has them. */
static int
take_last(struct run *run, size_t last)
{
	size_t window = last > 0 ? 4 * last + WINDOW_LEAST : 0;
	int more, r;

	for (;; window *= WINDOW_GROWTH) {
		netlog_feed_clear(&run->feed);
		more = reader_tail(run->reader, window);
		if (more < 0 && more != -ESPIPE)
			return more;
		r = take_all(run);
		if (r < 0 || more <= 0 ||
			netlog_join_count(run->feed.passed) >= last)
			return r;
	}
}

static void
show_leaving(struct netlog_pair *pair, void *context)
{
	netlog_view_pair(context, pair);
}

/* Everything in the file: what has no room any more is shown on the way. */
static int
show_all(struct run *run)
{
	int r;

	run->feed.leaving = show_leaving;
	run->feed.context = &run->view;
	r = take_all(run);
	run->feed.leaving = NULL;
	netlog_view_last(&run->view, &run->feed, SIZE_MAX);
	return r;
}

static int
show(struct run *run)
{
	int r;

	if (run->options->last == NETLOG_ALL) {
		r = show_all(run);
	} else {
		r = take_last(run, (size_t)run->options->last);
		netlog_view_last(
			&run->view, &run->feed, (size_t)run->options->last);
	}
	if (r == 0 && run->options->follow && reader_fd(run->reader) >= 0)
		r = netlog_follow(&run->view, &run->feed, run->reader);
	netlog_view_end(&run->view);
	return r;
}

static int
exit_code(const struct run *run, int r)
{
	const struct netlog_options *options = run->options;
	uint64_t broken = reader_broken(run->reader);

	if (broken > 0)
		fprintf(stderr,
			"sbx-netlog: %" PRIu64 " lines of %s are no "
			"records and were skipped\n",
			broken, options->path);
	if (r < 0 && r != -EPIPE) {
		fprintf(stderr, "sbx-netlog: %s: %s\n", options->path,
			strerror(-r));
		return NETLOG_FAILED;
	}
	if (options->mode == NETLOG_EXPLAIN &&
		netlog_join_count(run->feed.passed) == 0) {
		fprintf(stderr,
			"sbx-netlog: no decision %016" PRIx64 " in %s\n"
			"It may be in an older log: --file %s.1\n",
			options->id, options->path, options->path);
		return NETLOG_NOT_FOUND;
	}
	return NETLOG_OK;
}

/* How many pairs are held: to show them, or for their outcomes to find. */
static size_t
room(const struct netlog_options *options)
{
	if (options->mode == NETLOG_EXPLAIN)
		return 1;
	if (options->last == NETLOG_ALL || options->follow)
		return NETLOG_LAST_MAX;
	return (size_t)options->last;
}

int
netlog_run(const struct netlog_options *options)
{
	struct run run = {.options = options};
	char error[512];
	int r, code;

	r = reader_open(options->path, options->follow, &run.reader, error,
		sizeof(error));
	if (r < 0) {
		explain_open_error(options, r, error);
		return NETLOG_FAILED;
	}
	if (options->follow && reader_is_waiting(run.reader))
		fprintf(stderr, "sbx-netlog: waiting for %s\n", options->path);
	r = netlog_feed_init(&run.feed, &options->filter, room(options));
	if (r == 0)
		r = netlog_view_init(&run.view, options, stdout);
	if (r == 0)
		r = show(&run);
	code = exit_code(&run, r);
	netlog_view_done(&run.view);
	netlog_feed_done(&run.feed);
	reader_free(run.reader);
	return code;
}
