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
#include "swap_set.h"

static const struct {
	const char *words[3];
	int r;
	const char *why;
} rows[] = {
	{{"abcdefgh"}, 0, "the shortest"},
	{{"ABC-._~9"}, 0, "all that there may be"},
	{{"abcdefg"}, -EINVAL, "too short"},
	{{"abcdefg/"}, -EINVAL, "a letter that is written in several ways"},
	{{"abcdefg "}, -EINVAL, "space"},
	{{"abcdefg\xc3\xbc"}, -EINVAL, "not ASCII"},
	{{"abcdefgh", "abcdefgh"}, -EEXIST, "the same one twice"},
	{{"abcdefgh", "abcdefghi"}, -EEXIST, "at the front of another"},
	{{"abcdefghi", "abcdefgh"}, -EEXIST, "the other way round"},
	{{"abcdefgh", "xabcdefgh"}, -EEXIST, "at the end of another"},
	{{"xabcdefghx", "abcdefgh"}, -EEXIST, "in the middle of another"},
	{{"aaaaaaaaab", "aaaaaaaa"}, -EEXIST, "one letter over and over"},
	{{"abcdefgh", "abcdefgi", "abcdefgj"}, 0, "the same beginning"},
	{{"abcdefgh", "efghabcd"}, 0, "they can overlap"},
	{{"abcabcabc", "bcabcabca"}, 0, "much so"},
};

static void
test_what_may_be_in_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span words[3];
		struct swap_set *set = NULL;
		size_t count = 0;
		int r;

		while (count < 3 && rows[i].words[count] != NULL) {
			words[count] = span_of(rows[i].words[count]);
			count++;
		}
		r = swap_set_new(words, count, &set);
		if (r != rows[i].r || (set != NULL) != (r == 0))
			fail_msg("%s: %d", rows[i].why, r);
		for (size_t n = 0; r == 0 && n < count; n++)
			assert_true(
				span_equals(swap_set_get(set, n), words[n]));
		swap_set_unref(set);
	}
}

static void
fill(char *text, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		text[i] = (char)('a' + (seed >> 16) % 26);
	}
}

/* As many as there may be, as long as they may be; not one more. */
static void
test_bounds(void **state)
{
	static char text[SWAP_MAX + 1][SWAP_LEN_MAX + 1];
	struct span words[SWAP_MAX + 1];
	struct swap_set *set;

	(void)state;
	for (size_t i = 0; i <= SWAP_MAX; i++) {
		fill(text[i], sizeof(text[i]), (unsigned)i + 1);
		words[i] = (struct span){text[i], SWAP_LEN_MAX};
	}
	assert_int_equal(swap_set_new(words, SWAP_MAX, &set), 0);
	assert_int_equal(swap_set_count(set), SWAP_MAX);
	swap_set_unref(swap_set_ref(set));
	assert_true(span_equals(swap_set_get(set, 15), words[15]));
	swap_set_unref(set);

	assert_int_equal(swap_set_new(words, SWAP_MAX + 1, &set), -EINVAL);
	assert_int_equal(swap_set_new(words, 0, &set), -EINVAL);
	words[3].len++;
	assert_int_equal(swap_set_new(words, SWAP_MAX, &set), -EINVAL);
	swap_set_unref(NULL);
}

/* Where there is nothing, nearly nothing is looked at. */
static void
test_skips(void **state)
{
	static char text[64 * 1024], word[8][40];
	struct span words[8];
	struct swap_set *set;
	size_t work = 0, skipped;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		fill(word[i], sizeof(word[i]), (unsigned)i + 1);
		words[i] = (struct span){word[i], sizeof(word[i])};
	}
	assert_int_equal(swap_set_new(words, ARRAY_LEN(words), &set), 0);
	memset(text, '{', sizeof(text));
	skipped = swap_set_skip(
		set, (struct span){text, sizeof(text)}, sizeof(text), &work);
	assert_in_range(skipped, sizeof(text) - 39, sizeof(text) - 1);
	assert_true(work <= sizeof(text) / 39 + 1);
	/* The window ends before a word does, or where one begins. */
	memcpy(text + 1000, word[5], 40);
	assert_true(swap_set_skip(set, (struct span){text, sizeof(text)},
			    sizeof(text), &work) <= 1000);
	assert_int_equal(swap_set_skip(set, (struct span){text, sizeof(text)},
				 100, &work),
		100);
	assert_int_equal(
		swap_set_skip(set, (struct span){text, 39}, 39, &work), 0);
	swap_set_unref(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_may_be_in_it),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_skips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
