#include "netlog_row.h"

#include <inttypes.h>
#include <string.h>

#include "array.h"
#include "logline.h"
#include "netlog_join.h"

enum column {
	HOST,
	REQUEST,
	VERDICT,
	REASON,
	RULE,
	OUTCOME,
	SANDBOX,
	TIME,
	ID,
};

static const struct netlog_column columns[] = {
	[HOST] = {"HOST", 40, 24, 0, false},
	[REQUEST] = {"REQUEST", 48, 14, 0, false},
	[VERDICT] = {"VERDICT", 8, 0, 0, false},
	[REASON] = {"REASON", 24, 10, 0, false},
	[RULE] = {"RULE", 48, 20, 4, false},
	[OUTCOME] = {"OUTCOME", 36, 16, 2, false},
	[SANDBOX] = {"SANDBOX", 24, 8, 3, false},
	[TIME] = {"TIME", 14, 0, 5, false},
	[ID] = {"ID", 16, 0, 1, false},
};

void
netlog_row_table(struct netlog_table *ret, size_t screen, bool colour)
{
	netlog_table_init(ret, columns, ARRAY_LEN(columns), screen, colour);
}

static bool
is(const struct logline *l, const char *key, const char *value)
{
	return strcmp(logline_text(l, key), value) == 0;
}

static void
append(struct netlog_row *row, enum column column, const char *text)
{
	netlog_append(row->cells[column], sizeof(row->cells[column]), text);
}

/* Another word in the cell, if there is one. */
static void
append_word(struct netlog_row *row, enum column column, const char *text)
{
	if (text[0] == '\0')
		return;
	if (row->cells[column][0] != '\0')
		append(row, column, " ");
	append(row, column, text);
}

void
netlog_row_host(const struct logline *l, char *ret, size_t size)
{
	const char *host = logline_text(l, "host");
	uint64_t port = logline_number(l, "dport");
	char text[32];

	ret[0] = '\0';
	if (host[0] == '\0')
		host = logline_text(l, "dst");
	netlog_append(ret, size, host[0] != '\0' ? host : "-");
	if (port == 0 || port == 80 || port == 443 || is(l, "kind", "dns"))
		return;
	snprintf(text, sizeof(text), ":%" PRIu64, port);
	netlog_append(ret, size, text);
}

/* A flow that is opened has a record of its own for nothing else: what is
 * allowed in it are its requests. */
bool
netlog_row_is_scout(const struct logline *decision)
{
	return is(decision, "kind", "connect") && logline_passed(decision) &&
	       is(decision, "via", "inspect");
}

static void
make_request(const struct logline *l, struct netlog_row *row)
{
	const char *proto = logline_text(l, "proto");

	if (netlog_row_is_scout(l)) {
		append_word(row, REQUEST, "asks which HTTP");
	} else if (is(l, "kind", "request")) {
		append_word(row, REQUEST, logline_text(l, "method"));
		append_word(row, REQUEST, logline_text(l, "path"));
	} else if (is(l, "kind", "connect")) {
		append_word(row, REQUEST, proto[0] != '\0' ? proto : "connect");
	} else {
		append_word(row, REQUEST, logline_text(l, "kind"));
		append_word(row, REQUEST, logline_text(l, "method"));
	}
	if (is(l, "kind", "packet"))
		append_word(row, REQUEST, proto);
	if (is(l, "kind", "control"))
		append_word(row, REQUEST, logline_text(l, "detail"));
}

static void
make_decision(const struct logline *l, struct netlog_row *row)
{
	const char *verdict = logline_text(l, "verdict");
	uint64_t count = logline_number(l, "count");
	char text[512];

	netlog_row_host(l, row->cells[HOST], sizeof(row->cells[HOST]));
	make_request(l, row);
	append(row, VERDICT, verdict);
	append(row, REASON, logline_text(l, "reason"));
	if (count > 1) {
		snprintf(text, sizeof(text), "x%" PRIu64, count);
		append_word(row, REASON, text);
	}
	append_word(row, RULE, logline_text(l, "rule"));
	append_word(row, RULE, logline_text(l, "source"));
	append(row, SANDBOX, logline_text(l, "sandbox"));
	netlog_time(text, sizeof(text), logline_ts(l));
	append(row, TIME, text);
	append(row, ID, logline_text(l, "id"));
	row->colours[HOST] = NETLOG_BOLD;
	row->colours[VERDICT] = netlog_verdict_colour(verdict);
	row->colours[RULE] = row->colours[TIME] = row->colours[ID] = NETLOG_DIM;
}

static void
make_outcome(const struct logline *l, bool scout, struct netlog_row *row)
{
	const char *alpn = logline_text(l, "alpn");
	uint64_t up = logline_number(l, "bytes_up");
	uint64_t down = logline_number(l, "bytes_down");
	uint64_t status = logline_number(l, "status");
	bool complete = is(l, "reason", "complete");
	char text[64], size[32];

	if (status > 0) {
		snprintf(text, sizeof(text), "%" PRIu64, status);
		append_word(row, OUTCOME, text);
	}
	if (!complete)
		append_word(row, OUTCOME, logline_text(l, "reason"));
	if (scout && alpn[0] != '\0')
		append_word(row, OUTCOME, "learnt");
	if (scout)
		append_word(row, OUTCOME, alpn);
	netlog_duration(text, sizeof(text), logline_real(l, "dur_ms"));
	append_word(row, OUTCOME, text);
	if (!complete || status >= 500)
		row->colours[OUTCOME] = NETLOG_YELLOW;
	if (scout)
		return; /* it carries nothing of the sandbox's */
	netlog_size(text, sizeof(text), up);
	netlog_size(size, sizeof(size), down);
	append_word(row, OUTCOME, text);
	append(row, OUTCOME, "/");
	append(row, OUTCOME, size);
}

void
netlog_row_make(const struct netlog_pair *pair, struct netlog_row *ret)
{
	struct logline decision = {0}, outcome = {0};

	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		ret->cells[i][0] = '\0';
		ret->colours[i] = NETLOG_PLAIN;
	}
	if (pair->outcome != NULL)
		(void)logline_parse(span_of(pair->outcome), &outcome);
	if (pair->decision != NULL)
		(void)logline_parse(span_of(pair->decision), &decision);
	make_decision(decision.object != NULL ? &decision : &outcome, ret);
	if (outcome.object != NULL)
		make_outcome(&outcome, netlog_row_is_scout(&decision), ret);
	else if (logline_awaits_outcome(&decision))
		append(ret, OUTCOME, "open");
	logline_done(&decision);
	logline_done(&outcome);
}
