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
#include "control_proto.h"
#include "control_session.h"
#include "fake_keeper.h"

static struct keeper keeper;
static int woken;

static int
setup(void **state)
{
	(void)state;
	fake_keeper_init(&keeper);
	woken = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_keeper_done(&keeper);
	return 0;
}

static void
on_wake(void *arg)
{
	(void)arg;
	woken++;
}

static struct control_session *
open_session(enum control_right right)
{
	struct control_session *s =
		control_session_new(&keeper, right, on_wake, NULL);

	assert_non_null(s);
	return s;
}

/* Everything in `out`, terminated; until the next call. */
static const char *
drain(struct control_session *s)
{
	static char text[256 * 1024];
	struct buf *out = control_session_out(s);
	size_t len = 0;

	do {
		struct span bytes = buf_span(out);

		assert_true(len + bytes.len < sizeof(text));
		if (bytes.len > 0)
			memcpy(text + len, bytes.ptr, bytes.len);
		len += bytes.len;
		buf_consume(out, bytes.len);
		control_session_run(s, false);
	} while (out->len > 0);
	text[len] = '\0';
	return text;
}

static const char *
ask(struct control_session *s, const char *request)
{
	assert_int_equal(
		buf_add(control_session_in(s), request, strlen(request)), 0);
	control_session_run(s, false);
	return drain(s);
}

#define HOST "Host: localhost\r\n"

static const struct {
	enum control_right right;
	int status;
	const char *request;
	const char *holds;
	const char *why;
} what_each_right_may_cases[] = {
	{CONTROL_READ, 200, "GET /v1/status", "\"version\"", "reads"},
	{CONTROL_READ, 200, "GET /v1/health", "true", "reads"},
	{CONTROL_READ, 200, "GET /v1/metrics", "sbx_net_selfcheck_ok 1",
		"reads"},
	{CONTROL_READ, 200, "GET /v1/sandboxes", "veth-1", "reads"},
	{CONTROL_READ, 200, "GET /v1/sandboxes/one", "veth-1", "reads"},
	{CONTROL_READ, 200, "GET /v1/sandboxes/%6fne", "veth-1",
		"segments are decoded"},
	{CONTROL_READ, 404, "GET /v1/sandboxes/two", "not_found",
		"none of that name"},
	{CONTROL_READ, 404, "GET /v1/sandboxes/", "not_found", "empty segment"},
	{CONTROL_READ, 404, "GET /v1/sandboxes/one/", "not_found",
		"one segment too many"},
	{CONTROL_READ, 404, "GET /v1/sandboxes/one%00", "not_found",
		"NUL in a name"},
	{CONTROL_READ, 200, "GET /v1/sandboxes/one/overlay",
		"ETag: \"0123456789abcdef\"", "an overlay with its tag"},
	{CONTROL_READ, 200, "GET /v1/sandboxes/one/overlay",
		"443,\n          \"8000-9000\"\n", "… as JSON"},
	{CONTROL_READ, 404, "GET /v1/sandboxes/two/overlay", "not_found",
		"nobody's overlay"},
	{CONTROL_READ, 403, "DELETE /v1/sandboxes/one/overlay", "forbidden",
		"changes nothing"},
	{CONTROL_WRITE, 200, "DELETE /v1/sandboxes/one/overlay", "\"ok\"",
		"clears it"},
	{CONTROL_READ, 403, "GET /v1/sandboxes/one/environment", "forbidden",
		"a sandbox's stand-ins are not for everybody who may look"},
	{CONTROL_WRITE, 200, "GET /v1/sandboxes/one/environment",
		"\"GH_TOKEN\": \"looks-like-it\"", "its variables"},
	{CONTROL_WRITE, 404, "GET /v1/sandboxes/two/environment", "not_found",
		"no such sandbox"},
	{CONTROL_READ, 200, "GET /v1/sandboxes/one/ca.pem", "BEGIN one",
		"the certificate"},
	{CONTROL_READ, 200, "GET /v1/trust.pem", "BEGIN roots", "roots"},
	{CONTROL_READ, 200, "GET /v1/policies", "\"agent\"", "names"},
	{CONTROL_READ, 200, "GET /v1/policies/agent",
		"\r\n\r\n# policy agent\n# from: socket, until sbx-netd "
		"ends\n# tag: 0123456789abcdef\ndefault: deny\nallow:\n  - "
		"host",
		"YAML"},
	{CONTROL_READ, 200, "GET /v1/policies/agent",
		"ETag: \"0123456789abcdef\"", "… with its tag"},
	{CONTROL_READ, 200, "GET /v1/policies", "\"source\": \"socket\"",
		"where each is from"},
	{CONTROL_READ, 403, "PUT /v1/policies/x", "forbidden",
		"a reader changes nothing"},
	{CONTROL_READ, 403, "DELETE /v1/policies/agent", "forbidden",
		"a reader changes nothing"},
	{CONTROL_READ, 403, "GET /v1/credentials/api", "forbidden",
		"sources are of those who may change them"},
	{CONTROL_READ, 403, "PUT /v1/credentials/api", "forbidden",
		"a source may be a command"},
	{CONTROL_READ, 403, "DELETE /v1/credentials/api", "forbidden",
		"a reader changes nothing"},
	{CONTROL_WRITE, 200, "GET /v1/credentials/api",
		"\nsource:\n  - env: [API_TOKEN, OTHER_TOKEN]\n", "a source"},
	{CONTROL_WRITE, 404, "GET /v1/credentials/none", "not_found",
		"no such credential"},
	{CONTROL_WRITE, 200, "DELETE /v1/credentials/api", "\"ok\"", "admin"},
	{CONTROL_READ, 404, "GET /v1/policies/none", "not_found",
		"no such policy"},
	{CONTROL_READ, 200, "GET /v1/credentials", "OTHER_TOKEN",
		"names of variables"},
	{CONTROL_READ, 200, "GET /v1/credentials", "\"api.example.org\"",
		"bound to"},
	{CONTROL_READ, 200, "GET /v1/credentials", "\"agent\"", "listed by"},
	{CONTROL_READ, 200, "GET /v1/credentials", "\"state\": \"available\"",
		"what the keeper knows"},
	{CONTROL_READ, 403, "POST /v1/credentials/refresh", "forbidden",
		"a reader runs no commands"},
	{CONTROL_READ, 403, "POST /v1/credentials/api/refresh", "forbidden",
		"nor one"},
	{CONTROL_WRITE, 200, "POST /v1/credentials/refresh", "\"ok\"", "all"},
	{CONTROL_WRITE, 200, "POST /v1/credentials/api/refresh", "\"ok\"",
		"one"},
	{CONTROL_READ, 200, "GET /v1", "/v1/reload", "the list"},
	{CONTROL_READ, 403, "POST /v1/reload", "forbidden",
		"a reader changes nothing"},
	{CONTROL_READ, 403, "PUT /v1/sandboxes/x", "forbidden",
		"a reader changes nothing"},
	{CONTROL_READ, 403, "DELETE /v1/sandboxes/one", "forbidden",
		"a reader changes nothing"},
	{CONTROL_READ, 403, "POST /v1/check", "forbidden", "compiling costs"},
	{CONTROL_WRITE, 200, "POST /v1/reload", "\"ok\"", "admin"},
	{CONTROL_WRITE, 200, "DELETE /v1/sandboxes/one", "\"ok\"", "admin"},
	{CONTROL_WRITE, 405, "GET /v1/reload", "method", "a change is no GET"},
	{CONTROL_WRITE, 405, "POST /v1/status", "method", "no POST"},
	{CONTROL_WRITE, 404, "GET /", "GET /v1 lists", "nothing here"},
	{CONTROL_WRITE, 404, "GET /v1/STATUS", "not_found",
		"paths have their case"},
	{CONTROL_NOTHING, 403, "GET /v1/status", "forbidden", "a stranger"},
	{CONTROL_NOTHING, 403, "GET /nothing", "forbidden",
		"a stranger learns no paths"},
	{CONTROL_NOTHING, 403, "POST /v1/reload", "forbidden", "a stranger"},
};

static void
test_what_each_right_may(void **state)
{
	char request[256], status[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(what_each_right_may_cases); i++) {
		struct control_session *s =
			open_session(what_each_right_may_cases[i].right);
		size_t before = keeper.changes;
		const char *answer;

		snprintf(request, sizeof(request),
			"%s HTTP/1.1\r\n" HOST "\r\n",
			what_each_right_may_cases[i].request);
		snprintf(status, sizeof(status), "HTTP/1.1 %d ",
			what_each_right_may_cases[i].status);
		answer = ask(s, request);
		if (strncmp(answer, status, strlen(status)) != 0 ||
			strstr(answer, what_each_right_may_cases[i].holds) ==
				NULL)
			fail_msg("%s (%s): %s",
				what_each_right_may_cases[i].request,
				what_each_right_may_cases[i].why, answer);
		if (what_each_right_may_cases[i].status != 200)
			assert_int_equal(keeper.changes, before);
		control_session_free(s);
	}
}

/* What the keeper is asked for. */
static const struct {
	const char *request; /* line and fields */
	const char *kind, *name, *document;
} entries[] = {
	{"PUT /v1/policies/a HTTP/1.1\r\n", "policy", "a", "{} if any"},
	{"PUT /v1/policies/a%20b HTTP/1.1\r\nIf-None-Match: *\r\n", "policy",
		"a b", "new {} if any"},
	{"PUT /v1/credentials/a?ephemeral=1 HTTP/1.1\r\nIf-Match: \"x\"\r\n",
		"credential", "a", "for now {} if x"},
	{"PUT /v1/credentials/refresh HTTP/1.1\r\nIf-Match: *\r\n",
		"credential", "refresh", "{} if *"},
	{"PUT /v1/policies/a HTTP/1.1\r\nIf-Match: \"x\", \"y\"\r\n", "policy",
		"a", "{} if x\", \"y"},
	{"PUT /v1/sandboxes/a HTTP/1.1\r\n", "sandbox", "a", "{}"},
	{"PUT /v1/sandboxes/a HTTP/1.1\r\nIf-None-Match: *\r\n", "sandbox", "a",
		"new {}"},
	{"DELETE /v1/policies/a HTTP/1.1\r\n", "policy", "a", "nothing if any"},
	{"DELETE /v1/credentials/a?ephemeral=1 HTTP/1.1\r\nIf-Match: x\r\n",
		"credential", "a", "for now nothing if x"},
};

static void
test_entries_are_asked_for_as_they_are_wished(void **state)
{
	char request[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		struct control_session *s = open_session(CONTROL_WRITE);
		bool puts = entries[i].request[0] == 'P';

		snprintf(request, sizeof(request), "%s" HOST "%s\r\n%s",
			entries[i].request, puts ? "Content-Length: 2\r\n" : "",
			puts ? "{}" : "");
		if (strncmp(ask(s, request), "HTTP/1.1 200 ", 13) != 0)
			fail_msg("%s", request);
		assert_string_equal(keeper.kind, entries[i].kind);
		assert_string_equal(keeper.name, entries[i].name);
		assert_string_equal(keeper.document, entries[i].document);
		control_session_free(s);
	}
}

static const struct {
	const char *request;
	const char *status;
	const char *why;
} hostile_requests_cases[] = {
	{"PUT /v1/policies/x HTTP/1.1\r\n" HOST
	 "If-None-Match: \"y\"\r\nContent-Length: 2\r\n\r\n{}",
		"422", "a condition that no change can have"},
	{"PUT /v1/policies/x HTTP/1.1\r\n" HOST
	 "Content-Length: 1048577\r\n\r\n",
		"413", "one byte too long"},
	{"PUT /v1/policies/%00 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}",
		"4", "NUL in a name"},
	{"\x16\x03\x01\x02", "400", "TLS"},
	{"GET /v1/status\r\n\r\n", "400", "no version"},
	{"GET /v1/status HTTP/1.1\r\n\r\n", "400", "no Host"},
	{"GET /v1/status HTTP/3.7\r\n" HOST "\r\n", "505", "version"},
	{"GET /v1/status HTTP/1.1\r\n" HOST HOST "\r\n", "400", "two hosts"},
	{"GET /v1/status HTTP/1.1\r\n" HOST " x: y\r\n\r\n", "400", "folded"},
	{"POST /v1/reload HTTP/1.1\r\n" HOST
	 "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
		"400", "both lengths"},
	{"PUT /v1/sandboxes/x HTTP/1.1\r\n" HOST
	 "Content-Length: 1048577\r\n\r\n",
		"413", "one byte too long"},
	{"PUT /v1/sandboxes/x HTTP/1.1\r\n" HOST
	 "Content-Length: 18446744073709551615\r\n\r\n",
		"4", "absurdly long"},
	{"GET /v1/status HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "413",
		"a body where none belongs"},
	{"POST /v1/reload HTTP/1.1\r\n" HOST
	 "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"413", "the same in chunks"},
	{"GET /v1/explain?policy=agent&url=%zz HTTP/1.1\r\n" HOST "\r\n", "400",
		"cannot be decoded"},
	{"GET /v1/explain?policy=agent&url=a%00b HTTP/1.1\r\n" HOST "\r\n",
		"400", "NUL in a value"},
	{"GET /v1/explain HTTP/1.1\r\n" HOST "\r\n", "400", "no question"},
};

static void
test_hostile_requests(void **state)
{
	char status[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile_requests_cases); i++) {
		struct control_session *s = open_session(CONTROL_WRITE);
		const char *answer = ask(s, hostile_requests_cases[i].request);

		snprintf(status, sizeof(status), "HTTP/1.1 %s",
			hostile_requests_cases[i].status);
		if (strncmp(answer, status, strlen(status)) != 0)
			fail_msg("%s: %s", hostile_requests_cases[i].why,
				answer);
		assert_int_equal(keeper.changes, 0);
		control_session_free(s);
	}
}

static void
test_a_document_arrives_whole(void **state)
{
	struct control_session *s = open_session(CONTROL_WRITE);
	static const char request[] =
		"PUT /v1/sandboxes/box-1 HTTP/1.1\r\n" HOST
		"Content-Length: 14\r\n\r\n{interface: x}";
	const char *answer = "";

	(void)state;
	/* Byte by byte: nothing happens before the last one. */
	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		assert_int_equal(keeper.changes, 0);
		buf_add(control_session_in(s), request + i, 1);
		control_session_run(s, false);
	}
	answer = drain(s);
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_int_equal(keeper.changes, 1);
	assert_string_equal(keeper.name, "box-1");
	assert_string_equal(keeper.document, "{interface: x}");

	/* The connection goes on, in chunks now. */
	answer = ask(s, "PUT /v1/sandboxes/box-2 HTTP/1.1\r\n" HOST
			"Transfer-Encoding: chunked\r\n\r\n"
			"3\r\n{a:\r\n3\r\n b}\r\n0\r\n\r\n");
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_string_equal(keeper.document, "{a: b}");
	control_session_free(s);
}

static void
test_what_the_keeper_says(void **state)
{
	static const struct {
		int result;
		const char *text;
		const char *holds;
		const char *why;
	} cases[] = {
		{-EEXIST, "", " 409 ", "taken"},
		{-EBUSY, "", "declared_in_file", "in a file"},
		{-EINVAL, "box:1:2: what", "box:1:2: what", "errors are shown"},
		{-EINVAL, "a \xff byte", "a ? byte", "always UTF-8"},
		{-ENOENT, "no policy x", "no policy x", "unknown policy"},
		{-EIO, "", " 500 ", "anything else"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct control_session *s = open_session(CONTROL_WRITE);
		const char *answer;

		keeper.result = cases[i].result;
		keeper.text = cases[i].text;
		answer = ask(
			s, "DELETE /v1/sandboxes/one HTTP/1.1\r\n" HOST "\r\n");
		if (strstr(answer, cases[i].holds) == NULL)
			fail_msg("%s: %s", cases[i].why, answer);
		control_session_free(s);
	}
}

static void
test_waits_for_the_keeper(void **state)
{
	struct control_session *s = open_session(CONTROL_WRITE);

	(void)state;
	keeper.later = true;
	/* A second request behind the first has to wait. */
	assert_string_equal(
		ask(s, "POST /v1/reload HTTP/1.1\r\n" HOST
		       "\r\nGET /v1/trust.pem HTTP/1.1\r\n" HOST "\r\n"),
		"");
	assert_int_equal(control_session_phase(s), CONTROL_WAITING);
	assert_int_equal(woken, 0);
	fake_keeper_finish(&keeper);
	assert_int_equal(woken, 1);
	control_session_run(s, false);
	assert_non_null(strstr(drain(s), "BEGIN roots"));
	control_session_free(s);
}

static void
test_gone_before_the_keeper_answers(void **state)
{
	struct control_session *s = open_session(CONTROL_WRITE);

	(void)state;
	keeper.later = true;
	ask(s, "POST /v1/reload HTTP/1.1\r\n" HOST "\r\n");
	control_session_free(s);
	fake_keeper_finish(&keeper);
	assert_int_equal(woken, 0);
}

static void
test_large_answers_wait_for_room(void **state)
{
	struct control_session *s = open_session(CONTROL_WRITE);
	char *text = malloc((size_t)4 * CONTROL_BUFFER);
	struct buf *out = control_session_out(s);
	size_t got = 0;

	(void)state;
	memset(text, 'x', (size_t)4 * CONTROL_BUFFER - 1);
	text[(size_t)4 * CONTROL_BUFFER - 1] = '\0';
	keeper.text = text;
	buf_add(control_session_in(s),
		"POST /v1/reload HTTP/1.1\r\n" HOST "\r\n", 26 + 17 + 2);
	control_session_run(s, false);
	while (out->len > 0) {
		assert_true(out->len <= CONTROL_BUFFER);
		got += out->len;
		buf_consume(out, out->len);
		control_session_run(s, false);
	}
	assert_in_range(got, (size_t)4 * CONTROL_BUFFER,
		(size_t)4 * CONTROL_BUFFER + 1024);
	assert_int_equal(control_session_phase(s), CONTROL_READING);
	control_session_free(s);
	free(text);
}

static void
test_checks_documents(void **state)
{
	static const char good[] = "version: 1\npolicies: {a: {default: deny}}";
	static const char bad[] = "version: 1\npolicies: {a: {default: no}}";
	static const struct {
		const char *body;
		size_t len;
		const char *holds;
		const char *why;
	} cases[] = {
		{good, sizeof(good) - 1, "\"ok\": true", "a document"},
		{bad, sizeof(bad) - 1, "new.yaml:2:", "where it is wrong"},
		{good, sizeof(good), "HTTP/1.1 400 ", "a NUL at its end"},
	};
	char request[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct control_session *s = open_session(CONTROL_WRITE);
		int n = snprintf(request, sizeof(request),
			"POST /v1/check?name=new.yaml HTTP/1.1\r\n" HOST
			"Content-Length: %zu\r\n\r\n",
			cases[i].len);

		buf_add(control_session_in(s), request, (size_t)n);
		buf_add(control_session_in(s), cases[i].body, cases[i].len);
		control_session_run(s, false);
		if (strstr(drain(s), cases[i].holds) == NULL)
			fail_msg("%s", cases[i].why);
		control_session_free(s);
	}
}

static void
test_health_tells_the_kernel_side(void **state)
{
	struct control_session *s = open_session(CONTROL_READ);

	(void)state;
	keeper.result = -EIO;
	keeper.text = "the table is gone";
	assert_non_null(strstr(
		ask(s, "GET /v1/health HTTP/1.1\r\n" HOST "\r\n"), "503"));
	assert_non_null(
		strstr(ask(s, "GET /v1/health HTTP/1.1\r\n" HOST "\r\n"),
			"the table is gone"));
	assert_non_null(strstr(
		ask(s, "GET /v1/trust.pem HTTP/1.1\r\n" HOST "\r\n"), " 404 "));
	control_session_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_what_each_right_may, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_entries_are_asked_for_as_they_are_wished, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_hostile_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_document_arrives_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_what_the_keeper_says, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_waits_for_the_keeper, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_gone_before_the_keeper_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_large_answers_wait_for_room, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_checks_documents, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_health_tells_the_kernel_side, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
