#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "sniff.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static const struct {
	struct span bytes;
	enum sniff want;
	const char *reason;
} cases[] = {
#define ROW(text, ...) \
	{ \
		SPAN_LITERAL(text), __VA_ARGS__ \
	}
	ROW("", SNIFF_MORE, "nothing yet"),
	ROW("\x16", SNIFF_TLS, "a handshake record"),
	ROW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", SNIFF_TLS,
		"the beginning of a ClientHello"),
	ROW("\x16GET / HTTP/1.1", SNIFF_TLS, "what follows is TLS's matter"),
	ROW("\x80\x2e\x01\x00\x02", SNIFF_OTHER, "SSL 2"),
	ROW("\x15\x03\x01\x00\x02", SNIFF_OTHER, "a TLS alert first"),
	ROW("G", SNIFF_MORE, "a method may come of it"),
	ROW("GET", SNIFF_MORE, "a method without its space"),
	ROW("GET ", SNIFF_HTTP1, "a method"),
	ROW("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", SNIFF_HTTP1,
		"a whole request"),
	ROW("M-SEARCH * HTTP/1.1\r\n", SNIFF_HTTP1, "with a hyphen"),
	ROW("VERSION_CONTROL ", SNIFF_HTTP1, "with an underscore"),
	ROW("BASELINE-CONTROL-ABCDEF ", SNIFF_HTTP1, "23 letters"),
	ROW("BASELINE-CONTROL-ABCDEFG ", SNIFF_OTHER, "24 are no method"),
	ROW("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", SNIFF_OTHER,
		"letters for ever"),
	ROW("get / HTTP/1.1\r\n", SNIFF_OTHER, "methods are upper case"),
	ROW(" GET / HTTP/1.1\r\n", SNIFF_OTHER, "a space first"),
	ROW(" ", SNIFF_OTHER, "a space and no method"),
	ROW("GET\t/ HTTP/1.1\r\n", SNIFF_OTHER, "a tab for the space"),
	ROW("GET\r\n", SNIFF_OTHER, "HTTP/0.9 without a target"),
	ROW("\r\nGET / HTTP/1.1\r\n", SNIFF_OTHER, "an empty line first"),
	ROW("GE\0T / ", SNIFF_OTHER, "a NUL in the method"),
	ROW("G\xc3\x8bT / ", SNIFF_OTHER, "no ASCII"),
	ROW("SSH-2.0-OpenSSH_9.2p1 ", SNIFF_OTHER, "SSH, it has a dot"),
	ROW("EHLO a.test\r\n", SNIFF_HTTP1,
		"SMTP looks like it: the parser will refuse it"),
	ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r", SNIFF_MORE,
		"all of the preface but its last byte"),
	ROW(PREFACE, SNIFF_HTTP2, "the preface"),
	ROW(PREFACE "\0\0\0\4\0", SNIFF_HTTP2, "and frames"),
	ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\rx", SNIFF_HTTP1,
		"nearly the preface: the parser will refuse it"),
	ROW("PRI * HTTP/1.1\r\n", SNIFF_HTTP1, "the method alone"),
	ROW("PRIX", SNIFF_MORE, "another method that begins so"),
	ROW("PUT / ", SNIFF_HTTP1, "one letter of the preface"),
#undef ROW
};

static void
test_what_the_bytes_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum sniff got = sniff(cases[i].bytes);

		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].reason, got);
	}
}

/*
 * However they are cut into segments: each prefix asks for more or gives the
 * answer about the whole, never another, and then sticks to it.
 */
static void
test_every_prefix_says_the_same_or_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool said = false;

		for (size_t len = 0; len <= cases[i].bytes.len; len++) {
			/* In memory of its own, so that reading on shows. */
			char *copy = malloc(len + 1);
			enum sniff got;

			assert_non_null(copy);
			memcpy(copy, cases[i].bytes.ptr, len);
			got = sniff((struct span){copy, len});
			free(copy);
			if (got == SNIFF_MORE ? said : got != cases[i].want)
				fail_msg("%s: %d after %zu bytes",
					cases[i].reason, got, len);
			said = got != SNIFF_MORE;
		}
	}
}

/* A flow that could be anything for ever would be held for nothing. */
static void
test_it_does_not_ask_for_ever(void **state)
{
	char bytes[64];

	(void)state;
	for (int c = 0; c < 256; c++) {
		memset(bytes, c, sizeof(bytes));
		assert_int_not_equal(
			sniff((struct span){bytes, sizeof(bytes)}), SNIFF_MORE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_bytes_are),
		cmocka_unit_test(test_every_prefix_says_the_same_or_waits),
		cmocka_unit_test(test_it_does_not_ask_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
