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

#define TS "{\"ts\":\"2025-11-21T03:25:01Z\","

static void
test_filter(void **state)
{
	static const char decision[] =
		TS "\"id\":\"1\",\"event\":\"decision\",\"kind\":\"request\","
		   "\"sandbox\":\"build-1\",\"host\":\"api.example.org\","
		   "\"verdict\":\"allowed\",\"reason\":\"rule_allow\"}";
	static const char outcome[] =
		TS "\"id\":\"1\",\"event\":\"outcome\",\"kind\":\"request\","
		   "\"verdict\":\"error\",\"reason\":\"timeout\"}";
	static const struct {
		enum logfilter_key key;
		bool target, alone, joined;
		const char *words[2];
		const char *why;
	} cases[] = {
		{LOGFILTER_SANDBOX, true, true, true, {"build-1"}, "same"},
		{LOGFILTER_SANDBOX, true, true, true, {"build-*"}, "a glob"},
		{LOGFILTER_SANDBOX, false, true, true, {"Build-*"}, "case"},
		{LOGFILTER_SANDBOX, true, true, true, {"x", "build-1"}, "or"},
		{LOGFILTER_HOST, true, true, true, {"*.EXAMPLE.org"}, "case"},
		{LOGFILTER_HOST, false, true, true, {"example.org"}, "whole"},
		{LOGFILTER_KIND, false, true, true, {"dns"}, "kind"},
		{LOGFILTER_VERDICT, true, true, true, {"allowed"}, "its own"},
		{LOGFILTER_VERDICT, true, false, true, {"error"}, "outcome's"},
		{LOGFILTER_VERDICT, true, false, false, {"denied"}, "neither"},
		{LOGFILTER_REASON, true, false, true, {"timeout"}, "reason"},
	};
	struct logline d, o;

	(void)state;
	assert_int_equal(logline_parse(span_of(decision), &d), 0);
	assert_int_equal(logline_parse(span_of(outcome), &o), 0);
	assert_true(logline_awaits_outcome(&d));
	assert_false(logline_awaits_outcome(&o));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct logfilter f = {0};

		for (size_t k = 0; k < 2 && cases[i].words[k] != NULL; k++)
			assert_int_equal(logfilter_add(&f, cases[i].key,
						 cases[i].words[k]),
				0);
		if (logfilter_matches_target(&f, &d) != cases[i].target ||
			logfilter_matches_result(&f, &d, NULL) !=
				cases[i].alone ||
			logfilter_matches_result(&f, &d, &o) != cases[i].joined)
			fail_msg("%s %s", cases[i].words[0], cases[i].why);
	}
	logline_done(&d);
	logline_done(&o);
}

static void
test_filter_time_and_bounds(void **state)
{
	struct logfilter f = {.since_us = 1763695501000000};
	struct logline l;

	(void)state;
	assert_int_equal(
		logline_parse(
			span_of(TS "\"id\":\"1\",\"event\":\"decision\"}"), &l),
		0);
	assert_true(logfilter_matches_target(&f, &l));
	f.since_us++;
	assert_false(logfilter_matches_target(&f, &l));
	logline_done(&l);
	assert_int_equal(logfilter_add(&f, LOGFILTER_KIND, "none"), -EINVAL);
	assert_int_equal(logfilter_add(&f, LOGFILTER_REASON, ""), -EINVAL);
	for (int i = 0; i < LOGFILTER_WORDS; i++)
		assert_int_equal(logfilter_add(&f, LOGFILTER_HOST, "x"), 0);
	assert_int_equal(logfilter_add(&f, LOGFILTER_HOST, "x"), -E2BIG);
}

static void
test_values_of_the_wrong_type_are_empty(void **state)
{
	static const char line[] =
		TS "\"id\":\"zz\",\"event\":\"decision\",\"host\":5,"
		   "\"status\":\"200\",\"bytes_up\":-1,\"dur_ms\":[],"
		   "\"dst_mismatch\":1,\"reason\":\"new\"}";
	struct logline l;
	char *json;

	(void)state;
	assert_int_equal(logline_parse(span_of(line), &l), 0);
	assert_int_equal(logline_id(&l), 0);
	assert_string_equal(logline_text(&l, "host"), "");
	assert_string_equal(logline_text(&l, "none"), "");
	assert_int_equal(logline_number(&l, "status"), 0);
	assert_int_equal(logline_number(&l, "bytes_up"), 0);
	assert_true(logline_real(&l, "dur_ms") == 0);
	assert_false(logline_flag(&l, "dst_mismatch"));
	assert_int_equal(logline_reason(&l), -ENOENT);
	assert_null(logline_json(&l, "none"));
	json = logline_json(&l, "dur_ms");
	assert_string_equal(json, "[]");
	free(json);
	logline_done(&l);
	logline_done(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_time_and_bounds),
		cmocka_unit_test(test_values_of_the_wrong_type_are_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
