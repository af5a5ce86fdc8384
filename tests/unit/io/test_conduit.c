/*
 * One direction between two streams: copied, spliced, stopped and ended.  What
 * comes is a pattern, so that nothing can be lost, doubled or overtaken unseen.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "conduit.h"
#include "loop_until.h"
#include "loopback.h"
#include "splice_pipe.h"
#include "stream.h"
#include "turn.h"

enum {
	MUCH = 3 << 20,
	FEW = CONDUIT_COPIES - 1,
	PERIOD = 251, /* of the pattern: no power of two */
	QUIET = 10,   /* turns in which nothing may happen */
};

static bool no_pipes;
static size_t spliced; /* bytes into sockets */

int __real_pipe2(int ends[2], int flags);
int __wrap_pipe2(int ends[2], int flags);
ssize_t __real_splice(
	int from, off_t *in, int to, off_t *out, size_t len, unsigned flags);
ssize_t __wrap_splice(
	int from, off_t *in, int to, off_t *out, size_t len, unsigned flags);

int
__wrap_pipe2(int ends[2], int flags)
{
	if (no_pipes) {
		errno = EMFILE;
		return -1;
	}
	return __real_pipe2(ends, flags);
}

ssize_t
__wrap_splice(
	int from, off_t *in, int to, off_t *out, size_t len, unsigned flags)
{
	ssize_t n = __real_splice(from, in, to, out, len, flags);
	struct sockaddr_storage any;
	socklen_t any_len = sizeof(any);

	if (n > 0 && getsockname(to, (struct sockaddr *)&any, &any_len) == 0)
		spliced += (size_t)n;
	return n;
}

struct scene {
	int before; /* descriptors */
	struct ev_loop *loop;
	struct turn *turn;
	struct splice_pipes *pool;
	struct stream from, to;
	struct conduit conduit;
	int sender, receiver; /* the peers' ends */
	size_t sent, received, readies;
	bool reads, ended;
};

static void
on_ready(void *arg)
{
	struct scene *s = arg;

	s->readies++;
	for (int i = 0; i < 8 && conduit_move(&s->conduit) > 0; i++)
		stream_flush_now(&s->to);
	conduit_rest(&s->conduit);
}

static void
open_scene(struct scene *s, bool local)
{
	int fds[2][2];

	memset(s, 0, sizeof(*s));
	no_pipes = false;
	spliced = 0;
	s->reads = true;
	s->before = open_descriptors();
	s->loop = ev_loop_new(0);
	s->turn = turn_new(s->loop);
	s->pool = splice_pipes_new();
	assert_non_null(s->pool);
	for (int i = 0; i < 2; i++) {
		if (!local)
			loopback_pair(fds[i]);
		else
			assert_int_equal(socketpair(AF_UNIX,
						 SOCK_STREAM | SOCK_NONBLOCK |
							 SOCK_CLOEXEC,
						 0, fds[i]),
				0);
	}
	stream_init(&s->from, s->loop, s->turn, fds[0][0]);
	stream_init(&s->to, s->loop, s->turn, fds[1][0]);
	s->sender = fds[0][1];
	s->receiver = fds[1][1];
	stream_own(&s->from, on_ready, s);
	stream_own(&s->to, on_ready, s);
	conduit_init(&s->conduit, &s->from, &s->to, s->pool);
	conduit_rest(&s->conduit);
}

static void
close_scene(struct scene *s)
{
	conduit_done(&s->conduit);
	stream_done(&s->from);
	stream_done(&s->to);
	if (s->sender >= 0)
		close(s->sender);
	if (s->receiver >= 0)
		close(s->receiver);
	splice_pipes_free(s->pool);
	turn_free(s->turn);
	ev_loop_destroy(s->loop);
	assert_int_equal(open_descriptors(), s->before);
}

/* As much as goes now, no more than up to `end` in all. */
static void
send_some(struct scene *s, size_t end)
{
	char block[PERIOD * 64];
	ssize_t n = 1;

	while (s->sent < end && n > 0) {
		size_t len = end - s->sent;

		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = (char)((s->sent + i) % PERIOD);
		n = send(s->sender, block,
			len < sizeof(block) ? len : sizeof(block), 0);
		if (n > 0)
			s->sent += (size_t)n;
		else
			assert_int_equal(errno, EAGAIN);
	}
}

static void
receive_some(struct scene *s)
{
	char block[1 << 14];
	ssize_t n;

	while ((n = recv(s->receiver, block, sizeof(block), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++, s->received++)
			assert_int_equal(
				(unsigned char)block[i], s->received % PERIOD);
	}
	s->ended = n == 0;
}

static bool
has_all(void *arg)
{
	struct scene *s = arg;

	if (s->reads)
		receive_some(s);
	return s->received == s->sent;
}

static bool
has_ended(void *arg)
{
	struct scene *s = arg;

	receive_some(s);
	return s->ended;
}

static bool
is_stalled(void *arg)
{
	struct scene *s = arg;
	size_t sent = s->sent;

	send_some(s, SIZE_MAX);
	return sent == s->sent && s->conduit.pipe != NULL;
}

static bool
is_broken(void *arg)
{
	const struct scene *s = arg;

	return stream_is_broken(&s->to);
}

static void
carry(struct scene *s, size_t bytes)
{
	size_t end = s->sent + bytes;

	while (s->sent < end) {
		send_some(s, end);
		loop_until(s->loop, has_all, s, "all that was sent");
	}
}

/* The other side takes nothing until this side may send nothing more. */
static void
stall(struct scene *s)
{
	carry(s, MUCH);
	s->reads = false;
	loop_until(s->loop, is_stalled, s, "a pipe that nobody empties");
	assert_true(s->conduit.pipe->held > 0);
}

static void
test_little_is_copied(void **state)
{
	struct scene s;
	int descriptors;

	(void)state;
	open_scene(&s, false);
	descriptors = open_descriptors();
	carry(&s, FEW);
	assert_int_equal(spliced, 0);
	assert_int_equal(open_descriptors(), descriptors);
	close_scene(&s);
}

static void
carry_much(bool local)
{
	struct scene s;
	int descriptors;

	open_scene(&s, local);
	descriptors = open_descriptors();
	carry(&s, MUCH);
	/* What was read on the way to the threshold is copied too. */
	assert_true(spliced >= MUCH - CONDUIT_COPIES - STREAM_BUFFER);
	assert_true(spliced <= MUCH - CONDUIT_COPIES);
	assert_int_equal(s.from.bytes_in, MUCH);
	assert_int_equal(s.to.bytes_out, MUCH);
	/* One pipe, which waits for the next; and no buffer. */
	assert_null(s.conduit.pipe);
	assert_int_equal(open_descriptors(), descriptors + 2);
	assert_null(s.from.in.data);
	assert_null(s.to.out.data);
	close_scene(&s);
}

static void
test_much_is_spliced(void **state)
{
	(void)state;
	carry_much(false);
	carry_much(true);
}

static void
test_a_full_pipe_stops_reading(void **state)
{
	struct scene s;
	size_t readies, read;

	(void)state;
	open_scene(&s, false);
	stall(&s);
	read = (size_t)s.from.bytes_in;
	assert_int_equal(
		s.from.bytes_in - s.to.bytes_out, s.conduit.pipe->held);
	readies = s.readies;
	for (int i = 0; i < QUIET; i++)
		loop_once(s.loop);
	assert_int_equal(s.readies, readies);
	assert_int_equal(s.from.bytes_in, read);
	s.reads = true;
	loop_until(s.loop, has_all, &s, "what was held back");
	carry(&s, MUCH);
	assert_int_equal(s.to.bytes_out, s.sent);
	close_scene(&s);
}

static void
test_the_end_comes_behind_what_is_in_the_pipe(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, false);
	stall(&s);
	shutdown(s.sender, SHUT_WR);
	for (int i = 0; i < QUIET; i++)
		loop_once(s.loop);
	assert_false(s.to.write_done);
	loop_until(s.loop, has_ended, &s, "the end");
	assert_int_equal(s.received, s.sent);
	assert_true(s.from.read_done && s.to.shut);
	assert_false(stream_is_broken(&s.from) || stream_is_broken(&s.to));
	close_scene(&s);
}

static void
test_who_shall_get_it_goes(void **state)
{
	struct linger now = {.l_onoff = 1};
	struct splice_pipe *p;
	struct scene s;
	char byte;

	(void)state;
	open_scene(&s, false);
	stall(&s);
	setsockopt(s.receiver, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(s.receiver);
	s.receiver = -1;
	loop_until(s.loop, is_broken, &s, "the reset");
	/* What went out is counted, what is left in the pipe is not. */
	assert_true(s.conduit.pipe->held > 0);
	assert_int_equal(
		s.to.bytes_out + s.conduit.pipe->held, s.from.bytes_in);
	on_ready(&s); /* looked at once more, before it is closed */
	conduit_done(&s.conduit);
	p = splice_pipe_take(s.pool);
	assert_non_null(p);
	assert_int_equal(read(p->read_end, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	splice_pipe_give(s.pool, p);
	close_scene(&s);
}

static bool
sender_is_gone(void *arg)
{
	struct scene *s = arg;

	receive_some(s);
	return stream_is_broken(&s->from);
}

static void
test_who_sent_it_resets(void **state)
{
	struct linger now = {.l_onoff = 1};
	struct scene s;

	(void)state;
	open_scene(&s, false);
	carry(&s, MUCH);
	setsockopt(s.sender, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(s.sender);
	s.sender = -1;
	loop_until(s.loop, sender_is_gone, &s, "the reset");
	assert_int_equal(s.from.error, -ECONNRESET);
	close_scene(&s);
}

/* The other direction found that out, while this one was stalled. */
static void
test_who_sent_it_takes_no_answer(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, false);
	stall(&s);
	close(s.sender);
	s.sender = -1;
	do {
		assert_int_equal(buf_add(&s.from.out, "answer", 6), 0);
		stream_flush_now(&s.from);
	} while (!stream_is_broken(&s.from));
	on_ready(&s);
	assert_false(s.to.write_done);
	/* What is not read any more stays with the kernel. */
	s.sent = (size_t)s.from.bytes_in;
	loop_until(s.loop, has_ended, &s, "the end");
	assert_int_equal(s.received, s.sent);
	close_scene(&s);
}

static void
test_without_a_pipe_it_is_copied(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, false);
	no_pipes = true;
	carry(&s, MUCH);
	assert_int_equal(spliced, 0);
	no_pipes = false;
	carry(&s, MUCH);
	assert_true(spliced >= MUCH - CONDUIT_COPIES - STREAM_BUFFER);
	assert_true(spliced <= MUCH);
	close_scene(&s);
}

static void
test_urgent_data_does_not_stop_it(void **state)
{
	struct scene s;
	size_t readies;

	(void)state;
	open_scene(&s, false);
	carry(&s, MUCH);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send(s.sender, "!", 1, MSG_OOB), 1);
		carry(&s, MUCH);
	}
	/* Nor is the loop kept busy by one behind which nothing comes. */
	assert_int_equal(send(s.sender, "!", 1, MSG_OOB), 1);
	readies = s.readies;
	for (int i = 0; i < QUIET; i++)
		loop_once(s.loop);
	assert_true(s.readies - readies < QUIET);
	close_scene(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_little_is_copied),
		cmocka_unit_test(test_much_is_spliced),
		cmocka_unit_test(test_a_full_pipe_stops_reading),
		cmocka_unit_test(test_the_end_comes_behind_what_is_in_the_pipe),
		cmocka_unit_test(test_who_shall_get_it_goes),
		cmocka_unit_test(test_who_sent_it_resets),
		cmocka_unit_test(test_who_sent_it_takes_no_answer),
		cmocka_unit_test(test_without_a_pipe_it_is_copied),
		cmocka_unit_test(test_urgent_data_does_not_stop_it),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
