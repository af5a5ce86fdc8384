#include "netlog_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "logline.h"
#include "netlog_explain.h"
#include "netlog_feed.h"
#include "netlog_join.h"
#include "netlog_row.h"
#include "netlog_suggest.h"
#include "netlog_summary.h"
#include "netlog_text.h"
#include "record.h"

enum {
	SCREEN_LEAST = 40, /* a narrower screen wraps */
};

/* $COLUMNS if somebody set it, else what the terminal says. */
static size_t
screen_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	size_t width = 0;

	if (columns != NULL)
		width = strtoul(columns, NULL, 10);
	else if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	return width == 0 || width >= SCREEN_LEAST ? width : SCREEN_LEAST;
}

int
netlog_view_init(
	struct netlog_view *v, const struct netlog_options *options, FILE *out)
{
	*v = (struct netlog_view){.mode = options->mode,
		.colour = options->colour,
		.screen = screen_width(out),
		.out = out};
	netlog_row_table(&v->table, v->screen, v->colour);
	if (v->mode == NETLOG_SUMMARY)
		v->summary = netlog_summary_new();
	if (v->mode == NETLOG_SUGGEST)
		v->suggest = netlog_suggest_new();
	return (v->mode == NETLOG_SUMMARY && v->summary == NULL) ||
			       (v->mode == NETLOG_SUGGEST && v->suggest == NULL)
		       ? -ENOMEM
		       : 0;
}

void
netlog_view_done(struct netlog_view *v)
{
	netlog_summary_free(v->summary);
	netlog_suggest_free(v->suggest);
	v->summary = NULL;
	v->suggest = NULL;
}

static void
print_json(struct netlog_view *v, const char *line)
{
	if (line != NULL)
		netlog_print_json(v->out, line, strlen(line));
}

static void
print_line(struct netlog_view *v, const struct netlog_pair *pair)
{
	static struct netlog_row row;

	netlog_row_make(pair, &row);
	netlog_table_measure(&v->table, &row);
	netlog_table_print(&v->table, &row, v->out);
}

/* One count for both: an outcome that is an error says more than a decision
 * that allowed it. */
static void
count_pair(struct netlog_view *v, const struct netlog_pair *pair)
{
	struct logline decision = {0}, outcome = {0};

	if (logline_parse(span_of(pair->decision), &decision) < 0)
		return;
	if (pair->outcome != NULL)
		(void)logline_parse(span_of(pair->outcome), &outcome);
	if (logline_passed(&outcome))
		logline_done(&outcome);
	if ((v->mode == NETLOG_SUMMARY ? netlog_summary_add(v->summary,
						 &decision, &outcome)
				       : netlog_suggest_add(v->suggest,
						 &decision, &outcome)) < 0)
		fputs("sbx-netlog: out of memory: a decision is not counted\n",
			stderr);
	logline_done(&decision);
	logline_done(&outcome);
}

void
netlog_view_pair(struct netlog_view *v, const struct netlog_pair *pair)
{
	switch (v->mode) {
	case NETLOG_LINES:
		print_line(v, pair);
		break;
	case NETLOG_JSON:
		print_json(v, pair->decision);
		print_json(v, pair->outcome);
		break;
	case NETLOG_SUMMARY:
	case NETLOG_SUGGEST:
		count_pair(v, pair);
		break;
	case NETLOG_EXPLAIN:
		netlog_explain(pair, v->colour, v->out);
		break;
	}
}

static void
measure(struct netlog_view *v, const struct netlog_pair *pair)
{
	static struct netlog_row row;

	netlog_row_make(pair, &row);
	netlog_table_measure(&v->table, &row);
}

void
netlog_view_last(
	struct netlog_view *v, const struct netlog_feed *feed, size_t last)
{
	size_t count = netlog_join_count(feed->passed);
	size_t first = count > last ? count - last : 0;

	for (size_t i = first; i < count && v->mode == NETLOG_LINES; i++)
		measure(v, netlog_join_at(feed->passed, i));
	for (size_t i = 0; i < count; i++) {
		struct netlog_pair *pair = netlog_join_at(feed->passed, i);

		pair->shown = true;
		if (i >= first)
			netlog_view_pair(v, pair);
	}
	fflush(v->out);
}

void
netlog_view_end(struct netlog_view *v)
{
	if (v->mode == NETLOG_SUMMARY)
		netlog_summary_print(v->summary, v->screen, v->colour, v->out);
	if (v->mode == NETLOG_SUGGEST &&
		netlog_suggest_print(v->suggest, v->out) < 0)
		fputs("sbx-netlog: out of memory: rules are missing\n", stderr);
	fflush(v->out);
}
