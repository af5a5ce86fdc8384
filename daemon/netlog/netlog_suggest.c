/*
 * netlog_suggest.c - what a rule could allow, and what none can
 *
 * A denial by policy for want of a rule is a wish (advice/wishes.h).  All else
 * that was refused is counted in rows, by sandbox, place and reason, with the
 * words of the record's own list: a deny rule in the way, a request that breaks
 * HTTP, an address that the guard does not dial.  Everything in a record may
 * be a stranger's: it goes into YAML through advice/rule_line.h and into
 * comments through yaml_put_comment(), and nowhere else.
 */
#include "netlog_suggest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "logline.h"
#include "wishes.h"
#include "yaml_text.h"

enum { PLACE_MAX = 320 };

struct row { /* what no rule can allow */
	char *sandbox, *place, *why, *by;
	int reason; /* enum record_reason, or < 0 */
	uint64_t count;
};

struct netlog_suggest {
	struct wishes *wishes;
	uint64_t wished;  /* requests that the rules would allow */
	uint64_t refused; /* those that none can */
	uint64_t more;    /* that found no room */
	struct row rows[NETLOG_SUGGEST_ROWS];
	size_t row_count;
};

struct netlog_suggest *
netlog_suggest_new(void)
{
	struct netlog_suggest *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->wishes = wishes_new();
	if (s->wishes != NULL)
		return s;
	free(s);
	return NULL;
}

static void
row_done(struct row *row)
{
	free(row->sandbox);
	free(row->place);
	free(row->why);
	free(row->by);
}

void
netlog_suggest_free(struct netlog_suggest *s)
{
	if (s == NULL)
		return;
	wishes_free(s->wishes);
	for (size_t i = 0; i < s->row_count; i++)
		row_done(&s->rows[i]);
	free(s);
}

static bool
is(const struct logline *l, const char *key, const char *value)
{
	return strcmp(logline_text(l, key), value) == 0;
}

/* Whether a rule that is not there, or not wide enough, is what denied it. */
static bool
lacks_a_rule(int reason)
{
	switch (reason) {
	case RECORD_NO_RULE:
	case RECORD_METHOD:
	case RECORD_PATH:
	case RECORD_PORT:
	case RECORD_NO_NAME:
		return true;
	default:
		return false;
	}
}

/* Whether there is a rule to look at: what the log does not hold (a query, the
 * fields, how much it was) no rule can be made of. */
static bool
is_by_a_rule(int reason)
{
	return reason == RECORD_RULE_DENY || reason == RECORD_QUERY ||
	       reason == RECORD_QUERY_AMBIGUOUS || reason == RECORD_HEADER ||
	       reason == RECORD_BUDGET;
}

static uint64_t
count_of(const struct logline *l)
{
	uint64_t count = logline_number(l, "count");

	return count > 1 ? count : 1;
}

/* ---- what no rule can allow --------------------------------------------- */

static int
row_init(struct row *row, const struct logline *l, int reason, const char *why)
{
	const char *host = logline_text(l, "host");
	char place[PLACE_MAX], by[PLACE_MAX] = "";

	if (host[0] == '\0')
		host = logline_text(l, "dst");
	snprintf(place, sizeof(place), "%.260s:%" PRIu64, host,
		logline_number(l, "dport"));
	if (is_by_a_rule(reason))
		snprintf(by, sizeof(by), " by %.120s (%.160s)",
			logline_text(l, "rule"), logline_text(l, "source"));
	*row = (struct row){
		.sandbox = strdup(logline_text(l, "sandbox")),
		.place = strdup(place),
		.why = strdup(why),
		.by = strdup(by),
		.reason = reason,
	};
	return row->sandbox != NULL && row->place != NULL && row->why != NULL &&
			       row->by != NULL
		       ? 0
		       : -ENOMEM;
}

static bool
row_equal(const struct row *a, const struct row *b)
{
	return a->reason == b->reason && strcmp(a->place, b->place) == 0 &&
	       strcmp(a->sandbox, b->sandbox) == 0 &&
	       strcmp(a->why, b->why) == 0 && strcmp(a->by, b->by) == 0;
}

static int
refuse(struct netlog_suggest *s, const struct logline *l, int reason,
	const char *why)
{
	struct row row;
	size_t i = 0;
	int r = row_init(&row, l, reason, why);

	s->refused += count_of(l);
	while (r == 0 && i < s->row_count && !row_equal(&s->rows[i], &row))
		i++;
	if (r == 0 && i == NETLOG_SUGGEST_ROWS) {
		s->more += count_of(l);
	} else if (r == 0) {
		s->rows[i].count += count_of(l);
		if (i == s->row_count) {
			row.count = count_of(l);
			s->rows[s->row_count++] = row;
			return 0;
		}
	}
	row_done(&row);
	return r;
}

static int
by_count(const void *a, const void *b)
{
	const struct row *ra = a, *rb = b;

	if (ra->count != rb->count)
		return ra->count < rb->count ? 1 : -1;
	return strcmp(ra->place, rb->place);
}

static void
put_row(FILE *out, const struct row *row)
{
	/* Where a rule would do, what is in its way is all there is to say. */
	const char *hint =
		row->reason < 0 || lacks_a_rule(row->reason)
			? NULL
			: record_reason_hint((enum record_reason)row->reason);

	fputs("#   ", out);
	yaml_put_comment(out, row->place);
	fputs(", for ", out);
	yaml_put_comment(out, row->sandbox[0] != '\0' ? row->sandbox : "?");
	fprintf(out, ", %" PRIu64 " time%s: ", row->count,
		row->count == 1 ? "" : "s");
	yaml_put_comment(out,
		row->reason < 0
			? "refused for a reason that this program does not know"
			: record_reason_name((enum record_reason)row->reason));
	yaml_put_comment(out, row->by);
	fputs("\n#     ", out);
	yaml_put_comment(out, row->why);
	if (hint != NULL)
		fprintf(out, ";\n#     %s", hint);
	fputc('\n', out);
}

/* ---- wishes ------------------------------------------------------------- */

/* NULL, or why no narrow rule can say it. */
static const char *
read_wish(const struct logline *l, struct wish *ret)
{
	const char *host = logline_text(l, "host");
	uint64_t port = logline_number(l, "dport");

	*ret = (struct wish){
		.policy = logline_text(l, "policy"),
		.sandbox = logline_text(l, "sandbox"),
		.host = host[0] != '\0' ? host : NULL,
		.address = logline_text(l, "dst"),
		.port = port <= UINT16_MAX ? (uint16_t)port : 0,
		.count = count_of(l),
	};
	if (is(l, "kind", record_kind_name(RECORD_PACKET)))
		return "packets: for UDP and ping an address rule with "
		       "\"protocol\" may be meant, others never leave";
	if (logline_flag(l, "truncated"))
		return "something in the record is cut: what was asked for is "
		       "not known to the end";
	if (is(l, "kind", record_kind_name(RECORD_DNS))) {
		ret->port = 0;
		ret->address = "";
	} else if (is(l, "kind", record_kind_name(RECORD_REQUEST)) &&
		   ret->host != NULL) {
		ret->method = logline_text(l, "method");
		ret->path = logline_text(l, "path");
		if (ret->port == 0)
			return "the record holds no port";
	} else if (ret->host != NULL && !is(l, "proto", "tcp")) {
		return "the connection shows a name, but no request was seen";
	}
	return wish_hopeless(ret);
}

static int
take_wish(struct netlog_suggest *s, const struct logline *l, int reason)
{
	struct wish wish;
	const char *why = read_wish(l, &wish);
	int r;

	if (why != NULL)
		return refuse(s, l, reason, why);
	r = wishes_add(s->wishes, &wish);
	if (r == -ENOSPC)
		s->more += wish.count;
	else
		s->wished += wish.count;
	return r == -ENOSPC ? 0 : r;
}

/* Let through by policy, and refused all the same. */
static bool
fails_all_the_same(int reason)
{
	return reason == RECORD_ADDRESS_REFUSED || reason == RECORD_SELF ||
	       reason == RECORD_CLIENT_TLS;
}

/* A connection that is opened: each of its requests has a record. */
static bool
is_opened(const struct logline *l)
{
	return is(l, "kind", record_kind_name(RECORD_CONNECT)) &&
	       is(l, "via", "inspect");
}

int
netlog_suggest_add(struct netlog_suggest *s, const struct logline *decision,
	const struct logline *outcome)
{
	bool denied =
		is(decision, "verdict", record_verdict_name(RECORD_DENIED));
	bool audited =
		is(decision, "verdict", record_verdict_name(RECORD_AUDITED));
	const struct logline *result =
		outcome->object != NULL ? outcome : decision;
	int reason = logline_reason(denied ? decision : result);

	if (!denied && !fails_all_the_same(reason)) {
		if (!audited || is_opened(decision))
			return 0;
		reason = logline_reason(decision);
		denied = true; /* it would be, without audit */
	}
	if (denied && lacks_a_rule(reason))
		return take_wish(s, decision, reason);
	return refuse(s, decision, reason,
		reason < 0 ? "see sbx-netlog --explain with its id"
			   : record_reason_text((enum record_reason)reason));
}

int
netlog_suggest_print(struct netlog_suggest *s, FILE *out)
{
	int r;

	fprintf(out,
		"# Denied or audited: %" PRIu64 ".  These rules would allow "
		"%" PRIu64 " of them.\n",
		s->wished + s->refused, s->wished);
	if (s->wished > 0)
		fputs("# A sandbox chose what stands here: allow what you "
		      "know, at the end of \"allow\".\n",
			out);
	r = wishes_print(s->wishes, out);
	if (r < 0)
		return r;
	qsort(s->rows, s->row_count, sizeof(s->rows[0]), by_count);
	fputs(s->row_count > 0 ? "# No rule would allow, or none should:\n"
			       : "",
		out);
	for (size_t i = 0; i < s->row_count; i++)
		put_row(out, &s->rows[i]);
	if (s->more > 0)
		fprintf(out,
			"# and %" PRIu64 " more: filter, with --sandbox, "
			"--host or --since\n",
			s->more);
	return 0;
}
