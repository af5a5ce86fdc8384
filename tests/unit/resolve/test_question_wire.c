/* What a forger has to guess, and what passes for an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "question_wire.h"

static void
make(struct question_wire *w, const char *name)
{
	assert_int_equal(question_wire_make(w, name, 28, true), 0);
}

static void
test_shape(void **state)
{
	static const uint8_t behind[] = {0, 0, 28, 0, 1, /* AAAA, IN */
		0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0}; /* OPT, 1232 */
	struct question_wire w;
	const uint8_t *p = question_wire_message(&w);

	(void)state;
	make(&w, "1-2.3_4");
	assert_int_equal(w.len, 12 + 9 + 4 + 11);
	assert_int_equal(w.question_len, 9 + 4);
	assert_int_equal(w.framed[0] << 8 | w.framed[1], w.len);
	assert_memory_equal(p + 2, "\1\0\0\1\0\0\0\0\0\1", 10);
	assert_memory_equal(p + 12, "\0031-2\0033_4", 8);
	assert_memory_equal(p + 20, behind, sizeof(behind));
	assert_int_equal(question_wire_make(&w, "a", 1, false), 0);
	assert_int_equal(w.len, 12 + 3 + 4);
	assert_int_equal(p[11], 0);
}

/* Of 64 questions, no two alike: 16 bits of id and 40 of case. */
static void
test_drawn_anew(void **state)
{
	static const char name[] = "abcdefghijklmnopqrst.abcdefghijklmnopqrst";
	struct question_wire w[64];
	unsigned upper = 0, letters = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(w); i++) {
		make(&w[i], name);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(question_wire_message(&w[i]),
				question_wire_message(&w[j]), w[i].len);
		for (size_t j = 13; j < 12 + 42; j++) {
			letters += question_wire_message(&w[i])[j] >= 'A';
			upper += question_wire_message(&w[i])[j] >= 'A' &&
				 question_wire_message(&w[i])[j] <= 'Z';
		}
	}
	assert_int_equal(letters, 64 * 40);
	assert_in_range(upper, 64 * 10, 64 * 30);
}

static const struct {
	size_t at;
	uint8_t flip;
	enum question_echo echo;
	const char *why;
} cases[] = {
	{3, 0x8f, ECHO_FULL, "flags and codes are read elsewhere"},
	{0, 0x01, ECHO_NONE, "another id"},
	{1, 0x80, ECHO_NONE, "another id"},
	{2, 0x80, ECHO_NONE, "a question"},
	{2, 0x08, ECHO_NONE, "another opcode"},
	{5, 0x01, ECHO_NONE, "no question in it"},
	{4, 0x01, ECHO_NONE, "257 questions"},
	{13, 0x20, ECHO_CASE, "a letter in the other case"},
	{13, 0x01, ECHO_NONE, "another letter"},
	{15, 0x20, ECHO_NONE, "a digit has no case"},
	{12, 0x01, ECHO_NONE, "another length of a label"},
	{12, 0x20, ECHO_NONE, "a length has no case"},
	{20, 0x20, ECHO_NONE, "another type"},
	{22, 0x02, ECHO_NONE, "another class"},
};

static void
test_echo(void **state)
{
	struct question_wire w;
	uint8_t reply[QUESTION_MESSAGE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make(&w, "ab1.co");
		memcpy(reply, question_wire_message(&w), w.len);
		reply[2] |= 0x80;
		reply[cases[i].at] ^= cases[i].flip;
		if (question_wire_echo(&w, reply, w.len) != cases[i].echo)
			fail_msg("byte %zu: %s", cases[i].at, cases[i].why);
	}
}

static void
test_short(void **state)
{
	struct question_wire w;
	uint8_t reply[QUESTION_MESSAGE];
	size_t whole;

	(void)state;
	make(&w, "ab1.co");
	memcpy(reply, question_wire_message(&w), w.len);
	reply[2] |= 0x80;
	whole = 12 + w.question_len;
	for (size_t len = 0; len < whole; len++)
		assert_int_equal(question_wire_echo(&w, reply, len), ECHO_NONE);
	assert_int_equal(question_wire_echo(&w, reply, whole), ECHO_FULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_drawn_anew),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
