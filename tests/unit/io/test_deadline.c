/*
 * Deadlines on a real clock.  Nothing is decided by speed: a deadline may be
 * late, but never early, and how many timer operations it costs is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "deadline.h"
#include "loop_until.h"
#include "monotonic.h"

struct scene {
	struct ev_loop *loop;
	struct deadline deadline;
	bool passed;
	int times;
	ev_tstamp at;
};

static int starts, stops; /* timer operations */

void __real_ev_timer_start(struct ev_loop *loop, struct ev_timer *w);
void __real_ev_timer_stop(struct ev_loop *loop, struct ev_timer *w);
void __wrap_ev_timer_start(struct ev_loop *loop, struct ev_timer *w);
void __wrap_ev_timer_stop(struct ev_loop *loop, struct ev_timer *w);

void
__wrap_ev_timer_start(struct ev_loop *loop, struct ev_timer *w)
{
	starts++;
	__real_ev_timer_start(loop, w);
}

void
__wrap_ev_timer_stop(struct ev_loop *loop, struct ev_timer *w)
{
	stops++;
	__real_ev_timer_stop(loop, w);
}

/* Stands before libc's for libev: the wall clock as somebody has set it. */
static time_t set_by;

int
gettimeofday(struct timeval *ret, void *zone)
{
	long r = syscall(SYS_gettimeofday, ret, zone);

	ret->tv_sec += set_by;
	return (int)r;
}

static void
on_passed(void *arg)
{
	struct scene *s = arg;

	s->passed = true;
	s->times++;
	s->at = monotonic_now();
}

static int
set_up(void **state)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.loop = ev_loop_new(0);
	assert_non_null(s.loop);
	deadline_init(&s.deadline, s.loop, on_passed, &s);
	*state = &s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	deadline_done(&s->deadline);
	ev_loop_destroy(s->loop);
	return 0;
}

static void
test_it_passes_once_and_not_early(void **state)
{
	struct scene *s = *state;
	ev_tstamp begin = monotonic_now();

	deadline_set(&s->deadline, 0.02);
	ev_run(s->loop, 0);
	assert_int_equal(s->times, 1);
	assert_true(s->at >= begin + 0.02);
	ev_run(s->loop, 0);
	assert_int_equal(s->times, 1);
	/* It can be set anew. */
	deadline_set(&s->deadline, 0.01);
	ev_run(s->loop, 0);
	assert_int_equal(s->times, 2);
}

static void
test_later_costs_no_timer_operation(void **state)
{
	struct scene *s = *state;

	deadline_set(&s->deadline, 100);
	starts = stops = 0;
	for (int i = 1; i <= 1000; i++)
		deadline_set(&s->deadline, 100 + i);
	assert_int_equal(starts, 0);
	assert_int_equal(stops, 0);
}

static void
test_later_is_later(void **state)
{
	struct scene *s = *state;
	ev_tstamp begin = monotonic_now();

	deadline_set(&s->deadline, 0.02);
	deadline_set(&s->deadline, 0.08);
	ev_run(s->loop, 0);
	assert_int_equal(s->times, 1);
	assert_true(s->at >= begin + 0.08);
}

static void
test_earlier_is_earlier(void **state)
{
	struct scene *s = *state;

	deadline_set(&s->deadline, 3600);
	deadline_set(&s->deadline, 0.01);
	loop_until_set(s->loop, &s->passed, "a deadline that moved earlier");
	assert_int_equal(s->times, 1);
}

static void
test_earlier_again_after_later(void **state)
{
	struct scene *s = *state;

	deadline_set(&s->deadline, 1000);
	deadline_set(&s->deadline, 3600);
	deadline_set(&s->deadline, 0.01);
	loop_until_set(s->loop, &s->passed, "a deadline that moved to and fro");
	assert_int_equal(s->times, 1);
}

static void
test_never_does_not_pass(void **state)
{
	static const struct {
		double seconds;
		const char *reason;
	} cases[] = {
		{0, "0 is never"},
		{-1, "and so is what is less"},
	};
	struct scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		deadline_set(&s->deadline, 0.01);
		deadline_set(&s->deadline, cases[i].seconds);
		ev_run(s->loop, 0); /* until the armed timer has fired */
		if (s->times != 0)
			fail_msg("%s", cases[i].reason);
		assert_false(ev_is_active(&s->deadline.timer));
	}
	/* What was armed before must not make the next one early. */
	deadline_set(&s->deadline, 0.01);
	deadline_set(&s->deadline, 0);
	deadline_set(&s->deadline, 0.05);
	ev_run(s->loop, 0);
	assert_int_equal(s->times, 1);
}

static void
test_done_is_silent(void **state)
{
	struct scene *s = *state;

	deadline_set(&s->deadline, 0.01);
	deadline_done(&s->deadline);
	assert_false(ev_is_active(&s->deadline.timer));
	ev_run(s->loop, 0);
	assert_int_equal(s->times, 0);
}

static void
set_again(void *arg)
{
	struct scene *s = arg;

	if (++s->times < 3)
		deadline_set(&s->deadline, 0.01);
	else
		deadline_done(&s->deadline);
}

static void
test_it_may_be_set_from_inside(void **state)
{
	struct scene *s = *state;

	deadline_done(&s->deadline);
	deadline_init(&s->deadline, s->loop, set_again, s);
	deadline_set(&s->deadline, 0.01);
	ev_run(s->loop, 0);
	assert_int_equal(s->times, 3);
}

/* libev takes half a second to see that it was set. */
static void
test_threat_59_setting_the_clock_moves_none(void **state)
{
	static const time_t year = 365 * 24 * 3600;
	struct scene *s = *state;
	double begin = monotonic_now(), wall = ev_time();

	deadline_set(&s->deadline, 0.6);
	deadline_set(&s->deadline, 0.8);
	set_by = year;
	assert_true(ev_time() >= wall + (double)year);
	loop_until_set(s->loop, &s->passed, "a deadline");
	assert_true(s->at >= begin + 0.8);

	s->passed = false;
	deadline_set(&s->deadline, 0.6);
	set_by = -year;
	loop_until_set(s->loop, &s->passed, "a deadline of before");
	assert_int_equal(s->times, 2);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_it_passes_once_and_not_early),
		TEST(test_later_costs_no_timer_operation),
		TEST(test_later_is_later),
		TEST(test_earlier_is_earlier),
		TEST(test_earlier_again_after_later),
		TEST(test_never_does_not_pass),
		TEST(test_done_is_silent),
		TEST(test_it_may_be_set_from_inside),
		TEST(test_threat_59_setting_the_clock_moves_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
