/*
 * The gate of the decision log.  Its file is in memory, or /dev/full; flushes
 * are counted, and can be made to fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "daybook.h"
#include "log.h"
#include "loop_until.h"
#include "record.h"
#include "turn.h"
#include "writer.h"

struct scene {
	struct ev_loop *loop;
	struct turn *turn;
	struct daybook *book;
	int fd;
	char trace[256];
};

struct waiter { /* leaves its letter: upper case when it is on record */
	struct daybook_entry entry;
	struct scene *scene;
	char letter;
	struct waiter *adds; /* when it is told */
	struct waiter *cancels;
};

static int flushes, fail_at; /* fail_at: the flush that fails; 0: none */

int __real_writer_flush(struct writer *w);
int __wrap_writer_flush(struct writer *w);

int
__wrap_writer_flush(struct writer *w)
{
	int r = __real_writer_flush(w);

	return ++flushes == fail_at ? -EIO : r;
}

static void
add(struct scene *s, struct waiter *w)
{
	struct record r = {.id = daybook_id(s->book),
		.host = {&w->letter, 1},
		.dur_us = -1,
		.ttfb_us = -1};

	daybook_add(s->book, &r, &w->entry);
}

/* Whether a line with that host is in the file. */
static bool
is_on_record(struct scene *s, char letter)
{
	static char text[1 << 20];
	char part[32];
	ssize_t n = pread(s->fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	snprintf(part, sizeof(part), "\"host\":\"%c\"", letter);
	return strstr(text, part) != NULL;
}

static void
leave(struct scene *s, char letter)
{
	size_t len = strlen(s->trace);

	assert_true(len + 1 < sizeof(s->trace));
	s->trace[len] = letter;
}

static void
on_recorded(struct daybook_entry *entry, bool ok)
{
	struct waiter *w = container_of(entry, struct waiter, entry);

	/* Who hears yes, finds his line there. */
	if (ok)
		assert_true(is_on_record(w->scene, w->letter));
	leave(w->scene, ok ? (char)(w->letter - 'a' + 'A') : w->letter);
	if (w->adds != NULL)
		add(w->scene, w->adds);
	if (w->cancels != NULL)
		daybook_cancel(w->scene->book, &w->cancels->entry);
}

static struct waiter
waiter(struct scene *s, char letter)
{
	return (struct waiter){
		.entry.recorded = on_recorded, .scene = s, .letter = letter};
}

static void
one_turn(struct scene *s)
{
	loop_once(s->loop);
	leave(s, '|');
}

static void
open_on(struct scene *s, int fd)
{
	s->book = daybook_new(s->turn, writer_new(fd));
	assert_non_null(s->book);
	flushes = fail_at = 0;
}

static int
set_up(void **state)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.loop = ev_loop_new(0);
	s.turn = turn_new(s.loop);
	assert_non_null(s.turn);
	s.fd = memfd_create("log", MFD_CLOEXEC);
	assert_true(s.fd >= 0);
	open_on(&s, dup(s.fd));
	*state = &s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	daybook_free(s->book);
	turn_free(s->turn);
	ev_loop_destroy(s->loop);
	close(s->fd);
	return 0;
}

static void
test_who_waits_hears_after_the_flush(void **state)
{
	struct scene *s = *state;
	struct waiter a = waiter(s, 'a'), b = waiter(s, 'b');

	add(s, &a);
	add(s, &b);
	assert_string_equal(s->trace, "");
	assert_false(is_on_record(s, 'a'));
	one_turn(s);
	one_turn(s);
	assert_string_equal(s->trace, "AB||");
	/* One write for both, none when there is nothing. */
	assert_int_equal(flushes, 1);
}

/* A line that nobody waits for is written all the same. */
static void
test_nobody_waits(void **state)
{
	struct scene *s = *state;
	struct record r = {.host = SPAN_LITERAL("z"), .dur_us = -1};

	daybook_add(s->book, &r, NULL);
	assert_true(r.ts_us > 1700000000ull * 1000000);
	one_turn(s);
	assert_true(is_on_record(s, 'z'));
}

static void
test_what_is_added_while_telling_waits_for_its_own_flush(void **state)
{
	struct scene *s = *state;
	struct waiter a = waiter(s, 'a'), b = waiter(s, 'b');
	struct waiter c = waiter(s, 'c');

	a.adds = &c;
	add(s, &a);
	add(s, &b);
	one_turn(s);
	assert_string_equal(s->trace, "ABC|");
	assert_int_equal(flushes, 2);
}

/* The first batch stands, the one that its telling began does not. */
static void
test_the_next_batch_may_fail_by_itself(void **state)
{
	struct scene *s = *state;
	struct waiter a = waiter(s, 'a'), b = waiter(s, 'b');

	a.adds = &b;
	fail_at = 2;
	add(s, &a);
	one_turn(s);
	assert_string_equal(s->trace, "Ab|");
}

static void
test_a_failed_flush_is_a_no_to_all(void **state)
{
	struct scene *s = *state;
	struct waiter a = waiter(s, 'a'), b = waiter(s, 'b');

	fail_at = 1;
	add(s, &a);
	add(s, &b);
	one_turn(s);
	/* It can be written again. */
	add(s, &a);
	one_turn(s);
	assert_string_equal(s->trace, "ab|A|");
}

static void
test_a_full_disk(void **state)
{
	struct scene *s = *state;
	struct waiter a = waiter(s, 'a');

	daybook_free(s->book);
	open_on(s, open("/dev/full", O_WRONLY | O_CLOEXEC));
	add(s, &a);
	one_turn(s);
	writer_reopen(daybook_writer(s->book), dup(s->fd));
	add(s, &a);
	one_turn(s);
	assert_string_equal(s->trace, "a|A|");
}

/* Lines to fill one batch and begin another, in one turn. */
static void
add_more_than_a_batch(struct scene *s)
{
	static char host[200], path[1800];
	struct record r = {.host = {host, sizeof(host)},
		.path = {path, sizeof(path)},
		.dur_us = -1};
	int before = flushes;

	memset(host, 'h', sizeof(host));
	memset(path, 'p', sizeof(path));
	for (int i = 0; flushes == before; i++) {
		assert_in_range(i, 0, WRITER_BATCH_MAX / 1000);
		daybook_add(s->book, &r, NULL);
	}
}

static void
test_more_than_a_batch_in_one_turn(void **state)
{
	static const struct {
		int fail_at;
		const char *want, *reason;
	} cases[] = {
		{0, "AB|", "both halves are written"},
		{1, "ab|", "the first half is lost: nobody goes on"},
		{2, "ab|", "the second half is lost: nobody goes on"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct waiter a, b;
		struct scene *s;

		if (i > 0) {
			tear_down(state);
			set_up(state);
		}
		s = *state;
		fail_at = cases[i].fail_at;
		a = waiter(s, 'a');
		b = waiter(s, 'b');
		add(s, &a);
		add_more_than_a_batch(s);
		assert_string_equal(s->trace, ""); /* not before the end */
		add(s, &b);
		one_turn(s);
		assert_int_equal(flushes, 2);
		if (strcmp(s->trace, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].reason, s->trace);
	}
}

/* One failure spoils its own turn and no other. */
static void
test_spoilt_once_is_not_spoilt_for_ever(void **state)
{
	struct scene *s = *state;
	struct waiter a = waiter(s, 'a');

	fail_at = 1;
	add_more_than_a_batch(s);
	add(s, &a);
	one_turn(s);
	add(s, &a);
	one_turn(s);
	assert_string_equal(s->trace, "a|A|");
}

static void
test_cancelled_it_does_not_hear(void **state)
{
	struct scene *s = *state;
	struct waiter a = waiter(s, 'a'), b = waiter(s, 'b');
	struct waiter c = waiter(s, 'c'), never = waiter(s, 'n');

	add(s, &a);
	daybook_cancel(s->book, &a.entry);
	daybook_cancel(s->book, &a.entry);
	daybook_cancel(s->book, &never.entry);
	/* By one who is told before it. */
	b.cancels = &c;
	add(s, &b);
	add(s, &c);
	one_turn(s);
	assert_string_equal(s->trace, "B|");
	/* The decision was made, so it is on record. */
	assert_true(is_on_record(s, 'a'));
	assert_true(is_on_record(s, 'c'));
}

static void
test_what_is_left_is_written_at_the_end(void **state)
{
	struct scene *s = *state;
	struct waiter a = waiter(s, 'a');

	add(s, &a);
	daybook_free(s->book);
	assert_true(is_on_record(s, 'a'));
	one_turn(s);
	assert_string_equal(s->trace, "|");
	daybook_free(NULL);
	open_on(s, dup(s->fd));
}

static void
test_ids_differ(void **state)
{
	struct scene *s = *state;
	uint64_t a = daybook_id(s->book), b = daybook_id(s->book);
	struct daybook *other;

	assert_int_not_equal(a, b);
	other = daybook_new(s->turn, writer_new(dup(s->fd)));
	assert_non_null(other);
	/* Of two processes, one does not go on where the other is. */
	assert_true(daybook_id(other) - a > 1u << 20);
	daybook_free(other);
}

/* Said when it begins and when it ends, not for each request. */
static void
test_the_log_says_it_once(void **state)
{
	int fd = memfd_create("words", MFD_CLOEXEC), own;
	struct scene *s = *state;
	struct waiter a = waiter(s, 'a');
	char text[4096];
	ssize_t n;

	daybook_free(s->book);
	open_on(s, open("/dev/full", O_WRONLY | O_CLOEXEC));
	log_open("test", LOG_LEVEL_NOTICE);
	own = dup(STDERR_FILENO);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	for (int i = 0; i < 3; i++) {
		add(s, &a);
		one_turn(s);
	}
	writer_reopen(daybook_writer(s->book), dup(s->fd));
	for (int i = 0; i < 3; i++) {
		add(s, &a);
		one_turn(s);
	}
	assert_int_equal(dup2(own, STDERR_FILENO), STDERR_FILENO);
	close(own);
	n = pread(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	close(fd);
	assert_non_null(strstr(text, "cannot be written"));
	assert_null(strstr(
		strstr(text, "cannot be written") + 1, "cannot be written"));
	assert_non_null(strstr(text, "can be written again"));
	assert_int_equal(text[n - 1], '\n');
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + n - 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_who_waits_hears_after_the_flush),
		TEST(test_nobody_waits),
		TEST(test_what_is_added_while_telling_waits_for_its_own_flush),
		TEST(test_the_next_batch_may_fail_by_itself),
		TEST(test_a_failed_flush_is_a_no_to_all),
		TEST(test_a_full_disk),
		TEST(test_more_than_a_batch_in_one_turn),
		TEST(test_spoilt_once_is_not_spoilt_for_ever),
		TEST(test_cancelled_it_does_not_hear),
		TEST(test_what_is_left_is_written_at_the_end),
		TEST(test_ids_differ),
		TEST(test_the_log_says_it_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
