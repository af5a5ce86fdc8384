/*
 * What a client makes of an origin's bytes, fed whole, byte by byte and cut in
 * two at every place.  `heads` counts interim ones too; `close` is whether the
 * connection may not be used again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "h1_drive.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

static const struct {
	const char *method;
	struct span input;
	const char *error; /* NULL: fine */
	size_t heads;
	bool close;
	const char *reason;
} cases[] = {
#define CASE(method, input, ...) \
	{ \
		method, SPAN_LITERAL(input), __VA_ARGS__ \
	}
	/* what must come through */
	CASE("GET", OK "Content-Length: 5\r\n\r\nhello", NULL, 1, false,
		"a body with a length"),
	CASE("GET", OK "Content-Length: 0\r\n\r\n", NULL, 1, false, "empty"),
	CASE("GET", CHUNKED "5\r\nhello\r\n0\r\n\r\n", NULL, 1, false,
		"chunks"),
	CASE("GET", CHUNKED "5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", NULL, 1,
		false, "extensions and trailers"),
	CASE("GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", NULL, 1, false,
		"no reason phrase"),
	CASE("GET", "HTTP/1.1 200 \xc3\xa9\r\nContent-Length: 0\r\n\r\n", NULL,
		1, false, "a reason phrase that is not ASCII"),
	CASE("GET", "HTTP/1.1 299 Hm\r\nContent-Length: 0\r\n\r\n", NULL, 1,
		false, "a status nobody registered"),
	CASE("HEAD", OK "Content-Length: 5\r\n\r\n", NULL, 1, false,
		"HEAD has no body"),
	CASE("HEAD", CHUNKED, NULL, 1, false, "HEAD has no chunks either"),
	CASE("HEAD", OK "\r\n", NULL, 1, false, "HEAD of unknown length"),
	CASE("GET", "HTTP/1.1 204 No\r\n\r\n", NULL, 1, false, "204"),
	CASE("GET", "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", NULL, 1,
		false, "204 with a length of 0"),
	CASE("GET", "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", NULL, 1,
		false, "304 says what the length would be"),
	CASE("GET", "HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n",
		NULL, 1, false, "304 says how it would be framed"),
	CASE("GET",
		"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n"
		"\r\n" OK "Content-Length: 2\r\n\r\nok",
		NULL, 3, false, "interim responses"),
	CASE("GET", OK "Connection: close\r\nContent-Length: 2\r\n\r\nok", NULL,
		1, true, "the origin closes"),
	CASE("GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL, 1,
		true, "1.0 closes"),
	CASE("GET",
		"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n"
		"Content-Length: 2\r\n\r\nok",
		NULL, 1, false, "1.0 with keep-alive"),

	/* poisoning of what comes next (threat 28) */
	CASE("GET", OK "Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", NULL,
		1, true, "more behind a body"),
	CASE("GET", CHUNKED "0\r\n\r\nx", NULL, 1, true,
		"more behind the last chunk"),
	CASE("HEAD", OK "Content-Length: 2\r\n\r\nok", NULL, 1, true,
		"a body in an answer to HEAD"),
	CASE("GET", "HTTP/1.1 204 No\r\n\r\nbody", NULL, 1, true,
		"a body behind 204"),
	CASE("GET", "HTTP/1.1 304 No\r\n\r\n\r\n", NULL, 1, true,
		"an empty line behind 304"),

	/* framing */
	CASE("GET", CHUNKED "5\r\nhel", "the connection ended within a body", 1,
		true, "a chunk cut off"),
	CASE("GET", CHUNKED "5\r\nhello\r\n",
		"the connection ended within a body", 1, true, "no last chunk"),
	CASE("GET", CHUNKED "0\r\nX: y\r\n",
		"the connection ended within a body", 1, true,
		"trailers cut off"),
	CASE("GET", OK "Content-Length: 5\r\n\r\nhel",
		"the connection ended within a body", 1, true,
		"a body cut off"),
	CASE("GET",
		OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
		   "0\r\n\r\n",
		"Content-Length with Transfer-Encoding", 0, true, "both"),
	CASE("GET",
		OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
		   "0\r\n\r\n",
		"Content-Length with Transfer-Encoding", 0, true,
		"both, in the other order"),
	CASE("GET", OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		"two Content-Length fields", 0, true, "two lengths"),
	CASE("GET", OK "Content-Length: 5,5\r\n\r\nhello",
		"Content-Length is not one plain number", 0, true, "a list"),
	CASE("GET", OK "Content-Length: -5\r\n\r\nhello",
		"Content-Length is not one plain number", 0, true, "negative"),
	CASE("GET", OK "Content-Length: 99999999999999999999\r\n\r\nhello",
		"Content-Length is not one plain number", 0, true, "huge"),
	CASE("GET", OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"a transfer coding other than chunked", 0, true, "gzip"),
	CASE("GET", OK "Transfer-Encoding: gzip\r\n\r\nx",
		"Transfer-Encoding is not chunked", 0, true, "not framed"),
	CASE("GET",
		OK "Transfer-Encoding: chunked\r\n"
		   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two Transfer-Encoding fields", 0, true, "twice"),
	CASE("GET",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"0\r\n\r\n",
		"Transfer-Encoding in HTTP/1.0", 0, true, "chunks in 1.0"),
	CASE("GET", "HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nok",
		"framing where the status allows no body", 0, true,
		"204 with a length"),
	CASE("GET", "HTTP/1.1 100 Go\r\nTransfer-Encoding: chunked\r\n\r\n",
		"framing where the status allows no body", 0, true,
		"100 with chunks"),
	CASE("GET", CHUNKED "ffffffffffffffff0\r\nx",
		"a chunk size of more than 16 digits", 1, true,
		"a chunk of 2^64"),
	CASE("GET", CHUNKED "5\r\nhello!\r\n0\r\n\r\n",
		"a chunk does not end where its size says", 1, true,
		"more data than the size"),
	CASE("GET", CHUNKED "0\r\nContent-Length: 5\r\n\r\n",
		"a field that may not stand in trailers", 1, true,
		"a length in the trailers"),

	/* heads */
	CASE("GET", "HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\nbytes",
		"101 without being asked", 0, true, "101"),
	CASE("GET",
		"HTTP/1.1 101 Switch\r\nConnection: upgrade\r\n"
		"Upgrade: websocket\r\n\r\nbytes",
		"101 without being asked", 0, true, "101, with all fields"),
	CASE("GET", "HTTP/1.1 600 Hm\r\n\r\n", "the status is not in 100..599",
		0, true, "600"),
	CASE("GET", "HTTP/1.1 099 Hm\r\n\r\n", "the status is not in 100..599",
		0, true, "099"),
	CASE("GET", "HTTP/1.1 20 Hm\r\n\r\n", "the status is not in 100..599",
		0, true, "two digits"),
	CASE("GET", "HTTP/1.1 2000 Hm\r\n\r\n", "the status is not in 100..599",
		0, true, "four digits"),
	CASE("GET", "HTTP/2.0 200 OK\r\n\r\n",
		"the version is neither HTTP/1.0 nor HTTP/1.1", 0, true, "2.0"),
	CASE("GET", "HTTP/0.9 200 OK\r\n\r\n",
		"the version is neither HTTP/1.0 nor HTTP/1.1", 0, true, "0.9"),
	CASE("GET", "ICY 200 OK\r\n\r\n", "malformed start line", 0, true,
		"another protocol"),
	CASE("GET", "SSH-2.0-x\r\n", "malformed start line", 0, true,
		"and another"),
	CASE("GET", "\r\n" OK "Content-Length: 0\r\n\r\n",
		"empty lines before the start line", 0, true, "an empty line"),
	CASE("GET", OK "X: y\r\n z\r\nContent-Length: 0\r\n\r\n",
		"a folded field or a line that begins with a blank", 0, true,
		"folded"),
	CASE("GET", OK " X: y\r\n\r\n",
		"a folded field or a line that begins with a blank", 0, true,
		"a blank behind the status line"),
	CASE("GET", OK "X: y\nContent-Length: 0\r\n\r\n",
		"a line feed without carriage return", 0, true, "a bare LF"),
	CASE("GET", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
		"a line feed without carriage return", 0, true,
		"a bare LF behind the status line"),
	CASE("GET", OK "X: y\rZ: w\r\n\r\n",
		"a carriage return without line feed", 0, true, "a bare CR"),
	CASE("GET", OK "X: \0\r\n\r\n", "a control character in the head", 0,
		true, "NUL"),
	CASE("GET", "HTTP/1.1 200 O\x1bK\r\n\r\n",
		"a control character in the head", 0, true,
		"an escape in the reason phrase"),
	CASE("GET", OK "Content-Length : 5\r\n\r\nhello", "malformed field", 0,
		true, "a space before the colon"),
	CASE("GET", OK ": x\r\n\r\n", "malformed field", 0, true,
		"an empty name"),
	CASE("GET", "", "the connection ended before a response", 0, true,
		"nothing"),
	CASE("GET", "HTTP/1.1 20", "the connection ended within a head", 0,
		true, "a head cut off"),
	CASE("GET", "HTTP/1.1 100 Go\r\n\r\n",
		"the connection ended before a response", 1, true,
		"only an interim one"),
};

static void
test_responses(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *error = cases[i].error ? cases[i].error : "none";
		struct outcome o = drive_client_every_way(
			cases[i].method, cases[i].input, cases[i].reason);
		const char *got = o.error ? o.error : "none";

		if (strcmp(got, error) != 0 || o.messages != cases[i].heads ||
			o.must_close != cases[i].close ||
			o.status != (cases[i].error ? 502 : 0)) {
			print_error("%s: expected %zu heads and %s close %d, "
				    "got:\n%s",
				cases[i].reason, cases[i].heads, error,
				cases[i].close, o.text);
			wrong++;
		}
		free(o.text);
	}
	assert_int_equal(wrong, 0);
}

static void
test_until_close(void **state)
{
	struct outcome o = drive_client_every_way("GET",
		SPAN_LITERAL("HTTP/1.1 200 OK\r\n\r\nas much as comes"),
		"neither length nor chunks");

	(void)state;
	assert_null(o.error);
	assert_true(o.must_close);
	assert_non_null(strstr(o.text, " > as much as comes\n"));
	free(o.text);
}

/* A flood of interim heads ends (threat 29). */
static void
test_interim_flood(void **state)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	enum { LEN = sizeof(interim) - 1, MOST = 16 };
	char text[(MOST + 1) * LEN];
	struct outcome o;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = interim[i % LEN];
	o = drive_client("GET", (struct span){text, sizeof(text) - LEN},
		(struct cut){.no_eof = true});
	assert_null(o.error);
	assert_int_equal(o.messages, MOST);
	free(o.text);
	o = drive_client_every_way(
		"GET", (struct span){text, sizeof(text)}, "17 interim heads");
	assert_string_equal(o.error, "more than 16 interim responses");
	free(o.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_until_close),
		cmocka_unit_test(test_interim_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
