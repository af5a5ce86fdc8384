/*
 * Our own answers, as golden files in golden/reply/: SBX_GOLDEN_WRITE=1 writes
 * them anew, for people to look at before they commit.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "buf.h"
#include "message.h"
#include "preference.h"
#include "reply.h"

enum {
	TEXT_MAX = 4096,
};

static const struct http_reply denied = {
	.status = 403,
	.error = "policy_denied",
	.reason = "GET https://telemetry.example.org/v1 is denied",
	.rule = "policies.agent.deny[0] (/etc/sbx-net/sbx-netd.yaml:12)",
	.host = "telemetry.example.org",
	.hint = "sbx-netctl explain build-1 GET "
		"https://telemetry.example.org/v1",
	.id = "01J9ZK3V8Q",
};

static const struct {
	const char *golden;
	const char *accept; /* NULL: no such field */
	struct http_reply reply;
} cases[] = {
	{"denied-json", NULL, {0}},
	{"denied-text", "text/html, */*;q=0.8", {0}},
	{"method", "*/*",
		{405, "method_not_carried", "TRACE shows credentials", NULL,
			NULL, NULL, "1", 0}},
	{"malformed", NULL,
		{400, "bad_request", "two Host fields", NULL, NULL, NULL, NULL,
			0}},
	{"hostile-json", NULL,
		{502, "upstream_tls", "line\r\nbreak \"quote\" \x1b[31m \x01",
			NULL, "a\xff\xfe.test", NULL, "2", 0}},
	{"hostile-text", "text/plain",
		{502, "upstream_tls", "line\r\nbreak \"quote\" \x1b[31m \x01",
			NULL, "a\xff\xfe.test", NULL, "2", 0}},
	{"utf8", NULL,
		{504, "upstream_timeout", "caf\xc3\xa9 does not answer", NULL,
			NULL, "later", "3", 0}},
	{"retry", "*/*",
		{429, "budget", "none are left", NULL, "a.test", NULL, "4",
			17}},
};

static void
build(const struct http_reply *r, const char *accept, char text[TEXT_MAX])
{
	struct http_head request, head;
	struct buf body;
	int at;

	http_head_init(&request);
	http_head_init(&head);
	buf_init(&body, TEXT_MAX / 2);
	if (accept != NULL)
		assert_int_equal(http_head_add(&request, SPAN_LITERAL("Accept"),
					 span_of(accept), false),
			0);
	assert_int_equal(http_reply_build(r, &request, &head, &body), 0);
	assert_int_equal(head.framing, HTTP_LENGTH);
	assert_int_equal(head.content_length, body.len);

	at = sprintf(text, "%d\n", head.status);
	for (int i = 0; i < head.field_count; i++) {
		struct span name = http_head_name(&head, &head.fields[i]);
		struct span value = http_head_value(&head, &head.fields[i]);

		at += sprintf(text + at, "%.*s: %.*s\n", (int)name.len,
			name.ptr, (int)value.len, value.ptr);
	}
	sprintf(text + at, "\n%.*s", (int)body.len, buf_span(&body).ptr);
	http_head_done(&request);
	http_head_done(&head);
	buf_done(&body);
}

static void
test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_reply *r =
			cases[i].reply.status != 0 ? &cases[i].reply : &denied;
		char text[TEXT_MAX], golden[TEXT_MAX], path[256];
		FILE *file;
		size_t len;

		build(r, cases[i].accept, text);
		snprintf(path, sizeof(path), "golden/reply/%s.txt",
			cases[i].golden);
		if (getenv("SBX_GOLDEN_WRITE") != NULL) {
			file = fopen(path, "w");
			assert_non_null(file);
			fputs(text, file);
			fclose(file);
		}
		file = fopen(path, "r");
		if (file == NULL)
			fail_msg("%s: %s", path, strerror(errno));
		len = fread(golden, 1, sizeof(golden) - 1, file);
		golden[len] = '\0';
		fclose(file);
		if (strcmp(text, golden) != 0)
			fail_msg("%s differs:\n%s", path, text);
	}
}

static void
test_who_prefers_text(void **state)
{
	static const struct {
		const char *accept;
		bool text;
		const char *reason;
	} accepts[] = {
		{"", true, "an empty list accepts nothing, JSON neither"},
		{"*/*", false, "anything"},
		{"*", false, "anything, in an old spelling"},
		{"application/json", false, "JSON"},
		{"APPLICATION/JSON ; charset=utf-8", false, "with parameter"},
		{"application/*", false, "any application type"},
		{"application/vnd.x.v3+json", false, "JSON of a kind"},
		{"application/vnd.x+json;q=0.1, text/html;q=0.01", false,
			"what pip sends"},
		{"text/html", true, "HTML"},
		{"text/plain", true, "text"},
		{"text/*", true, "any text"},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,"
		 "*/*;q=0.8",
			true, "what browsers send"},
		{"text/plain, application/json", false, "a tie"},
		{"text/plain;q=0.5, application/json;q=0.7", false, "weights"},
		{"text/plain;q=0.7, application/json;q=0.5", true, "weights"},
		{"application/json;q=0, */*", true, "JSON refused"},
		{"*/*;q=0.1, application/json;q=0.001", true,
			"the exact range decides, not the larger weight"},
		{"image/png", true, "neither: then what people can read"},
		{"application/json;q=nonsense", false, "no weight"},
		{"text/html;q=1.5;q=0", true, "a weight beyond 1"},
		{";;=,/;q", true, "nonsense"},
	};

	(void)state;
	assert_false(http_prefers_text(NULL));
	for (size_t i = 0; i < ARRAY_LEN(accepts); i++) {
		struct http_head h;

		http_head_init(&h);
		assert_false(http_prefers_text(&h));
		assert_int_equal(http_head_add(&h, SPAN_LITERAL("Accept"),
					 span_of(accepts[i].accept), false),
			0);
		if (http_prefers_text(&h) != accepts[i].text)
			fail_msg(
				"%s: %s", accepts[i].accept, accepts[i].reason);
		http_head_done(&h);
	}
}

static void
test_errors_leave_the_body_alone(void **state)
{
	struct http_reply bad_id = denied;
	struct http_head head;
	struct buf body;

	(void)state;
	http_head_init(&head);
	buf_init(&body, 64);
	assert_int_equal(buf_add(&body, "x", 1), 0);
	assert_int_equal(
		http_reply_build(&denied, NULL, &head, &body), -ENOBUFS);
	assert_int_equal(body.len, 1);
	bad_id.id = "a\r\nSet-Cookie: b";
	assert_int_equal(
		http_reply_build(&bad_id, NULL, &head, &body), -EINVAL);
	assert_int_equal(body.len, 1);
	http_head_done(&head);
	buf_done(&body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_who_prefers_text),
		cmocka_unit_test(test_errors_leave_the_body_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
