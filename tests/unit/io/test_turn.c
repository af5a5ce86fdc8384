/*
 * The end of a turn: each test notes which tasks ran, a letter each, a bar for
 * each turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "loop_until.h"
#include "turn.h"

struct scene {
	struct ev_loop *loop;
	struct turn *turn;
	char trace[256];
};

struct note { /* a task that leaves a letter and may ask for another */
	struct turn_task task;
	struct scene *scene;
	char letter;
	struct note *then; /* queued when this one runs */
	enum turn_phase then_phase;
	int times;          /* … so many times at most */
	struct note *stops; /* cancelled when this one runs */
	enum turn_phase stops_phase;
};

static void
leave(struct scene *s, char letter)
{
	size_t len = strlen(s->trace);

	assert_true(len + 1 < sizeof(s->trace));
	s->trace[len] = letter;
}

static void
run_note(struct turn_task *task)
{
	struct note *n = container_of(task, struct note, task);

	leave(n->scene, n->letter);
	if (n->then != NULL && n->times-- > 0)
		turn_queue(n->scene->turn, n->then_phase, &n->then->task);
	if (n->stops != NULL)
		turn_cancel(n->scene->turn, n->stops_phase, &n->stops->task);
}

static struct note
note(struct scene *s, char letter)
{
	return (struct note){
		.task.run = run_note, .scene = s, .letter = letter};
}

static void
one_turn(struct scene *s)
{
	loop_once(s->loop);
	leave(s, '|');
}

static int
set_up(void **state)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.loop = ev_loop_new(0);
	assert_non_null(s.loop);
	s.turn = turn_new(s.loop);
	assert_non_null(s.turn);
	*state = &s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	turn_free(s->turn);
	ev_loop_destroy(s->loop);
	return 0;
}

static void
test_phases_run_in_order(void **state)
{
	struct scene *s = *state;
	struct note again = note(s, 'a'), record = note(s, 'r');
	struct note flush = note(s, 'f'), reap = note(s, 'x');

	turn_queue(s->turn, TURN_REAP, &reap.task);
	turn_queue(s->turn, TURN_FLUSH, &flush.task);
	turn_queue(s->turn, TURN_RECORD, &record.task);
	turn_queue(s->turn, TURN_AGAIN, &again.task);
	one_turn(s);
	one_turn(s);
	assert_string_equal(s->trace, "arfx||");
}

static void
test_a_phase_is_first_come_first_served_once(void **state)
{
	struct scene *s = *state;
	struct note one = note(s, '1'), two = note(s, '2');

	turn_queue(s->turn, TURN_FLUSH, &one.task);
	turn_queue(s->turn, TURN_FLUSH, &two.task);
	turn_queue(s->turn, TURN_FLUSH, &one.task);
	one_turn(s);
	turn_queue(s->turn, TURN_FLUSH, &one.task);
	one_turn(s);
	assert_string_equal(s->trace, "12|1|");
}

static void
test_work_queued_by_work(void **state)
{
	static const struct {
		enum turn_phase first, then;
		const char *want, *reason;
	} cases[] = {
		{TURN_AGAIN, TURN_AGAIN, "1|2|", "gives way to the others"},
		{TURN_AGAIN, TURN_RECORD, "12x|", "decided late, recorded now"},
		{TURN_RECORD, TURN_FLUSH, "12x|", "recorded, so it goes out"},
		{TURN_RECORD, TURN_RECORD, "12x|", "a second batch"},
		{TURN_FLUSH, TURN_RECORD, "12x|", "what became possible"},
		{TURN_FLUSH, TURN_REAP, "1x2|", "closed last is freed last"},
		{TURN_REAP, TURN_REAP, "x1|2|", "freed in the next turn"},
		{TURN_REAP, TURN_FLUSH, "x1|2|", "a reaper's work waits"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct note one, two, reap;
		struct scene *s;

		if (i > 0) {
			tear_down(state);
			set_up(state);
		}
		s = *state;
		one = note(s, '1');
		two = note(s, '2');
		reap = note(s, 'x');
		one.then = &two;
		one.then_phase = cases[i].then;
		one.times = 1;
		/* What is reaped goes behind all that can still point to it. */
		if (strchr(cases[i].want, 'x') != NULL)
			turn_queue(s->turn, TURN_REAP, &reap.task);
		turn_queue(s->turn, cases[i].first, &one.task);
		one_turn(s);
		if (strchr(s->trace, '2') == NULL)
			one_turn(s);
		if (strcmp(s->trace, cases[i].want) != 0)
			fail_msg("%s: %s, not %s", cases[i].reason, s->trace,
				cases[i].want);
	}
}

/* Two that call for each other for ever do not keep a turn from ending. */
static void
test_a_turn_ends(void **state)
{
	struct scene *s = *state;
	struct note record = note(s, 'r'), flush = note(s, 'f');
	struct note reap = note(s, 'x');
	size_t first;

	record.then = &flush;
	record.then_phase = TURN_FLUSH;
	flush.then = &record;
	flush.then_phase = TURN_RECORD;
	record.times = flush.times = 50;
	turn_queue(s->turn, TURN_REAP, &reap.task);
	turn_queue(s->turn, TURN_RECORD, &record.task);
	one_turn(s);
	first = strcspn(s->trace, "|");
	assert_int_equal(s->trace[first - 1], 'x');
	assert_in_range(first, 4, 40);
	/* The rest is not lost. */
	while (flush.task.queued || record.task.queued)
		one_turn(s);
	assert_int_equal(record.times, -1);
}

static void
test_cancelled_work_is_not_done(void **state)
{
	struct scene *s = *state;
	struct note one = note(s, '1'), two = note(s, '2');
	struct note reap = note(s, 'x');

	turn_queue(s->turn, TURN_FLUSH, &one.task);
	turn_cancel(s->turn, TURN_FLUSH, &one.task);
	turn_cancel(s->turn, TURN_FLUSH, &one.task);
	one_turn(s);
	/* By work before it, in the same phase and in another. */
	one.stops = &two;
	one.stops_phase = TURN_FLUSH;
	turn_queue(s->turn, TURN_FLUSH, &one.task);
	turn_queue(s->turn, TURN_FLUSH, &two.task);
	one_turn(s);
	one.stops = &reap;
	one.stops_phase = TURN_REAP;
	turn_queue(s->turn, TURN_FLUSH, &one.task);
	turn_queue(s->turn, TURN_REAP, &reap.task);
	one_turn(s);
	assert_string_equal(s->trace, "|1|1|");
}

static void
on_alarm(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)w, (void)revents;
	ev_break(loop, EVBREAK_ALL);
}

/* Nothing but the work itself keeps this loop awake. */
static void
test_no_sleep_while_work_is_left(void **state)
{
	struct scene *s = *state;
	struct note again = note(s, 'a');
	struct ev_timer alarm;

	again.then = &again;
	again.then_phase = TURN_AGAIN;
	again.times = 100;
	ev_timer_init(&alarm, on_alarm, 10, 0);
	ev_timer_start(s->loop, &alarm);
	turn_queue(s->turn, TURN_AGAIN, &again.task);
	for (int i = 0; i < 100 && ev_is_active(&alarm); i++)
		ev_run(s->loop, EVRUN_ONCE);
	assert_int_equal(again.times, 0);
	loop_once(s->loop); /* the last: then it would sleep */
	assert_int_equal(again.times, -1);
	assert_true(ev_is_active(&alarm));
	ev_timer_stop(s->loop, &alarm);
}

static void
test_a_turn_alone_keeps_no_loop_running(void **state)
{
	struct scene *s = *state;
	struct note again = note(s, 'a');

	ev_run(s->loop, 0); /* returns */
	again.then = &again;
	again.then_phase = TURN_AGAIN;
	again.times = 10;
	turn_queue(s->turn, TURN_AGAIN, &again.task);
	ev_run(s->loop, 0); /* … but not before the work is done */
	assert_string_equal(s->trace, "aaaaaaaaaaa");
}

static void
test_reaping_at_once_and_at_the_end(void **state)
{
	struct scene *s = *state;
	struct note one = note(s, '1'), two = note(s, '2');
	struct note flush = note(s, 'f');

	one.then = &two;
	one.then_phase = TURN_REAP;
	one.times = 2;
	turn_queue(s->turn, TURN_FLUSH, &flush.task);
	turn_queue(s->turn, TURN_REAP, &one.task);
	turn_reap(s->turn);
	assert_string_equal(s->trace, "12");
	turn_queue(s->turn, TURN_REAP, &one.task);
	turn_free(s->turn);
	assert_string_equal(s->trace, "1212");
	turn_free(NULL);
	turn_reap(NULL);
	s->turn = turn_new(s->loop);
	assert_non_null(s->turn);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_phases_run_in_order),
		TEST(test_a_phase_is_first_come_first_served_once),
		TEST(test_work_queued_by_work),
		TEST(test_a_turn_ends),
		TEST(test_cancelled_work_is_not_done),
		TEST(test_no_sleep_while_work_is_left),
		TEST(test_a_turn_alone_keeps_no_loop_running),
		TEST(test_reaping_at_once_and_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
