#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "array.h"
#include "logtime.h"

static void
test_rfc3339(void **state)
{
	static const struct {
		const char *text;
		int want;
		uint64_t us;
		const char *why;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0, 0, "the epoch"},
		{"2025-11-21T03:25:01.000042Z", 0, 1763695501000042, "ours"},
		{"2025-11-21t03:25:01z", 0, 1763695501000000, "lower case"},
		{"2025-11-21 03:25:01Z", 0, 1763695501000000, "a space"},
		{"2025-11-21T03:25:01.5Z", 0, 1763695501500000, "one digit"},
		{"2025-11-21T03:25:01.123456789Z", 0, 1763695501123456, "nine"},
		{"2025-11-21T04:25:01+01:00", 0, 1763695501000000, "east"},
		{"2025-11-20T21:55:01-05:30", 0, 1763695501000000, "west"},
		{"2024-02-29T00:00:00Z", 0, 1709164800000000, "leap day"},
		{"2000-02-29T00:00:00Z", 0, 951782400000000, "leap century"},
		{"9999-12-31T23:59:59Z", 0, 253402300799000000, "the last"},
		{"2100-02-29T00:00:00Z", -EINVAL, 0, "no leap century"},
		{"2025-02-29T00:00:00Z", -EINVAL, 0, "no leap year"},
		{"2025-13-01T00:00:00Z", -EINVAL, 0, "month"},
		{"2025-00-01T00:00:00Z", -EINVAL, 0, "month 0"},
		{"2025-11-31T00:00:00Z", -EINVAL, 0, "day"},
		{"2025-11-00T00:00:00Z", -EINVAL, 0, "day 0"},
		{"2025-11-21T24:00:00Z", -EINVAL, 0, "hour"},
		{"2025-11-21T00:60:00Z", -EINVAL, 0, "minute"},
		{"2025-11-21T00:00:61Z", -EINVAL, 0, "second"},
		{"2025-11-21T00:00:00", -EINVAL, 0, "no zone"},
		{"2025-11-21T00:00:00.Z", -EINVAL, 0, "no digits"},
		{"2025-11-21T00:00:00Zx", -EINVAL, 0, "more behind it"},
		{"2025-11-21T00:00:00+1:00", -EINVAL, 0, "short offset"},
		{"1970-01-01T00:00:00+00:01", -EINVAL, 0, "before the epoch"},
		{"1969-12-31T23:59:59Z", -EINVAL, 0, "before the epoch too"},
		{"2025-11-21", -EINVAL, 0, "no time"},
		{"", -EINVAL, 0, "nothing"},
	};
	uint64_t us;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		us = 0;
		if (logtime_parse(cases[i].text, &us) != cases[i].want ||
			us != cases[i].us)
			fail_msg("%s: %s", cases[i].why, cases[i].text);
	}
}

static void
test_every_day_as_the_c_library_counts_it(void **state)
{
	char text[32];
	uint64_t us;

	(void)state;
	for (time_t t = 0; t < (time_t)86400 * 366 * 500; t += 86400) {
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		strftime(text, sizeof(text), "%FT%TZ", &tm);
		assert_int_equal(logtime_parse(text, &us), 0);
		assert_int_equal(us, (uint64_t)t * 1000000);
	}
}

static void
test_since(void **state)
{
	enum { S = 1000000 };
	static const uint64_t now = UINT64_C(1763695501) * S;
	static const struct {
		const char *text;
		int want;
		uint64_t us;
		const char *why;
	} cases[] = {
		{"90s", 0, UINT64_C(1763695411) * S, "seconds"},
		{"10m", 0, UINT64_C(1763694901) * S, "minutes"},
		{"2h", 0, UINT64_C(1763688301) * S, "hours"},
		{"1d", 0, UINT64_C(1763609101) * S, "a day"},
		{"1w", 0, UINT64_C(1763090701) * S, "a week"},
		{"1h30m", 0, UINT64_C(1763690101) * S, "added up"},
		{"4294967295s", 0, 0, "before there was time"},
		{"2025-11-21T03:25:01Z", 0, now, "a point in time"},
		{"4294967296s", -EINVAL, 0, "too long"},
		{"9999999999999999999w", -EINVAL, 0, "far too long"},
		{"7101w", 0, 0, "just not too long"},
		{"7102w", -EINVAL, 0, "too long as a sum"},
		{"10", -EINVAL, 0, "no unit"},
		{"m", -EINVAL, 0, "no number"},
		{"0s", -EINVAL, 0, "not long at all"},
		{"10y", -EINVAL, 0, "no such unit"},
		{"-5m", -EINVAL, 0, "in the future"},
		{"", -EINVAL, 0, "nothing"},
	};
	uint64_t us;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		us = 0;
		if (logtime_since(cases[i].text, now, &us) != cases[i].want ||
			us != cases[i].us)
			fail_msg("%s: %s", cases[i].why, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_every_day_as_the_c_library_counts_it),
		cmocka_unit_test(test_since),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
