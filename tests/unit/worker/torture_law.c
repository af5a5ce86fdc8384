#include "torture_law.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "message.h"

static bool
has(const char *line, const char *end, const char *part)
{
	return part == NULL ||
	       memmem(line, (size_t)(end - line), part, strlen(part)) != NULL;
}

unsigned
law_lines(const struct session_lab *lab, const char *a, const char *b,
	const char *c)
{
	const char *at = session_lab_log(lab), *end;
	unsigned n = 0;

	for (; (end = strchr(at, '\n')) != NULL; at = end + 1)
		n += has(at, end, a) && has(at, end, b) && has(at, end, c);
	return n;
}

void
law_hold_connections(
	const struct session_lab *lab, const char *host, size_t count)
{
	char part[64];

	snprintf(part, sizeof(part), "\"host\":\"%s\"", host);
	if (law_lines(lab, part, "\"event\":\"decision\"",
		    "\"verdict\":\"allowed\"") < count)
		fail_msg("%s was dialled off the record", host);
}

void
law_hold_clean(struct span bytes)
{
	assert_null(memmem(
		bytes.ptr, bytes.len, TORTURE_SECRET, strlen(TORTURE_SECRET)));
}

void
law_hold_clean_head(const struct http_head *h)
{
	if (h == NULL)
		return;
	law_hold_clean(http_head_target(h));
	law_hold_clean(http_head_authority(h));
	for (int i = 0; i < h->field_count; i++) {
		law_hold_clean(http_head_name(h, &h->fields[i]));
		law_hold_clean(http_head_value(h, &h->fields[i]));
	}
}

/* How many fields are the credential's; what else there is must be clean. */
static unsigned
count_keys(const struct http_head *h, bool http2)
{
	unsigned keys = 0;

	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];
		struct span value = http_head_value(h, f);

		if (!span_equals_nocase(
			    http_head_name(h, f), SPAN_LITERAL("X-Key"))) {
			law_hold_clean(http_head_name(h, f));
			law_hold_clean(value);
			continue;
		}
		assert_true(span_equals(value, SPAN_LITERAL(TORTURE_SECRET)));
		assert_int_equal(f->secret, http2); /* never indexed */
		keys++;
	}
	law_hold_clean(http_head_target(h));
	return keys;
}

void
law_hold_request(const struct session_lab *lab, const struct http_head *request,
	bool http2)
{
	struct span path = http_head_path(request);
	char part[64];

	snprintf(part, sizeof(part),
		"\"path\":\"%.*s\",\"verdict\":\"allowed\"", (int)path.len,
		path.ptr);
	assert_int_equal(
		law_lines(lab, part, "\"event\":\"decision\"", NULL), 1);
	assert_int_equal(law_lines(lab, part, "\"injected\":\"key\"", NULL),
		count_keys(request, http2));
}

/* It is JSON, and comes with the key in its head. */
bool
law_may_hold_key(const struct http_head *request)
{
	const struct http_field *f =
		http_head_find_name(request, SPAN_LITERAL("X-Key"));

	return f != NULL &&
	       http_head_find_name(request, SPAN_LITERAL("Content-Type")) !=
		       NULL &&
	       span_equals(http_head_value(request, f),
		       SPAN_LITERAL(TORTURE_SECRET));
}

struct span
law_body_of(const struct http_head *request)
{
	if (span_equals(http_head_method(request), SPAN_LITERAL("POST")))
		return SPAN_LITERAL("ping");
	if (law_may_hold_key(request))
		return SPAN_LITERAL("\"" TORTURE_SECRET "\"");
	if (http_head_find_name(request, SPAN_LITERAL("Content-Type")) != NULL)
		return SPAN_LITERAL("\"" TORTURE_STAND_IN "\"");
	return SPAN_LITERAL("");
}

void
law_hold_blame(const struct session_lab *lab)
{
	static const char *const reasons[] = {"malformed_http", "upstream_http",
		"bad_hello", "bad_name", "origin_gone", "\"limit\""};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (law_lines(lab, reasons[i], NULL, NULL) != 0)
			fail_msg("somebody is blamed (%s):\n%s", reasons[i],
				session_lab_log(lab));
	}
}

void
law_hold_outcomes(const struct session_lab *lab)
{
	static const char decision[] = "\"event\":\"decision\"";
	const char *at = session_lab_log(lab), *end;
	char id[32];

	for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		const char *here = strstr(at, "\"id\":\"");

		if (here == NULL || here > end ||
			!has(at, end, "\"verdict\":\"allowed\""))
			continue;
		snprintf(id, sizeof(id), "%.*s",
			(int)(strcspn(here + 6, "\"") + 7), here);
		if (law_lines(lab, id, decision, NULL) != 1 ||
			law_lines(lab, id, "\"event\":\"outcome\"", NULL) != 1)
			fail_msg("not one decision and one outcome: %.*s",
				(int)(end - at), at);
	}
}
