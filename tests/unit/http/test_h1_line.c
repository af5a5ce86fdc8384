/*
 * The second reader alone: every byte value at every place of a field line, so
 * that reading eight bytes at a time is the same as reading one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "h1_line.h"

enum {
	LINE = 40,
};

static enum h1_refused
check(const char *start, const char *bytes, size_t len)
{
	struct h1_line l;

	h1_line_begin_head(&l, true);
	assert_int_equal(h1_line_check(&l, start, strlen(start)), H1_FINE);
	return h1_line_check(&l, bytes, len);
}

static enum h1_refused
expected(unsigned char c)
{
	if (c == '\n')
		return H1_BARE_LF;
	if (c == '\r')
		return H1_BARE_CR;
	return (c < ' ' && c != '\t') || c == 0x7f ? H1_CONTROL : H1_FINE;
}

static void
test_every_byte_at_every_place(void **state)
{
	static const char start[] = "GET / HTTP/1.1\r\nX";
	char line[LINE];

	(void)state;
	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at + 1 < LINE; at++) {
			memset(line, 'x', LINE);
			line[at] = (char)c;
			assert_int_equal(check(start, line, LINE),
				expected((unsigned char)c));
		}
	}
}

/* One piece too many after the end is a disagreement, not a new message. */
static void
test_nothing_behind_the_end(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nX: y\r\n\r\n";

	(void)state;
	assert_int_equal(check(head, "", 0), H1_FINE);
	assert_int_equal(check(head, "G", 1), H1_DISAGREE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_at_every_place),
		cmocka_unit_test(test_nothing_behind_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
