#include "netlog_explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "logline.h"
#include "netlog_join.h"
#include "netlog_row.h"
#include "netlog_text.h"

enum {
	INDENT = 12,
	TEXT_MAX = 8192,
};

/* One line: a label and what was gathered in text; nothing if that is empty. */
static void
say(FILE *out, const char *label, const char *text)
{
	if (text[0] == '\0')
		return;
	fprintf(out, "  %-*s", INDENT, label);
	netlog_print(out, text);
	fputc('\n', out);
}

static void
say_key(FILE *out, const char *label, const struct logline *l, const char *key)
{
	say(out, label, logline_text(l, key));
}

static void
say_time(FILE *out, const struct logline *l)
{
	char text[64];

	netlog_time_long(text, sizeof(text), logline_ts(l));
	say(out, "when", text);
}

/* "label: a, b c" out of what the record has; each part after its lead. */
struct part {
	const char *lead, *key;
};

static void
say_parts(FILE *out, const char *label, const struct logline *l,
	const struct part *parts, size_t count)
{
	char text[TEXT_MAX] = "";

	for (size_t i = 0; i < count; i++) {
		const char *value = logline_text(l, parts[i].key);

		if (value[0] == '\0')
			continue;
		if (text[0] != '\0')
			netlog_append(text, sizeof(text), parts[i].lead);
		netlog_append(text, sizeof(text), value);
	}
	/* It is shown already; a backslash is no control character. */
	say(out, label, text);
}

static void
say_labels(FILE *out, const struct logline *l)
{
	char *text = logline_json(l, "labels");

	if (text != NULL)
		say(out, "labels", text);
	free(text);
}

static void
say_target(FILE *out, const struct logline *l)
{
	static const struct part request[] = {{"", "method"}, {" ", "path"}};
	static const struct part way[] = {
		{"", "proto"}, {", ", "alpn"}, {", ", "via"}};
	static const struct part ends[] = {{"", "src"}, {" -> ", "dst"}};
	char host[NETLOG_CELL_MAX];

	netlog_row_host(l, host, sizeof(host));
	say(out, "host", host);
	say_parts(out, "request", l, request, ARRAY_LEN(request));
	say_parts(out, "protocol", l, way, ARRAY_LEN(way));
	say_parts(out, "addresses", l, ends, ARRAY_LEN(ends));
	if (logline_flag(l, "dst_mismatch"))
		say(out, "",
			"the daemon, which dials by name, dialled another "
			"address");
}

static void
say_rule(FILE *out, const struct logline *l)
{
	static const struct part rule[] = {
		{"", "rule"}, {" at ", "source"}, {", policy ", "policy"}};
	uint64_t generation = logline_number(l, "generation");
	char text[32];

	say_parts(out, "rule", l, rule, ARRAY_LEN(rule));
	if (generation == 0)
		return;
	snprintf(text, sizeof(text), "%" PRIu64, generation);
	say(out, "generation", text);
}

static void
say_reason(FILE *out, const struct logline *l)
{
	int reason = logline_reason(l);

	say_key(out, "reason", l, "reason");
	if (reason < 0) {
		say(out, "",
			"this sbx-netlog does not know that reason: it "
			"is older than the daemon");
		return;
	}
	say(out, "", record_reason_text(reason));
	if (record_reason_hint(reason) != NULL)
		say(out, "what to do", record_reason_hint(reason));
}

static void
say_bytes(FILE *out, const struct logline *l)
{
	char text[128], up[32], down[32];

	netlog_size(up, sizeof(up), logline_number(l, "bytes_up"));
	netlog_size(down, sizeof(down), logline_number(l, "bytes_down"));
	snprintf(text, sizeof(text), "%s up, %s down", up, down);
	say(out, "bytes", text);
}

static void
say_figures(FILE *out, const struct logline *l)
{
	uint64_t status = logline_number(l, "status");
	double first = logline_real(l, "ttfb_ms");
	char text[128];

	if (status > 0) {
		snprintf(text, sizeof(text), "%" PRIu64, status);
		say(out, "status", text);
	}
	netlog_duration(text, sizeof(text), logline_real(l, "dur_ms"));
	say(out, "took", text);
	if (first > 0) {
		netlog_duration(text, sizeof(text), first);
		say(out, "first byte", text);
	}
}

/* What both kinds of record may carry. */
static void
say_more(FILE *out, const struct logline *l)
{
	uint64_t count = logline_number(l, "count");
	char text[64];

	say_key(out, "upstream", l, "upstream");
	say_key(out, "injected", l, "injected");
	say_key(out, "skipped", l, "skipped");
	say_key(out, "handler", l, "handler");
	say_key(out, "detail", l, "detail");
	if (count > 1) {
		snprintf(text, sizeof(text), "one record for %" PRIu64 " alike",
			count);
		say(out, "count", text);
	}
	if (logline_flag(l, "truncated"))
		say(out, "",
			"something in this record was too long and is "
			"cut");
}

static void
say_head(FILE *out, bool colour, const char *what, const struct logline *l)
{
	const char *verdict = logline_text(l, "verdict");
	char shown[NETLOG_CELL_MAX] = "";

	netlog_append(shown, sizeof(shown), verdict);
	fprintf(out, "%s ", what);
	netlog_print(out, logline_text(l, "id"));
	fputs(": ", out);
	netlog_paint(out, colour, netlog_verdict_colour(verdict), shown);
	fputc('\n', out);
}

static void
explain_decision(const struct logline *l, bool colour, FILE *out)
{
	say_head(out, colour, "decision", l);
	say_time(out, l);
	say_key(out, "sandbox", l, "sandbox");
	say_labels(out, l);
	say_key(out, "kind", l, "kind");
	if (netlog_row_is_scout(l))
		say(out, "",
			"the daemon asks the origin which HTTP it speaks, "
			"before it answers the client");
	say_target(out, l);
	say_rule(out, l);
	say_reason(out, l);
	if (strcmp(logline_text(l, "verdict"),
		    record_verdict_name(RECORD_AUDITED)) == 0)
		say(out, "",
			"it passed all the same: audit only puts on record "
			"what would be refused");
	say_more(out, l);
}

static void
explain_outcome(const struct logline *l, bool scout, bool colour, FILE *out)
{
	say_head(out, colour, "outcome", l);
	say_time(out, l);
	say_figures(out, l);
	if (scout)
		say_key(out, "learnt", l, "alpn");
	else
		say_bytes(out, l);
	say_reason(out, l);
	say_more(out, l);
}

void
netlog_explain(const struct netlog_pair *pair, bool colour, FILE *out)
{
	struct logline l;
	bool scout = false;

	if (pair->decision != NULL &&
		logline_parse(span_of(pair->decision), &l) == 0) {
		scout = netlog_row_is_scout(&l);
		explain_decision(&l, colour, out);
		if (pair->outcome == NULL && logline_awaits_outcome(&l))
			fputs("no outcome: it is still open\n", out);
		logline_done(&l);
	}
	if (pair->outcome != NULL &&
		logline_parse(span_of(pair->outcome), &l) == 0) {
		explain_outcome(&l, scout, colour, out);
		logline_done(&l);
	}
}
