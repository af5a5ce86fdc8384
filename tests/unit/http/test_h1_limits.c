/*
 * Each bound, at it and one beyond it, with the input in large pieces, in odd
 * ones and byte by byte: where a bound lies must not depend on the cutting.
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

#define START "POST / HTTP/1.1\r\nHost: a.test\r\n"
#define CHUNKED START "Transfer-Encoding: chunked\r\n\r\n"

#define KIB ((size_t)1024)
#define MIB (KIB * 1024)

static const struct {
	const char *before;
	const char *unit; /* repeated… */
	size_t bytes;     /* … to so many bytes, */
	size_t times;     /* or so many times */
	const char *behind;
	int status;
	const char *error;
	const char *reason;
} cases[] = {
	{"GET ", "/", 16 * KIB - 13, 0, " HTTP/1.1\r\nHost: a.test\r\n\r\n", 0,
		NULL, "the longest request line"},
	{"GET ", "/", 16 * KIB - 12, 0, " HTTP/1.1\r\nHost: a.test\r\n\r\n",
		414, "the start line is longer than 16 KiB", "one byte more"},
	{"GET ", "/", MIB, 0, " HTTP/1.1\r\nHost: a.test\r\n\r\n", 414,
		"the start line is longer than 16 KiB", "a URL of 1 MiB"},
	{START "X: ", "x", 64 * KIB - 31 - 3 - 4, 0, "\r\n\r\n", 0, NULL,
		"the largest head"},
	{START "X: ", "x", 64 * KIB - 31 - 3 - 3, 0, "\r\n\r\n", 431,
		"the head is larger than 64 KiB", "one byte more"},
	{START "X: ", "x", MIB, 0, "\r\n\r\n", 431,
		"the head is larger than 64 KiB", "a value of 1 MiB"},
	{START, "x", MIB, 0, ": y\r\n\r\n", 431,
		"the head is larger than 64 KiB", "a name of 1 MiB"},
	{START "X:", " ", MIB, 0, "y\r\n\r\n", 431,
		"the head is larger than 64 KiB", "1 MiB of blanks"},
	{START, "X: y\r\n", 0, 127, "\r\n", 0, NULL, "128 fields"},
	{START, "X: y\r\n", 0, 128, "\r\n", 431, "more than 128 fields", "129"},
	{START, "X: y\r\n", 0, 10000, "\r\n", 431, "more than 128 fields",
		"10,000"},
	{START, "Cookie: a=b\r\n", 0, 5000, "\r\n", 431, "more than 128 fields",
		"crumbs"},
	{CHUNKED "1;", "x", 16 * KIB, 0, "\r\n!\r\n0\r\n\r\n", 0, NULL,
		"the longest extension"},
	{CHUNKED "1;", "x", 16 * KIB + 1, 0, "\r\n!\r\n0\r\n\r\n", 400,
		"more than 16 KiB of chunk extensions", "one byte more"},
	{CHUNKED, "1;0123456789abcde\r\n!\r\n", 0, 1092, "0\r\n\r\n", 0, NULL,
		"many extensions"},
	{CHUNKED, "1;0123456789abcde\r\n!\r\n", 0, 1093, "0\r\n\r\n", 400,
		"more than 16 KiB of chunk extensions", "one too many"},
	{CHUNKED, "1\r\n!\r\n", 0, 30000, "0\r\n\r\n", 0, NULL,
		"small chunks have no bound"},
	{CHUNKED "0\r\nX: ", "x", 64 * KIB - 3 - 4, 0, "\r\n\r\n", 0, NULL,
		"the largest trailers"},
	{CHUNKED "0\r\nX: ", "x", 64 * KIB - 3 - 3, 0, "\r\n\r\n", 431,
		"the head is larger than 64 KiB", "one byte more"},
	{CHUNKED "0\r\n", "X: y\r\n", 0, 128, "\r\n", 0, NULL, "128 trailers"},
	{CHUNKED "0\r\n", "X: y\r\n", 0, 129, "\r\n", 431,
		"more than 128 fields", "129 trailers"},
};

static struct span
build(size_t i)
{
	size_t unit = strlen(cases[i].unit);
	size_t bytes = cases[i].bytes + cases[i].times * unit;
	size_t before = strlen(cases[i].before);
	size_t behind = strlen(cases[i].behind);
	char *text = malloc(before + bytes + behind), *at = text;

	assert_non_null(text);
	at = mempcpy(at, cases[i].before, before);
	for (size_t n = 0; n < bytes; n += unit)
		at = mempcpy(at, cases[i].unit, unit);
	memcpy(at, cases[i].behind, behind);
	return (struct span){text, before + bytes + behind};
}

static void
test_bounds(void **state)
{
	static const size_t pieces[] = {0, 1, 1000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *error = cases[i].error ? cases[i].error : "none";
		struct span input = build(i);

		for (size_t p = 0; p < ARRAY_LEN(pieces); p++) {
			struct outcome o = drive_server(
				input, (struct cut){.piece = pieces[p]});
			const char *got = o.error ? o.error : "none";

			if (strcmp(got, error) != 0 ||
				o.status != cases[i].status)
				fail_msg("%s, pieces of %zu: %d %s, not %d %s",
					cases[i].reason, pieces[p], o.status,
					got, cases[i].status, error);
			free(o.text);
		}
		free((void *)(uintptr_t)input.ptr);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
