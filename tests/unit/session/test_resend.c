/*
 * What was sent of a body, sent again: all of it, or nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resend.h"

enum { BOUND = 16 * 1024 };

static void
keep(struct resend *r, const char *text)
{
	resend_keep(r, (struct span){text, strlen(text)});
}

static void
test_again_in_pieces(void **state)
{
	struct resend r;

	(void)state;
	resend_init(&r);
	assert_int_equal(resend_rest(&r).len, 0);
	keep(&r, "abc");
	keep(&r, "de");
	assert_int_equal(resend_rest(&r).len, 0);
	assert_true(resend_is_possible(&r));
	resend_begin(&r);
	assert_int_equal(resend_rest(&r).len, 5);
	assert_memory_equal(resend_rest(&r).ptr, "abcde", 5);
	resend_advance(&r, 4);
	assert_int_equal(resend_rest(&r).len, 1);
	assert_memory_equal(resend_rest(&r).ptr, "e", 1);
	resend_advance(&r, 1);
	assert_int_equal(resend_rest(&r).len, 0);
	/* What is new then belongs to it, too. */
	keep(&r, "f");
	resend_begin(&r);
	assert_memory_equal(resend_rest(&r).ptr, "abcdef", 6);
	resend_done(&r);
	assert_int_equal(resend_rest(&r).len, 0);
	resend_done(&r);
}

static void
test_too_long(void **state)
{
	static char full[BOUND];
	struct resend r;

	(void)state;
	resend_init(&r);
	resend_keep(&r, (struct span){full, sizeof(full)});
	assert_true(resend_is_possible(&r));
	keep(&r, "x");
	assert_false(resend_is_possible(&r));
	/* Never a part of it, and none that comes later. */
	keep(&r, "y");
	resend_begin(&r);
	assert_int_equal(resend_rest(&r).len, 0);
	assert_false(resend_is_possible(&r));
	resend_done(&r);
}

/* Values may be among it: wiped, whatever becomes of it. */
static void
test_threat_36_hidden(void **state)
{
	struct resend r;

	(void)state;
	resend_init(&r);
	assert_false(r.sent.secret);
	resend_hide(&r);
	keep(&r, "abc");
	assert_true(r.sent.secret);
	resend_done(&r);
	assert_true(r.sent.secret);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again_in_pieces),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_threat_36_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
