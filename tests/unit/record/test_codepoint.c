#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "codepoint.h"

/* UTF-8 of cp, by the textbook; returns its length. */
static size_t
encode(uint32_t cp, char *ret)
{
	size_t len = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};

	for (size_t i = len; i-- > 1; cp >>= 6)
		ret[i] = (char)(0x80 | (cp & 0x3F));
	ret[0] = (char)(lead[len] | cp);
	return len;
}

static void
test_every_code_point_is_read_back(void **state)
{
	char bytes[4];
	uint32_t got;
	size_t len;

	(void)state;
	for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
		len = encode(cp, bytes);
		if (cp >= 0xD800 && cp <= 0xDFFF) {
			assert_int_equal(codepoint_next(bytes, len, &got), 1);
			assert_int_equal(got, CODEPOINT_BAD);
			continue;
		}
		assert_int_equal(codepoint_next(bytes, len, &got), len);
		assert_int_equal(got, cp);
		if (len == 1)
			continue;
		assert_int_equal(codepoint_next(bytes, len - 1, &got), 1);
		assert_int_equal(got, CODEPOINT_BAD);
	}
}

static void
test_controls(void **state)
{
	static const struct {
		uint32_t cp;
		bool want;
		const char *why;
	} cases[] = {
		{0, true, "NUL"},
		{0x1B, true, "escape"},
		{0x1F, true, "the last of C0"},
		{' ', false, "space"},
		{'~', false, "the last of ASCII"},
		{0x7F, true, "DEL"},
		{0x9B, true, "CSI"},
		{0x9F, true, "the last of C1"},
		{0xA0, false, "no-break space"},
		{0xAD, true, "soft hyphen"},
		{0xE9, false, "a letter"},
		{0x200B, true, "zero width"},
		{0x202E, true, "override"},
		{0x202F, false, "narrow space"},
		{0x2066, true, "isolate"},
		{0x20AC, false, "a currency"},
		{0xFEFF, true, "byte order mark"},
		{0xFFFD, false, "ours"},
		{0x1F600, false, "a face"},
		{0xE0041, true, "a tag"},
		{0x10FFFF, false, "the last"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (codepoint_is_control(cases[i].cp) != cases[i].want)
			fail_msg("%s", cases[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_point_is_read_back),
		cmocka_unit_test(test_controls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
