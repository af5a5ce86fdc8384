#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "secret.h"
#include "swap.h"

#define CANARY "s3cret-canary"

static const struct span words[] = {
	SPAN_LITERAL("ghp_Ab3dEf6h"), SPAN_LITERAL("npm_12345678")};
static struct swap s;

static void
begin(const char *text)
{
	struct secret *value = secret_new(text, strlen(text));
	struct swap_set *set;

	assert_non_null(value);
	assert_int_equal(swap_set_new(words, ARRAY_LEN(words), &set), 0);
	swap_init(&s, set, SWAP_PLAIN);
	swap_set_unref(set);
	swap_give(&s, 0, value);
	secret_unref(value);
}

static int
set_up(void **state)
{
	(void)state;
	begin(CANARY);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	swap_done(&s);
	return 0;
}

static const struct {
	const char *value, *swapped; /* NULL: not touched */
	uint32_t found;
	const char *why;
} rows[] = {
	{"Basic Z2hwX0FiM2RFZjZo", "Basic czNjcmV0LWNhbmFyeQ==", 1, "alone"},
	{"Basic bWU6Z2hwX0FiM2RFZjZo", "Basic bWU6czNjcmV0LWNhbmFyeQ==", 1,
		"as a password"},
	{"basic  bWU6Z2hwX0FiM2RFZjZo", "basic  bWU6czNjcmV0LWNhbmFyeQ==", 1,
		"in other letters, with more space"},
	{"Basic Z2hwX0FiM2RFZjZoOng=", "Basic czNjcmV0LWNhbmFyeTp4", 1,
		"as a name"},
	{"Basic bWU6bnBtXzEyMzQ1Njc4", "Basic bWU6bnBtXzEyMzQ1Njc4", 2,
		"one without a value"},
	{"Basic bWU6eW91", NULL, 0, "none in it"},
	{"Basic Z2hwX0FiM2RFZjZoOng", NULL, 0, "not filled up"},
	{"Basic Z2hwX0FiM2RFZjZoOng==", NULL, 0, "filled up too much"},
	{"Basic Z2hwX0FiM2RFZjZoOnh=", NULL, 0, "bits left over"},
	{"Basic Z2h=X0FiM2RFZjZo", NULL, 0, "filled up in the middle"},
	{"Basic Z2hwX0FiM2RF ZjZo", NULL, 0, "space inside"},
	{"Basic Z2hwX0FiM2RFZj_o", NULL, 0, "the other alphabet"},
	{"Basic ====", NULL, 0, "nothing but signs that fill up"},
	{"Basic ", NULL, 0, "nothing behind it"},
	{"Basic", NULL, 0, "the word alone"},
	{"", NULL, 0, "nothing"},
	{"Bearer Z2hwX0FiM2RFZjZo", NULL, 0, "another scheme"},
	{"Basically Z2hwX0FiM2RFZjZo", NULL, 0, "a longer word"},
};

static void
test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *wanted = rows[i].swapped;
		char out[256];
		ssize_t n = swap_basic(
			&s, span_of(rows[i].value), out, sizeof(out));

		if (wanted == NULL
				? n != 0
				: n != (ssize_t)strlen(wanted) ||
					  memcmp(out, wanted, (size_t)n) != 0)
			fail_msg("%s: %.*s", rows[i].why, (int)n, out);
		if (swap_found(&s) != rows[i].found)
			fail_msg("%s: found %x", rows[i].why, swap_found(&s));
		tear_down(state);
		set_up(state);
	}
}

/* What is found does not make one forget what was found before. */
static void
test_found_adds_up(void **state)
{
	char out[256];

	(void)state;
	swap_basic(&s, span_of(rows[4].value), out, sizeof(out));
	assert_int_equal(swap_basic(&s, SPAN_LITERAL("Basic bWU6eW91"), out,
				 sizeof(out)),
		0);
	swap_basic(&s, span_of(rows[0].value), out, sizeof(out));
	assert_int_equal(swap_found(&s), 3);
}

static void
test_no_room(void **state)
{
	struct span value = span_of(rows[1].value);
	size_t len = strlen(rows[1].swapped);

	(void)state;
	for (size_t size = 0; size <= len; size++) {
		char out[64] = "";
		ssize_t n = swap_basic(&s, value, out, size);

		assert_int_equal(n, size < len ? -EMSGSIZE : (ssize_t)len);
		for (size_t i = 0; n < 0 && i < sizeof(out); i++)
			assert_int_equal(out[i], 0);
	}
}

/* More than one piece, at each place where one can end. */
static void
test_long(void **state)
{
	enum { LONG = 600 };
	static char value[LONG * 2], out[LONG * 2];

	(void)state;
	for (size_t before = 0; before < LONG / 3; before++) {
		size_t n = (size_t)sprintf(value, "Basic ");
		ssize_t len;

		/* "AAA", "ghp_Ab3dEf6h", "AAA" … */
		for (size_t i = 0; i < LONG / 3; i++)
			n += (size_t)sprintf(value + n, "%s",
				i == before ? "Z2hwX0FiM2RFZjZo" : "QUFB");
		len = swap_basic(&s, (struct span){value, n}, out, sizeof(out));
		/* One byte more than was there: another group. */
		assert_int_equal(len, n + 4);
		n = 6 + before * 4;
		assert_memory_equal(out, value, n);
		assert_memory_equal(out + n, "czNjcmV0LWNhbmFye", 17);
	}
}

/* ---- what is left behind ------------------------------------------------ */

enum { STACK = 1024 * 1024 };

static char *stack;
static size_t left; /* places on it where a part of the value is */

/* Not by memmem(), which would write over what is there; and frames of others
 * are what is looked for. */
__attribute__((no_sanitize_address)) static void
look_below(const char *here)
{
	static const char part[] = "canary";

	for (const char *at = stack; at < here - sizeof(part); at++) {
		size_t n = 0;

		while (n < sizeof(part) - 1 && at[n] == part[n])
			n++;
		left += n == sizeof(part) - 1;
	}
}

static void *
run_basic(void *arg)
{
	static char out[256]; /* not on this stack */
	char here;

	(void)arg;
	swap_basic(&s, span_of(rows[1].value), out, sizeof(out));
	look_below(&here);
	return NULL;
}

static void *
run_text(void *arg)
{
	static char out[256];
	char here;

	(void)arg;
	swap_text(&s, words[0], out, sizeof(out));
	look_below(&here);
	return NULL;
}

/* On a stack of our own, to look at.  A long value, for what is called later
 * writes over part of what was left. */
static void
test_threat_36_wiped_from_the_stack(void **state)
{
	static void *(*const runs[])(void *) = {run_basic, run_text};
	pthread_attr_t attr;
	pthread_t thread;

	stack = aligned_alloc(4096, STACK);
	assert_non_null(stack);
	pthread_attr_init(&attr);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK), 0);
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		tear_down(state);
		begin(CANARY CANARY CANARY CANARY CANARY CANARY);
		memset(stack, 0, STACK);
		assert_int_equal(
			pthread_create(&thread, &attr, runs[i], NULL), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(swap_found(&s), 1);
		assert_int_equal(left, 0);
	}
	pthread_attr_destroy(&attr);
	free(stack);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_rows),
		TEST(test_found_adds_up),
		TEST(test_no_room),
		TEST(test_long),
		TEST(test_threat_36_wiped_from_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
