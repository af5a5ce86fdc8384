#include "netlog_summary.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "logline.h"
#include "netlog_row.h"
#include "netlog_table.h"

enum column { SANDBOX, HOST, VIA, RULE, REASON, LAST_SEEN, COUNT };

static const struct netlog_column columns[] = {
	[SANDBOX] = {"SANDBOX", 24, 8, 0, false},
	[HOST] = {"HOST", 48, 20, 0, false},
	[VIA] = {"VIA", 12, 0, 3, false},
	[RULE] = {"RULE", 40, 12, 2, false},
	[REASON] = {"REASON", 24, 10, 0, false},
	[LAST_SEEN] = {"LAST-SEEN", 14, 0, 1, false},
	[COUNT] = {"COUNT", 12, 0, 0, true},
};

enum {
	TEXTS = REASON + 1, /* the columns that make a key */
};

struct line {
	enum record_verdict verdict;
	char *texts[TEXTS]; /* owned; as they may be shown */
	uint64_t last_us;
	uint64_t count;
};

struct netlog_summary {
	struct line lines[NETLOG_SUMMARY_ROWS + RECORD_VERDICT_COUNT];
	size_t count;
	void *tree; /* tsearch(3) of them */
};

struct netlog_summary *
netlog_summary_new(void)
{
	return calloc(1, sizeof(struct netlog_summary));
}

static void
line_done(struct line *line)
{
	for (size_t i = 0; i < TEXTS; i++)
		free(line->texts[i]);
}

static void
keep(void *line)
{
	(void)line; /* the lines are the array's */
}

void
netlog_summary_free(struct netlog_summary *s)
{
	if (s == NULL)
		return;
	tdestroy(s->tree, keep);
	for (size_t i = 0; i < s->count; i++)
		line_done(&s->lines[i]);
	free(s);
}

static int
by_key(const void *a, const void *b)
{
	const struct line *la = a, *lb = b;
	int order = (int)la->verdict - (int)lb->verdict;

	for (size_t i = 0; i < TEXTS && order == 0; i++)
		order = strcmp(la->texts[i], lb->texts[i]);
	return order;
}

static enum record_verdict
verdict_of(const struct logline *l)
{
	for (int i = 0; i < RECORD_VERDICT_COUNT; i++) {
		if (strcmp(logline_text(l, "verdict"),
			    record_verdict_name(i)) == 0)
			return i;
	}
	return RECORD_ERROR;
}

static char *
shown(const char *text)
{
	char cell[NETLOG_CELL_MAX] = "";

	netlog_append(cell, sizeof(cell), text[0] != '\0' ? text : "-");
	return strdup(cell);
}

/* What would have denied it is no reason why it passed. */
static char *
audited_reason(const struct logline *l)
{
	char text[NETLOG_CELL_MAX];

	snprintf(text, sizeof(text), "%s: %s",
		record_verdict_name(RECORD_AUDITED), logline_text(l, "reason"));
	return shown(text);
}

/* What is counted: whose keys say who, and whose say how it went. */
struct event {
	const struct logline *target, *result;
};

/* A line for e, not counted yet; rest: the one for what has no room. */
static int
line_init(struct line *line, const struct event *e, bool rest)
{
	static const char *const keys[TEXTS] = {
		[SANDBOX] = "sandbox", [VIA] = "via", [RULE] = "rule"};
	char host[NETLOG_CELL_MAX];
	int r = 0;

	*line = (struct line){.verdict = verdict_of(e->result)};
	netlog_row_host(e->target, host, sizeof(host));
	for (size_t i = 0; i < TEXTS; i++) {
		if (rest)
			line->texts[i] = strdup("(others)");
		else if (i == HOST)
			line->texts[i] = strdup(host);
		else if (i == VIA && netlog_row_is_scout(e->target))
			line->texts[i] = strdup("(which HTTP)");
		else if (i == REASON && line->verdict == RECORD_AUDITED)
			line->texts[i] = audited_reason(e->result);
		else if (i == REASON)
			line->texts[i] =
				shown(logline_text(e->result, "reason"));
		else
			line->texts[i] =
				shown(logline_text(e->target, keys[i]));
		if (line->texts[i] == NULL)
			r = -ENOMEM;
	}
	return r;
}

/* The line that counts such as key: an old one, or key itself moved in. */
static struct line *
find_or_take(struct netlog_summary *s, struct line *key)
{
	struct line *line = &s->lines[s->count];
	struct line **found = tfind(key, &s->tree, by_key);

	if (found != NULL)
		return *found;
	*line = *key;
	if (tsearch(line, &s->tree, by_key) == NULL)
		return NULL;
	*key = (struct line){0};
	s->count++;
	return line;
}

int
netlog_summary_add(struct netlog_summary *s, const struct logline *decision,
	const struct logline *outcome)
{
	const struct event e = {
		decision, outcome->object != NULL ? outcome : decision};
	uint64_t count = logline_number(decision, "count");
	uint64_t us = logline_ts(e.result);
	struct line key, *line = NULL;
	int r;

	r = line_init(&key, &e, false);
	if (r == 0 && s->count >= NETLOG_SUMMARY_ROWS &&
		tfind(&key, &s->tree, by_key) == NULL) {
		line_done(&key);
		r = line_init(&key, &e, true);
	}
	if (r == 0)
		line = find_or_take(s, &key);
	line_done(&key);
	if (line == NULL)
		return -ENOMEM;
	line->count += count > 1 ? count : 1;
	if (us > line->last_us)
		line->last_us = us;
	return 0;
}

/* Denied, errors, audited, allowed; then the most frequent, then the latest. */
static int
by_weight(const void *a, const void *b)
{
	static const int ranks[] = {
		[RECORD_DENIED] = 0,
		[RECORD_ERROR] = 1,
		[RECORD_AUDITED] = 2,
		[RECORD_ALLOWED] = 3,
	};
	const struct line *la = a, *lb = b;

	if (la->verdict != lb->verdict)
		return ranks[la->verdict] - ranks[lb->verdict];
	if (la->count != lb->count)
		return la->count < lb->count ? 1 : -1;
	if (la->last_us != lb->last_us)
		return la->last_us < lb->last_us ? 1 : -1;
	return by_key(a, b);
}

static void
make_row(const struct line *line, struct netlog_row *ret)
{
	for (size_t i = 0; i < TEXTS; i++) {
		ret->colours[i] = NETLOG_PLAIN;
		netlog_row_set(ret, i, line->texts[i]);
	}
	ret->colours[HOST] = ret->colours[REASON] =
		netlog_verdict_colour(record_verdict_name(line->verdict));
	ret->colours[LAST_SEEN] = NETLOG_DIM;
	netlog_time(ret->cells[LAST_SEEN], sizeof(ret->cells[LAST_SEEN]),
		line->last_us);
	snprintf(ret->cells[COUNT], sizeof(ret->cells[COUNT]), "%" PRIu64,
		line->count);
}

void
netlog_summary_print(
	struct netlog_summary *s, size_t screen, bool colour, FILE *out)
{
	static struct netlog_row row;
	struct netlog_table table;

	netlog_table_init(&table, columns, ARRAY_LEN(columns), screen, colour);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		netlog_row_set(&row, i, columns[i].title);
	netlog_table_measure(&table, &row);
	tdestroy(s->tree, keep);
	s->tree = NULL; /* sorting moves what it points to */
	qsort(s->lines, s->count, sizeof(s->lines[0]), by_weight);
	for (size_t i = 0; i < s->count; i++) {
		make_row(&s->lines[i], &row);
		netlog_table_measure(&table, &row);
	}
	netlog_table_titles(&table, out);
	for (size_t i = 0; i < s->count; i++) {
		make_row(&s->lines[i], &row);
		netlog_table_print(&table, &row, out);
	}
}
