/*
 * What we rely on llhttp for, and where we must not: inputs that some build of
 * it lets pass.  `strict` is what the library itself has to refuse when it is
 * built as we build it; our codec has to refuse them all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <llhttp.h>

#include "array.h"
#include "h1_drive.h"

#define GET "GET / HTTP/1.1\r\nHost: a.test\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a.test\r\n"

static const struct {
	const char *input;
	bool strict;
	const char *reason;
} cases[] = {
	{GET "X: a\rY: b\r\n\r\n", true, "CR ends a field (CVE-2023-30589)"},
	{GET "X: a\r\n\rY: b\r\n\r\n", true,
		"CR and a byte end a head (CVE-2025-23167)"},
	{"GET / HTTP/1.1\r\nHost : a.test\r\n\r\n", true,
		"a space before the colon"},
	{GET "X: a\r\n b\r\n\r\n", false, "a folded field"},
	{POST "Content-Length: 1\r\nTransfer-Encoding: "
	      "chunked\r\n\r\n0\r\n\r\n",
		true, "both framings"},
	{POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", true,
		"two lengths"},
	{POST "Transfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n", true,
		"chunked is not last"},
	{POST "Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n", true,
		"chunks with bare LF"},
	/* found by our own corpus */
	{GET ": x\r\n\r\n", false, "an empty name"},
	{"GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n", false, "two spaces"},
	{"OPTIONS * RTSP/1.0\r\nHost: a.test\r\n\r\n", false,
		"another protocol"},
	{"GET /\r\nHost: a.test\r\n\r\n", false, "HTTP/0.9"},
	{"\r\n\r\n\r\n" GET "\r\n", false, "any number of empty lines"},
};

static bool
library_refuses(const char *input)
{
	llhttp_settings_t settings;
	llhttp_t parser;

	llhttp_settings_init(&settings);
	llhttp_init(&parser, HTTP_REQUEST, &settings);
	return llhttp_execute(&parser, input, strlen(input)) != HPE_OK;
}

static void
test_inputs(void **state)
{
	(void)state;
	assert_int_equal(LLHTTP_STRICT_MODE, 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct outcome o = drive_server_every_way(
			span_of(cases[i].input), cases[i].reason);

		if (cases[i].strict && !library_refuses(cases[i].input))
			fail_msg("%s: this llhttp lets it pass",
				cases[i].reason);
		if (o.error == NULL)
			fail_msg("%s: we let it pass", cases[i].reason);
		free(o.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inputs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
