/*
 * The law of the re-serialiser over generated messages, from a fixed seed:
 * streams of pipelined requests, some of them with a byte changed, and
 * responses.  h1_law.c aborts where the law does not hold; here it is counted
 * that messages come through, and that as many come out as went in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "h1_law.h"

enum {
	TEXT_MAX = 64 * 1024,
	STREAMS = 2000,
	REQUESTS_MAX = 4,
};

struct maker {
	char text[TEXT_MAX];
	size_t len;
	uint32_t random;
};

static uint32_t
roll(struct maker *m, uint32_t sides)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 17;
	m->random ^= m->random << 5;
	return m->random % sides;
}

static void __attribute__((format(printf, 2, 3)))
say(struct maker *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	m->len += (size_t)vsnprintf(
		m->text + m->len, TEXT_MAX - m->len, format, args);
	va_end(args);
	assert_true(m->len < TEXT_MAX);
}

static const char *
pick(struct maker *m, const char *const *words, size_t count)
{
	return words[roll(m, (uint32_t)count)];
}

#define PICK(m, words) pick(m, words, ARRAY_LEN(words))

static void
say_fields(struct maker *m)
{
	static const char *const names[] = {"Accept", "Cookie", "X-A", "x_b",
		"Connection", "Keep-Alive", "TE", "Trailer", "Via", "Upgrade",
		"Proxy-Authorization", "X-Forwarded-For", "Authorization",
		"Alt-Svc", "Transfer_Encoding", "Date", "X!#$%&'*+.^`|~"};
	static const char *const values[] = {"", "v", "*/*", "a=b; c=d",
		"keep-alive, x-a", "trailers", "close-not", "a, b,,c",
		"\t v \t", "\xc3\xa9", "\"q, \\\" s\"", "100-continue", "h2c"};

	for (uint32_t i = roll(m, 12); i > 0; i--)
		say(m, "%s:%s%s\r\n", PICK(m, names), roll(m, 2) ? " " : "",
			PICK(m, values));
}

static void
say_bytes(struct maker *m, size_t len)
{
	for (size_t i = 0; i < len; i++)
		m->text[m->len++] = (char)roll(m, 256);
	m->text[m->len] = '\0';
}

/* Framing fields, the end of the head, and the body. */
static void
say_body(struct maker *m)
{
	size_t len = roll(m, 300);

	switch (roll(m, 3)) {
	case 0:
		say(m, "Content-Length: 0\r\n\r\n");
		return;
	case 1:
		say(m, "Content-Length: %zu\r\n\r\n", len);
		say_bytes(m, len);
		return;
	default:
		break;
	}
	say(m, "Transfer-Encoding: chunked\r\n\r\n");
	for (uint32_t i = roll(m, 5); i > 0; i--) {
		len = 1 + roll(m, 40);
		say(m, "%s%zX%s\r\n", roll(m, 4) ? "" : "00", len,
			roll(m, 4) ? "" : ";ext=1");
		say_bytes(m, len);
		say(m, "\r\n");
	}
	say(m, "0\r\n%s\r\n", roll(m, 3) ? "" : "X-Sum: 1\r\nX-More:\r\n");
}

static void
say_request(struct maker *m)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "HEAD",
		"DELETE", "PATCH", "OPTIONS", "PROPFIND"};
	static const char *const targets[] = {"/", "/a/b?c=d", "/%2e%2e/;x",
		"http://a.test/abs", "http://A.TEST:80?q", "/a|b{c}", "//x"};

	say(m, "%s %s HTTP/1.1\r\nHost: a.test\r\n", PICK(m, methods),
		PICK(m, targets));
	say_fields(m);
	if (roll(m, 2))
		say(m, "\r\n");
	else
		say_body(m);
}

static void
say_response(struct maker *m)
{
	static const char *const statuses[] = {"200 OK", "201 Created", "206 ",
		"301 Moved", "404 Not Found", "500", "599 \xff"};

	for (uint32_t i = roll(m, 3); i > 0; i--)
		say(m, "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n");
	say(m, "HTTP/1.1 %s\r\n", PICK(m, statuses));
	say_fields(m);
	if (roll(m, 4)) {
		say_body(m);
	} else {
		say(m, "\r\n");
		say_bytes(m, roll(m, 500));
	}
}

/* A byte becomes another, or goes, where framing is likely to be. */
static void
spoil(struct maker *m)
{
	static const char bytes[] = "\r\n :,;0\t\x01\xff\0";
	size_t at = roll(m, (uint32_t)m->len);

	if (roll(m, 3) == 0) {
		memmove(m->text + at, m->text + at + 1, m->len - at - 1);
		m->len--;
	} else {
		m->text[at] = bytes[roll(m, sizeof(bytes) - 1)];
	}
}

static struct maker maker;

static void
test_every_request_once(void **state)
{
	(void)state;
	maker.random = 20240229;
	for (int i = 0; i < STREAMS; i++) {
		size_t said = 1 + roll(&maker, REQUESTS_MAX), seen;

		maker.len = 0;
		for (size_t n = 0; n < said; n++)
			say_request(&maker);
		seen = h1_law_request((uint8_t *)maker.text, maker.len);
		if (seen != said)
			fail_msg("stream %d: %zu of %zu requests", i, seen,
				said);
	}
}

static void
test_spoilt_requests(void **state)
{
	size_t said = 0, seen = 0;

	(void)state;
	maker.random = 19700101;
	for (int i = 0; i < STREAMS; i++) {
		maker.len = 0;
		for (int n = 0; n < REQUESTS_MAX; n++, said++)
			say_request(&maker);
		for (uint32_t n = 1 + roll(&maker, 3); n > 0; n--)
			spoil(&maker);
		seen += h1_law_request((uint8_t *)maker.text, maker.len);
	}
	/* Some are refused and some are not, or nothing was tried. */
	assert_in_range(seen, said / 10, said * 9 / 10);
}

static void
test_responses(void **state)
{
	size_t finals = 0, spoilt = 0;

	(void)state;
	maker.random = 20380119;
	for (int i = 0; i < STREAMS; i++) {
		maker.len = 0;
		say_response(&maker);
		finals += h1_law_response((uint8_t *)maker.text, maker.len);
		spoil(&maker);
		spoilt += h1_law_response((uint8_t *)maker.text, maker.len);
	}
	assert_true(finals > STREAMS);
	assert_in_range(spoilt, finals / 3, finals - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_request_once),
		cmocka_unit_test(test_spoilt_requests),
		cmocka_unit_test(test_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
