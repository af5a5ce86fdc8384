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
#include "secret.h"
#include "swap.h"
#include "swap_text_law.h"

#define ONE "ghp_Ab3dEf6h"
#define TWO "Ef6hIjKl"
#define LOST "npm_12345678"

static const struct span words[] = {{ONE, sizeof(ONE) - 1},
	{TWO, sizeof(TWO) - 1}, {LOST, sizeof(LOST) - 1}};

enum { IS_ONE = 1, IS_TWO = 2, IS_LOST = 4 };

static struct swap s;

/* The third one has no value. */
static void
begin(enum swap_spelling spelling, const char *one, const char *two)
{
	const char *values[] = {one, two};
	struct swap_set *set;

	assert_int_equal(swap_set_new(words, ARRAY_LEN(words), &set), 0);
	swap_init(&s, set, spelling);
	swap_set_unref(set);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct secret *value = secret_new(values[i], strlen(values[i]));

		assert_non_null(value);
		swap_give(&s, i, value);
		secret_unref(value);
	}
}

static int
tear_down(void **state)
{
	(void)state;
	swap_done(&s);
	return 0;
}

static const struct {
	enum swap_spelling spelling;
	const char *text, *swapped;
	uint32_t found;
	const char *why;
} rows[] = {
	{SWAP_PLAIN, "", "", 0, "nothing"},
	{SWAP_PLAIN, "token x", "token x", 0, "none in it"},
	{SWAP_PLAIN, ONE, "v\"1\\ ", IS_ONE, "nothing else"},
	{SWAP_PLAIN, "token " ONE, "token v\"1\\ ", IS_ONE, "at the end"},
	{SWAP_PLAIN, ONE ";", "v\"1\\ ;", IS_ONE, "at the front"},
	{SWAP_PLAIN, ONE ONE TWO, "v\"1\\ v\"1\\ value-number-two",
		IS_ONE | IS_TWO, "one behind the other"},
	{SWAP_PLAIN, "ghp_Ab3dEf6hIjKl", "v\"1\\ IjKl", IS_ONE,
		"what begins first"},
	{SWAP_PLAIN, "hp_Ab3dEf6hIjKl", "hp_Ab3dvalue-number-two", IS_TWO,
		"… and when it has not begun"},
	{SWAP_PLAIN, "ghp_Ab3dEf6gEf6hIjKl", "ghp_Ab3dEf6gvalue-number-two",
		IS_TWO, "a beginning, then another one"},
	{SWAP_PLAIN, "ghp_ghp_ghp_Ab3dEf6h", "ghp_ghp_v\"1\\ ", IS_ONE,
		"a beginning, then the same one"},
	{SWAP_PLAIN, "ghp_Ab3dEf6", "ghp_Ab3dEf6", 0, "without its end"},
	{SWAP_PLAIN, "GHP_AB3DEF6H", "GHP_AB3DEF6H", 0, "other letters"},
	{SWAP_PLAIN, "a " LOST " b", "a " LOST " b", IS_LOST,
		"without a value it stays"},
	{SWAP_PLAIN, LOST ONE, LOST "v\"1\\ ", IS_LOST | IS_ONE,
		"one that stays, one that goes"},
	{SWAP_PERCENT, "?a=" ONE "&b", "?a=v%221%5C%20&b", IS_ONE,
		"in a query"},
	{SWAP_PERCENT, LOST, LOST, IS_LOST, "what stays stays as it is"},
	{SWAP_JSON, "{\"a\":\"" ONE "\"}", "{\"a\":\"v\\\"1\\\\ \"}", IS_ONE,
		"in JSON"},
};

static void
test_rows(void **state)
{
	char out[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ssize_t n;

		begin(rows[i].spelling, "v\"1\\ ", "value-number-two");
		n = swap_text(&s, span_of(rows[i].text), out, sizeof(out));
		if (n < 0 || !span_equals((struct span){out, (size_t)n},
				     span_of(rows[i].swapped)))
			fail_msg("%s: %.*s", rows[i].why, (int)n, out);
		if (swap_found(&s) != rows[i].found)
			fail_msg("%s: found %x", rows[i].why, swap_found(&s));
		swap_done(&s);
	}
}

static const struct {
	const char *value, *plain, *percent, *json;
	const char *why;
} spellings[] = {
	{"aZ09-._~", "aZ09-._~", "aZ09-._~", "aZ09-._~", "as it is anywhere"},
	{"a+b/c=", "a+b/c=", "a%2Bb%2Fc%3D", "a+b/c=", "base64"},
	{"\"\\", "\"\\", "%22%5C", "\\\"\\\\", "quoted"},
	{"\t\x01\x1f", "\t\x01\x1f", "%09%01%1F", "\\u0009\\u0001\\u001F",
		"control characters"},
	{"\xc3\xbc\x7f", "\xc3\xbc\x7f", "%C3%BC%7F", "\xc3\xbc\x7f", "UTF-8"},
};

/* … however little room there is. */
static void
test_spellings(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3 * ARRAY_LEN(spellings); i++) {
		const char *wanted[] = {spellings[i / 3].plain,
			spellings[i / 3].percent, spellings[i / 3].json};
		struct span text = span_of("<" ONE ">");
		char got[64];
		size_t len = 0, n;

		begin((enum swap_spelling)(i % 3), spellings[i / 3].value, TWO);
		while ((n = swap_run(&s, &text, got + len, 1)) > 0)
			len += n;
		assert_int_equal(swap_end(&s, got + len, 1), 0);
		n = strlen(wanted[i % 3]);
		if (len != n + 2 || got[0] != '<' || got[n + 1] != '>' ||
			memcmp(got + 1, wanted[i % 3], n) != 0)
			fail_msg("%s: %.*s", spellings[i / 3].why, (int)len,
				got);
		swap_done(&s);
	}
}

static void
test_length(void **state)
{
	static const struct {
		enum swap_spelling spelling;
		const char *one, *two;
		bool keeps;
	} lengths[] = {
		{SWAP_PLAIN, "0123456789/+", "01234567", true},
		{SWAP_PLAIN, "0123456789/+", "0123456", false},
		{SWAP_PLAIN, "0123456789/+=", "01234567", false},
		{SWAP_PERCENT, "0123456789/+", "01234567", false},
		{SWAP_PERCENT, "01234567%", "01234567", false},
		{SWAP_PERCENT, "012345678/", "01234567", true},
		{SWAP_JSON, "0123456789/+", "01234567", true},
		{SWAP_JSON, "0123456789\"+", "01234567", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		begin(lengths[i].spelling, lengths[i].one, lengths[i].two);
		assert_int_equal(swap_keeps_length(&s), lengths[i].keeps);
		swap_done(&s);
	}
}

static void
test_gives(void **state)
{
	struct secret *one = secret_new("v1", 2), *two = secret_new("v2", 2);
	struct secret *values[SWAP_MAX] = {one, two};

	(void)state;
	begin(SWAP_PLAIN, "v1", "v2");
	assert_true(swap_gives(&s, values));
	values[1] = one;
	assert_false(swap_gives(&s, values));
	values[1] = NULL;
	assert_false(swap_gives(&s, values));
	values[1] = two;
	values[2] = one; /* has none */
	assert_false(swap_gives(&s, values));
	secret_unref(one);
	secret_unref(two);
}

/* What does not fit is not there, and the next text is another one. */
static void
test_no_room(void **state)
{
	static const char text[] = "a" ONE "b" LOST "c" TWO "ghp_A";
	static const char swapped[] = "a=v1=b" LOST "c=v2=ghp_A";
	const size_t len = sizeof(swapped) - 1;

	(void)state;
	begin(SWAP_PLAIN, "=v1=", "=v2=");
	for (size_t size = 0; size <= len; size++) {
		char out[64] = "";
		ssize_t n = swap_text(&s, SPAN_LITERAL(text), out, size);

		if (size == len) {
			assert_int_equal(n, len);
			assert_memory_equal(out, swapped, len);
			continue;
		}
		assert_int_equal(n, -EMSGSIZE);
		for (size_t i = 0; i < sizeof(out); i++)
			assert_int_equal(out[i], 0);
	}
}

/* ---- the law ------------------------------------------------------------ */

static unsigned seed;

static unsigned
some(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* Two places to cut, each byte once. */
static void
test_every_cut(void **state)
{
	static const char text[] =
		"x" ONE "ghp_Ab3d" TWO LOST "ghp_" ONE "npm_";
	struct swap_law law = {
		.words = {words[0], words[1], words[2]},
		.values = {SPAN_LITERAL("v1"), SPAN_LITERAL("the-second-one")},
		.count = 3,
		.text = SPAN_LITERAL(text),
		.cut_count = 2,
	};

	(void)state;
	for (size_t i = 0; i < (sizeof(text) - 1) * 32; i++) {
		unsigned char cuts[2] = {
			(unsigned char)(i / 32), (unsigned char)(i % 32)};

		law.cuts = cuts;
		swap_law(&law);
	}
}

/* Words of two letters overlap as much as words can. */
static void
make_words(struct swap_law *law, char store[SWAP_LAW_WORDS][16])
{
	law->count = 1 + some(SWAP_LAW_WORDS);
	for (size_t i = 0; i < law->count; i++) {
		size_t len = SWAP_LEN_MIN + some(6);

		for (size_t n = 0; n < len; n++)
			store[i][n] = (char)('a' + (some(4) == 0));
		law->words[i] = (struct span){store[i], len};
		law->values[i] = (struct span){"VALUE", some(6)};
	}
}

static void
make_text(struct swap_law *law, char text[SWAP_LAW_TEXT])
{
	size_t len = some(600), n = 0;

	while (n < len) {
		struct span word = law->words[some((unsigned)law->count)];
		size_t part = some((unsigned)word.len + 1);

		if (some(4) > 0)
			part = word.len;
		memcpy(text + n, word.ptr, part);
		n += part;
		if (some(3) == 0)
			text[n++] = (char)('a' + some(3));
	}
	law->text = (struct span){text, n};
}

static void
test_law(void **state)
{
	static char store[SWAP_LAW_WORDS][16], text[SWAP_LAW_TEXT];
	unsigned char cuts[7];

	(void)state;
	for (seed = 1; seed < 1000; seed++) {
		unsigned now = seed;
		struct swap_law law = {.cuts = cuts, .cut_count = some(8)};

		make_words(&law, store);
		make_text(&law, text);
		for (size_t i = 0; i < sizeof(cuts); i++)
			cuts[i] = (unsigned char)some(some(2) == 0 ? 4 : 64);
		swap_law(&law);
		seed = now;
	}
}

/* Who knows his stand-in can make a text of its beginnings: three looks a
 * byte, and no more. */
static void
test_threat_32_bound(void **state)
{
	static const struct {
		const char *word, *repeated;
	} hostile[] = {
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "a"},
		{"baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a"},
		{"abababababababababababababababac", "ab"},
		{"ghp_0123456789abcdefghijABCDEFGH",
			"ghp_0123456789abcdefghijABCDEFG"},
		{"ghp_0123456789abcdefghijABCDEFGH", "ghp_"},
		{"ghp_0123456789abcdefghijABCDEFGH", "GH"},
	};
	static char text[SWAP_LAW_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		size_t len = strlen(hostile[i].repeated);
		struct swap_law law = {
			.words = {span_of(hostile[i].word),
				SPAN_LITERAL("aaaaaaaaaaaaaaaac")},
			.values = {SPAN_LITERAL("v")},
			.count = 2,
			.text = {text, sizeof(text)},
		};

		for (size_t n = 0; n < sizeof(text); n++)
			text[n] = hostile[i].repeated[n % len];
		swap_law(&law);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_rows),
		TEST(test_spellings),
		TEST(test_length),
		TEST(test_gives),
		TEST(test_no_room),
		TEST(test_every_cut),
		TEST(test_law),
		TEST(test_threat_32_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
