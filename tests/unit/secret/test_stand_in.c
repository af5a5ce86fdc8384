/*
 * The shape of what stands in for a value.  Where a case gives a pattern, each
 * of its letters says what may stand there: a, A, 0 one of that kind, L any
 * letter, * a letter or digit, and all else itself.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "stand_in.h"

#define PLAIN "****************************************"

static const struct {
	const char *value, *prefix, *pattern;
	const char *reason;
} cases[] = {
	{"", "", PLAIN, "no value"},
	{"hunter2", "", PLAIN, "too short to be unmistakable"},
	{"----------------------------------", "", PLAIN, "nothing is random"},
	{"abcdefghijklm", "", PLAIN, "13 letters are 61 bits"},
	{"abcdefghijklmn", "", "aaaaaaaaaaaaaa", "14 are 65"},
	{"0123456789012345678", "", PLAIN, "19 digits are 63 bits"},
	{"01234567890123456789", "", "00000000000000000000", "20 are 66"},
	{"aB3-xY_z.Q~9kkkkkkkkkkk", "", "aA0-aA_a.AL0aaaaaaaaaaa",
		"each of its kind"},
	{"pass word/+=\"\\\xc3\xa9%&?12", "", "aaaaLaaaaLLLLLLLLLL00",
		"what needs an encoding is a letter"},
	{"ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_",
		"aaaaaaaaaaaaaaaaaaaaaaaaaa0000000000", "an issuer's mark"},
	{"sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaa", "sk-ant-api03-",
		"aaaaaaaaaaaaaaaaaaaaaa", "the longest mark"},
	{"sk-antique-aaaaaaaaaaaaaaaaaaaaaa", "sk-",
		"aaaaaaa-aaaaaaaaaaaaaaaaaaaaaa", "a shorter one"},
	{"AKIAIOSFODNN7EXAMPLE", "AKIA", "AAAAAAAA0AAAAAAA", "without a dash"},
	{"ghp_abcdefghijklm", "", PLAIN, "a mark is not random"},
	{"Ghp_abcdefghijklmnopqrst", "", "Aaa_aaaaaaaaaaaaaaaaaaaa",
		"nearly a mark"},
};

static bool
fits(char c, char pattern)
{
	switch (pattern) {
	case 'a':
		return islower((unsigned char)c);
	case 'A':
		return isupper((unsigned char)c);
	case '0':
		return isdigit((unsigned char)c);
	case 'L':
		return isalpha((unsigned char)c);
	case '*':
		return isalnum((unsigned char)c);
	default:
		return c == pattern;
	}
}

static bool
has_shape(const char *text, const char *prefix, const char *pattern)
{
	size_t len = strlen(prefix);

	if (strncmp(text, prefix, len) != 0 ||
		strlen(text + len) != strlen(pattern))
		return false;
	for (size_t i = 0; pattern[i] != '\0'; i++)
		if (!fits(text[len + i], pattern[i]))
			return false;
	return true;
}

static void
test_shapes(void **state)
{
	char got[STAND_IN_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span value = span_of(cases[i].value);

		assert_int_equal(stand_in_draw(value, got), 0);
		if (!has_shape(got, cases[i].prefix, cases[i].pattern))
			fail_msg("%s: %s", cases[i].reason, got);
		if (!stand_in_is_valid(span_of(got)))
			fail_msg("%s: %s is not valid", cases[i].reason, got);
	}
}

static void
test_any_length(void **state)
{
	static char value[STAND_IN_MAX + 2];
	char got[STAND_IN_MAX + 1];

	(void)state;
	memset(value, 'x', sizeof(value));
	for (size_t len = 0; len <= sizeof(value); len++) {
		bool like = len >= 14 && len <= STAND_IN_MAX;

		assert_int_equal(
			stand_in_draw((struct span){value, len}, got), 0);
		assert_int_equal(strlen(got), like ? len : STAND_IN_PLAIN);
	}
}

static void
test_bytes_of_any_kind(void **state)
{
	char value[256], got[STAND_IN_MAX + 1];

	(void)state;
	for (int i = 0; i < 256; i++)
		value[i] = (char)i;
	assert_int_equal(
		stand_in_draw((struct span){value, sizeof(value)}, got), 0);
	assert_int_equal(strlen(got), sizeof(value));
	assert_true(stand_in_is_valid(span_of(got)));
}

/* Of 124,000 letters each comes 2,000 times; by ten deviations more or less
 * only if something is wrong. */
static void
test_all_are_as_likely(void **state)
{
	enum { TIMES = 3100, EACH = TIMES * STAND_IN_PLAIN / 62 };
	unsigned counts[256] = {0};
	char got[STAND_IN_MAX + 1];

	(void)state;
	for (int i = 0; i < TIMES; i++) {
		assert_int_equal(stand_in_draw(span_of(""), got), 0);
		for (int k = 0; k < STAND_IN_PLAIN; k++)
			counts[(unsigned char)got[k]]++;
	}
	for (int c = 0; c < 256; c++)
		if (isalnum(c))
			assert_in_range(counts[c], EACH - 450, EACH + 450);
		else
			assert_int_equal(counts[c], 0);
}

static void
test_each_is_another(void **state)
{
	const char *value = "ghp_abcdefghijklmnopqrst";
	char a[STAND_IN_MAX + 1], b[STAND_IN_MAX + 1];

	(void)state;
	assert_int_equal(stand_in_draw(span_of(value), a), 0);
	assert_int_equal(stand_in_draw(span_of(value), b), 0);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, value);
	assert_string_not_equal(b, value);
}

static void
test_what_is_none(void **state)
{
	static const struct {
		const char *text;
		bool valid;
		const char *reason;
	} texts[] = {
		{"", false, "empty"},
		{"abcdefghijklm", false, "too little of it is random"},
		{"abcdefghijklmn", true, "enough"},
		{"abcdefghijklmn opqrst", false, "a blank"},
		{"abcdefghijklmn/opqrst", false, "it needs an encoding"},
		{"abcdefghijklmn\xc3\xa9", false, "no ASCII"},
		{"abcdefghijklmn._-", true, "all that may stand"},
		{"abcdefghijklmn~", false, "forms encode it"},
	};
	static char long_text[STAND_IN_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (stand_in_is_valid(span_of(texts[i].text)) != texts[i].valid)
			fail_msg("%s", texts[i].reason);
	memset(long_text, 'x', STAND_IN_MAX + 1);
	assert_false(stand_in_is_valid(span_of(long_text)));
	long_text[STAND_IN_MAX] = '\0';
	assert_true(stand_in_is_valid(span_of(long_text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_any_length),
		cmocka_unit_test(test_bytes_of_any_kind),
		cmocka_unit_test(test_all_are_as_likely),
		cmocka_unit_test(test_each_is_another),
		cmocka_unit_test(test_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
