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
#include "logfilter.h"
#include "logline.h"
#include "netlog_feed.h"
#include "netlog_join.h"
#include "netlog_summary.h"
#include "netlog_table.h"
#include "netlog_text.h"

static struct netlog_row row;

static void
test_sizes_and_durations(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} sizes[] = {
		{0, "0B"},
		{999, "999B"},
		{1000, "1.0k"},
		{9949, "9.9k"},
		{9950, "10k"},
		{999499, "999k"},
		{999500, "1.0M"},
		{UINT64_C(1234567890), "1.2G"},
		{UINT64_MAX, "18E"},
	};
	static const struct {
		double ms;
		const char *want;
	} durations[] = {
		{0, "0.0ms"},
		{0.04, "0.0ms"},
		{9.94, "9.9ms"},
		{9.96, "10ms"},
		{999.4, "999ms"},
		{999.6, "1.0s"},
		{59900, "59.9s"},
		{59960, "1m00s"},
		{61000, "1m01s"},
		{3599.4e3, "59m59s"},
		{3599.6e3, "1.0h"},
		{3600e3, "1.0h"},
		{36000e3, "10.0h"},
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		netlog_size(text, sizeof(text), sizes[i].bytes);
		assert_string_equal(text, sizes[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		netlog_duration(text, sizeof(text), durations[i].ms);
		assert_string_equal(text, durations[i].want);
	}
}

static void
test_append_is_bounded_and_shows_control(void **state)
{
	static const struct {
		const char *in, *want;
		size_t size;
		const char *why;
	} cases[] = {
		{"abc", "abc", 4, "just fits"},
		{"abcd", "abc", 4, "cut"},
		{"\x1B[1m", "\\x1b[1m", 16, "an escape is shown"},
		{"a\x1B", "a", 5, "never half an escape"},
		{"a\xC3\xA9", "a", 3, "never half a character"},
		{"\xC2\x9B", "\\u009b", 16, "C1"},
		{"\x9B", "\xEF\xBF\xBD", 16, "no UTF-8"},
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		text[0] = '\0';
		netlog_append(text, cases[i].size, cases[i].in);
		if (strcmp(text, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].why, text);
	}
}

static void
test_cut(void **state)
{
	static const struct {
		const char *in;
		size_t columns;
		const char *want;
	} cases[] = {
		{"abcde", 5, "abcde"},
		{"abcde", 4, "abc~"},
		{"abcde", 1, "~"},
		{"\xC3\xA9\xC3\xA9\xC3\xA9", 3, "\xC3\xA9\xC3\xA9\xC3\xA9"},
		{"\xC3\xA9\xC3\xA9\xC3\xA9", 2, "\xC3\xA9~"},
		{"", 3, ""},
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof(text), "%s", cases[i].in);
		netlog_cut(text, cases[i].columns);
		assert_string_equal(text, cases[i].want);
	}
}

/* One row through a table of that screen, as a string the caller frees. */
static char *
table_line(size_t screen, const char *const *cells)
{
	static const struct netlog_column columns[] = {
		{"A", 6, 2, 0, false},
		{"B", 8, 0, 1, true},
		{"C", 8, 3, 2, false},
	};
	struct netlog_table t;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	netlog_table_init(&t, columns, ARRAY_LEN(columns), screen, false);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		netlog_row_set(&row, i, cells[i]);
	netlog_table_measure(&t, &row);
	netlog_row_set(&row, 0, "a");
	netlog_row_set(&row, 1, "b");
	netlog_table_print(&t, &row, out);
	fclose(out);
	return text;
}

static void
test_columns_adapt(void **state)
{
	static const char *const cells[] = {"aaaa", "bbb", "cccccc"};
	static const char *const wide[] = {"aaaaaaaaaa", "bbb", "cccccccccc"};
	static const struct {
		size_t screen;
		const char *const *cells;
		const char *want;
		const char *why;
	} cases[] = {
		{0, cells, "a       b  cccccc\n", "no end"},
		{17, cells, "a       b  cccccc\n", "just fits"},
		{16, cells, "a       b  cccc~\n", "the widest is cut"},
		{14, cells, "a      b  ccc~\n", "then both"},
		{12, cells, "a     b  cc~\n", "down to the least"},
		{11, cells, "a       b\n", "then the last is left out"},
		{8, cells, "a      b\n", "and the first cut again"},
		{6, cells, "a\n", "and the next is left out"},
		{0, wide, "a         b  cccccccccc\n", "never padded to more"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = table_line(cases[i].screen, cases[i].cells);

		if (strcmp(text, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].why, text);
		free(text);
	}
}

static void
test_join_finds_the_newest_and_forgets_the_oldest(void **state)
{
	struct netlog_join *j = netlog_join_new(3);
	struct netlog_pair *pair;

	(void)state;
	assert_non_null(j);
	assert_null(netlog_join_outcome(j, 1, span_of("o")));
	assert_non_null(netlog_join_decision(j, 1, span_of("d1")));
	assert_non_null(netlog_join_decision(j, 1, span_of("d1 again")));
	pair = netlog_join_outcome(j, 1, span_of("o1"));
	assert_non_null(pair);
	assert_string_equal(pair->decision, "d1 again");
	assert_string_equal(pair->outcome, "o1");
	assert_null(netlog_join_outcome(j, 1, span_of("a second outcome")));
	assert_non_null(netlog_join_decision(j, 4, span_of("d4")));
	assert_true(netlog_join_is_full(j));
	assert_non_null(netlog_join_decision(j, 0, span_of("d0")));
	assert_null(netlog_join_outcome(j, 0, span_of("no id")));
	assert_int_equal(netlog_join_count(j), 3);
	assert_string_equal(netlog_join_at(j, 0)->decision, "d1 again");
	assert_string_equal(netlog_join_at(j, 2)->decision, "d0");
	assert_non_null(netlog_join_decision(j, 5, span_of("d5")));
	assert_null(netlog_join_outcome(j, 1, span_of("gone")));
	assert_non_null(netlog_join_outcome(j, 4, span_of("o4")));
	netlog_join_clear(j);
	assert_int_equal(netlog_join_count(j), 0);
	assert_null(netlog_join_outcome(j, 5, span_of("gone too")));
	netlog_join_free(j);
	netlog_join_free(NULL);
}

static void
test_join_over_many_rounds(void **state)
{
	enum { ROOM = 7, ROUNDS = 1000 };
	struct netlog_join *j = netlog_join_new(ROOM);
	char text[16];

	(void)state;
	assert_non_null(j);
	for (uint64_t id = 1; id <= ROUNDS; id++) {
		snprintf(text, sizeof(text), "%d", (int)id);
		assert_non_null(netlog_join_decision(j, id, span_of(text)));
		if (id > ROOM)
			assert_null(netlog_join_outcome(
				j, id - ROOM, span_of("o")));
		if (id > 3) {
			struct netlog_pair *pair =
				netlog_join_outcome(j, id - 3, span_of("o"));

			assert_non_null(pair);
			assert_int_equal(atoi(pair->decision), id - 3);
		}
	}
	netlog_join_free(j);
}

/* One record fed: what netlog_feed_take() returns. */
static int
feed(struct netlog_feed *f, const char *event, int id, const char *verdict,
	struct netlog_pair **ret)
{
	struct logline l;
	char line[256];
	int r;

	snprintf(line, sizeof(line),
		"{\"ts\":\"2025-11-21T03:25:01Z\",\"id\":\"%x\","
		"\"event\":\"%s\",\"kind\":\"request\",\"verdict\":\"%s\"}",
		id, event, verdict);
	assert_int_equal(logline_parse(span_of(line), &l), 0);
	r = netlog_feed_take(f, &l, ret);
	logline_done(&l);
	return r;
}

static void
count_leaving(struct netlog_pair *pair, void *context)
{
	int *sum = context;

	*sum += (int)pair->id;
}

static void
test_feed_passes_by_decision_or_outcome(void **state)
{
	struct logfilter filter = {0};
	struct netlog_pair *pair;
	struct netlog_feed f;
	int left = 0;

	(void)state;
	assert_int_equal(logfilter_add(&filter, LOGFILTER_VERDICT, "error"), 0);
	assert_int_equal(netlog_feed_init(&f, &filter, 2), 0);
	f.leaving = count_leaving;
	f.context = &left;
	assert_int_equal(feed(&f, "decision", 1, "allowed", &pair), 0);
	assert_int_equal(feed(&f, "decision", 2, "error", &pair), 1);
	assert_int_equal(pair->id, 2);
	assert_int_equal(feed(&f, "outcome", 2, "allowed", &pair), 1);
	assert_non_null(pair->outcome);
	assert_int_equal(feed(&f, "outcome", 3, "error", &pair), 0);
	assert_int_equal(feed(&f, "outcome", 1, "error", &pair), 1);
	assert_int_equal(pair->id, 1);
	assert_non_null(pair->outcome);
	assert_int_equal(feed(&f, "outcome", 1, "error", &pair), 0);
	assert_int_equal(left, 0);
	assert_int_equal(feed(&f, "decision", 4, "error", &pair), 1);
	assert_int_equal(left, 2);
	assert_int_equal(netlog_join_count(f.passed), 2);
	netlog_feed_clear(&f);
	assert_int_equal(feed(&f, "outcome", 4, "error", &pair), 0);
	netlog_feed_done(&f);
}

static void
test_summary_is_bounded(void **state)
{
	enum { MORE = 100 };
	struct netlog_summary *s = netlog_summary_new();
	struct logline l, none = {0};
	char line[256], *text;
	FILE *out;
	size_t len;

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < NETLOG_SUMMARY_ROWS + MORE; i++) {
		snprintf(line, sizeof(line),
			"{\"ts\":\"2025-11-21T03:25:01Z\",\"id\":\"1\","
			"\"event\":\"decision\",\"host\":\"h%d\",\"count\":2,"
			"\"verdict\":\"%s\"}",
			i, i % 2 == 0 ? "denied" : "allowed");
		assert_int_equal(logline_parse(span_of(line), &l), 0);
		assert_int_equal(netlog_summary_add(s, &l, &none), 0);
		/* What has its row keeps it, also when there is no more. */
		if (i > 0) {
			logline_done(&l);
			continue;
		}
		assert_int_equal(netlog_summary_add(s, &l, &none), 0);
		logline_done(&l);
	}
	out = open_memstream(&text, &len);
	assert_non_null(out);
	netlog_summary_print(s, 0, false, out);
	fclose(out);
	/* Half of what was too much, two each, in a row for each verdict. */
	assert_non_null(strstr(text, "(others)"));
	assert_non_null(strstr(text, "    100\n"));
	assert_non_null(strstr(strstr(text, "    100\n") + 1, "    100\n"));
	len = 0;
	for (const char *p = text; *p != '\0'; p++)
		len += *p == '\n';
	assert_int_equal(len, 1 + NETLOG_SUMMARY_ROWS + 2);
	free(text);
	netlog_summary_free(s);
	netlog_summary_free(NULL);
}

static void
test_json_stays_json(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"{\"a\":\t\"\x7F\"}", "{\"a\": \"\\u007f\"}\n"},
		{"{\"a\":\"\xC2\x9B\xE2\x80\xAE\"}",
			"{\"a\":\"\\u009b\\u202e\"}\n"},
		{"{\"a\":\"\xF3\xA0\x80\xA1\"}",
			"{\"a\":\"\\udb40\\udc21\"}\n"},
		{"{\"a\":\"\\u001b\"}\r", "{\"a\":\"\\u001b\"} \n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		assert_non_null(out);
		netlog_print_json(out, cases[i].in, strlen(cases[i].in));
		fclose(out);
		assert_string_equal(text, cases[i].want);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_and_durations),
		cmocka_unit_test(test_append_is_bounded_and_shows_control),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_columns_adapt),
		cmocka_unit_test(
			test_join_finds_the_newest_and_forgets_the_oldest),
		cmocka_unit_test(test_join_over_many_rounds),
		cmocka_unit_test(test_feed_passes_by_decision_or_outcome),
		cmocka_unit_test(test_summary_is_bounded),
		cmocka_unit_test(test_json_stays_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
