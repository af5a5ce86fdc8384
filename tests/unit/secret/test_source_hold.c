/* For how long a value may be used: a script of what happens, by the second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "secret.h"
#include "source_hold.h"

enum { LAST = 400 };

/* at 100 it yields, and fails from `fails` on whenever it is asked. */
static const struct {
	struct source_terms terms;
	double left;  /* the source says so at 100; 0: it does not */
	double fails; /* 0: never */
	double asked; /* when, after 100; 0: not before the last second */
	double gone;  /* when, if it fails; 0: as before */
	const char *why;
} rows[] = {
	{{.ttl = 60}, 0, 0, 160, 0, "asked when its time is over"},
	{{.ttl = 60, .refresh = 10}, 0, 0, 150, 0, "or some time before"},
	{{.ttl = 60, .refresh = 50}, 0, 0, 130, 0,
		"but not in the first half of it"},
	{{.ttl = 60}, 20, 0, 120, 0, "the source's own end comes first"},
	{{.ttl = 60, .refresh = 5}, 20, 0, 115, 0, "and is known before"},
	{{.ttl = 60}, 90, 0, 160, 0, "or comes after"},
	{{.ttl = 0}, 0, 0, 0, 0, "no time at all"},
	{{.ttl = 60}, 0, 160, 160, 160, "a failure ends what is over"},
	{{.ttl = 60, .refresh = 10}, 0, 150, 150, 160,
		"a failure before that takes nothing away"},
	{{.ttl = 60, .failure_ttl = 40}, 0, 160, 160, 200, "the last good one"},
	{{.ttl = 60, .refresh = 10, .failure_ttl = 40}, 0, 150, 150, 190,
		"counted from the first failure"},
	{{.ttl = 60, .failure_ttl = 300}, 90, 160, 160, 190,
		"never longer than the source said"},
	{{.watched = true}, 0, 130, 0, 130, "a file that is gone"},
	{{.watched = true, .failure_ttl = 40}, 0, 130, 0, 170,
		"a file that may come back"},
	{{.watched = true, .failure_ttl = 40}, 50, 130, 0, 150,
		"and would be too old"},
};

static double
run(size_t row, struct source_hold *h, double *ret_asked)
{
	const struct source_terms *terms = &rows[row].terms;
	double gone = 0;

	*ret_asked = 0;
	for (double now = 101; now < LAST; now++) {
		bool is_due = terms->watched ? now == rows[row].fails
					     : source_hold_is_due(h, now);

		if (is_due && *ret_asked == 0 && !terms->watched)
			*ret_asked = now;
		if (is_due && rows[row].fails != 0)
			source_hold_fail(h, terms, "s", now);
		else if (is_due)
			return 0;
		else if (now < source_hold_next(h, terms))
			continue; /* nobody would look */
		source_hold_tidy(h, terms, now);
		if (gone == 0 && h->value == NULL)
			gone = now;
	}
	return gone;
}

static void
test_terms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct source_hold h = {.value = NULL};
		double asked, gone;

		assert_true(source_hold_is_due(&h, 1));
		source_hold_take(&h, &rows[i].terms, secret_new("v", 1),
			rows[i].left, 100);
		gone = run(i, &h, &asked);
		source_hold_done(&h);
		if (asked != rows[i].asked || gone != rows[i].gone)
			fail_msg("%s: asked at %g, gone at %g", rows[i].why,
				asked, gone);
	}
}

/* Whoever wants it asked at once gets no more out of ttl. */
static void
test_ended_by_hand(void **state)
{
	static const struct source_terms terms = {.ttl = 60, .failure_ttl = 40};
	struct source_hold h = {.value = NULL};

	(void)state;
	source_hold_take(&h, &terms, secret_new("v", 1), 0, 100);
	assert_false(source_hold_is_due(&h, 110));
	source_hold_end(&h);
	assert_true(source_hold_is_due(&h, 110));
	source_hold_fail(&h, &terms, "broken", 110);
	assert_non_null(h.value);
	assert_string_equal(h.fault, "broken");
	source_hold_tidy(&h, &terms, 149);
	assert_non_null(h.value);
	source_hold_tidy(&h, &terms, 150);
	assert_null(h.value);
}

/* What lives for a moment is not asked for all the time. */
static void
test_short_lives(void **state)
{
	static const struct source_terms terms = {.ttl = 60, .refresh = 30};
	struct source_hold h = {.value = NULL};

	(void)state;
	source_hold_take(&h, &terms, secret_new("v", 1), 0.01, 100);
	assert_false(source_hold_is_due(&h, 100.9));
	assert_true(source_hold_is_due(&h, 101));
	source_hold_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_ended_by_hand),
		cmocka_unit_test(test_short_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
