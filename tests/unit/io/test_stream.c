/*
 * One end of a socketpair as a stream, the other one in the test's hand.
 *
 * Where it matters how often the socket was written to, the pair keeps the
 * bounds of messages (SOCK_SEQPACKET): one write, one message.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "chunk.h"
#include "loop_until.h"
#include "loopback.h"
#include "stream.h"

struct scene {
	struct ev_loop *loop;
	struct turn *turn;
	struct stream stream;
	int peer;
	int readies;
	bool inside;   /* a call of the owner's is running */
	bool reported; /* … and ready() came in it */
	bool echo;     /* ready() fills and drops what came */
	size_t dropped;
};

static const char secret[] = "sesame-sesame-sesame";
static int chunks_freed, chunks_with_secret;

void __real_chunk_free(void *chunk, size_t size);
void __wrap_chunk_free(void *chunk, size_t size);

void
__wrap_chunk_free(void *chunk, size_t size)
{
	if (chunk != NULL) {
		chunks_freed++;
		if (memmem(chunk, size, "sesame", 6) != NULL)
			chunks_with_secret++;
	}
	__real_chunk_free(chunk, size);
}

static void
on_ready(void *arg)
{
	struct scene *s = arg;

	s->readies++;
	if (s->inside)
		s->reported = true;
	if (!s->echo)
		return;
	while (stream_fill(&s->stream) > 0) {
		s->dropped += s->stream.in.len;
		buf_consume(&s->stream.in, s->stream.in.len);
	}
}

static void
open_on(struct scene *s, int fds[2])
{
	memset(s, 0, sizeof(*s));
	s->loop = ev_loop_new(0);
	assert_non_null(s->loop);
	s->turn = turn_new(s->loop);
	assert_non_null(s->turn);
	s->peer = fds[1];
	stream_init(&s->stream, s->loop, s->turn, fds[0]);
	stream_own(&s->stream, on_ready, s);
}

static void
open_scene(struct scene *s, int type)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX,
				 type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
		0);
	open_on(s, fds);
}

static void
close_scene(struct scene *s)
{
	stream_done(&s->stream);
	stream_done(&s->stream); /* may be called twice */
	if (s->peer >= 0)
		close(s->peer);
	turn_free(s->turn);
	ev_loop_destroy(s->loop);
}

static void
peer_sends(struct scene *s, char letter, size_t len)
{
	char block[1024];

	memset(block, letter, sizeof(block));
	while (len > 0) {
		size_t n = len < sizeof(block) ? len : sizeof(block);

		assert_int_equal(send(s->peer, block, n, 0), n);
		len -= n;
	}
}

static void
add(struct scene *s, const char *text)
{
	assert_int_equal(buf_add(&s->stream.out, text, strlen(text)), 0);
}

static void
assert_peer_gets(struct scene *s, const char *want)
{
	char text[256];
	ssize_t n = recv(s->peer, text, sizeof(text) - 1, 0);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(text, want, strlen(want));
}

static void
assert_peer_gets_nothing(struct scene *s)
{
	char byte;

	assert_int_equal(recv(s->peer, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
test_reading_stops_at_the_bound(void **state)
{
	enum { SENT = STREAM_BUFFER + 5000 };
	struct scene s;
	size_t got = 0, n;

	(void)state;
	open_scene(&s, SOCK_STREAM);
	peer_sends(&s, 'a', SENT);
	while ((n = stream_fill(&s.stream)) > 0)
		got += n;
	assert_int_equal(got, STREAM_BUFFER);
	assert_int_equal(s.stream.in.len, STREAM_BUFFER);
	assert_int_equal(buf_room(&s.stream.in), 0);
	assert_false(s.stream.read_done);
	assert_false(stream_is_broken(&s.stream));
	/* What did not fit waits in the kernel and comes when there is room. */
	buf_consume(&s.stream.in, STREAM_BUFFER);
	while ((n = stream_fill(&s.stream)) > 0)
		got += n;
	assert_int_equal(got, SENT);
	assert_int_equal(s.stream.bytes_in, SENT);
	close_scene(&s);
}

static void
test_what_is_asked_for_grows_while_reads_fill_it(void **state)
{
	struct scene s;
	size_t first;

	(void)state;
	open_scene(&s, SOCK_STREAM);
	first = s.stream.read_size;
	peer_sends(&s, 'a', 100);
	assert_int_equal(stream_fill(&s.stream), 100);
	assert_int_equal(s.stream.read_size, first);
	buf_consume(&s.stream.in, 100);
	for (size_t want = first; want < STREAM_BUFFER; want *= 2) {
		assert_int_equal(s.stream.read_size, want);
		peer_sends(&s, 'a', STREAM_BUFFER);
		s.stream.drained = false;
		assert_true(stream_fill(&s.stream) >= want);
		buf_consume(&s.stream.in, s.stream.in.len);
	}
	for (int i = 0; i < 4; i++) {
		assert_true(s.stream.read_size <= STREAM_BUFFER);
		stream_fill(&s.stream);
		buf_consume(&s.stream.in, s.stream.in.len);
	}
	stream_shrink(&s.stream);
	assert_int_equal(s.stream.read_size, first);
	assert_null(s.stream.in.data);
	close_scene(&s);
}

static bool
has_read(void *arg)
{
	struct scene *s = arg;

	return s->readies > 0;
}

static void
test_watching_is_asked_for(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, SOCK_STREAM);
	peer_sends(&s, 'a', 10);
	loop_once(s.loop);
	assert_int_equal(s.readies, 0);
	stream_watch(&s.stream, true);
	loop_until(s.loop, has_read, &s, "bytes");
	/* Back-pressure: nothing is reported while nobody wants to read. */
	stream_watch(&s.stream, false);
	s.readies = 0;
	loop_once(s.loop);
	loop_once(s.loop);
	assert_int_equal(s.readies, 0);
	/* Nor once it was silenced. */
	stream_watch(&s.stream, true);
	stream_silence(&s.stream);
	loop_once(s.loop);
	assert_int_equal(s.readies, 0);
	close_scene(&s);
}

static void
test_a_short_read_saves_the_next_call(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, SOCK_STREAM);
	assert_true(stream_has_pending(&s.stream));
	peer_sends(&s, 'a', 10);
	assert_int_equal(stream_fill(&s.stream), 10);
	assert_false(stream_has_pending(&s.stream));
	peer_sends(&s, 'b', 10);
	assert_int_equal(stream_fill(&s.stream), 0);
	s.echo = true;
	stream_watch(&s.stream, true);
	loop_until(s.loop, has_read, &s, "the second ten bytes");
	assert_int_equal(s.dropped, 20);
	close_scene(&s);
}

static void
test_a_turn_is_one_write(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, SOCK_SEQPACKET);
	add(&s, "head ");
	stream_flush(&s.stream);
	add(&s, "and ");
	stream_flush(&s.stream);
	add(&s, "body");
	assert_peer_gets_nothing(&s);
	assert_false(stream_is_drained(&s.stream));
	loop_once(s.loop);
	assert_peer_gets(&s, "head and body");
	assert_peer_gets_nothing(&s);
	assert_true(stream_is_drained(&s.stream));
	assert_int_equal(s.stream.bytes_out, strlen("head and body"));
	/* There was room all the time: nobody needs to be told. */
	assert_int_equal(s.readies, 0);
	/* Who has much to write need not wait. */
	add(&s, "now");
	stream_flush_now(&s.stream);
	assert_peer_gets(&s, "now");
	close_scene(&s);
}

struct reading {
	struct scene *scene;
	size_t got, want;
};

static bool
peer_has_read(void *arg)
{
	struct reading *r = arg;
	char block[4096];
	ssize_t n;

	while ((n = recv(r->scene->peer, block, sizeof(block), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(block[i],
				(char)('a' + (r->got + (size_t)i) % 23));
		r->got += (size_t)n;
	}
	return r->got >= r->want;
}

static void
test_a_slow_peer_gets_all_in_order(void **state)
{
	int size = 4096;
	struct scene s;
	struct reading r = {.scene = &s};

	(void)state;
	open_scene(&s, SOCK_STREAM);
	setsockopt(s.stream.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* Until the socket is full and the buffer too. */
	do {
		while (buf_room(&s.stream.out) > 0) {
			char c = (char)('a' + r.want++ % 23);

			assert_int_equal(buf_add(&s.stream.out, &c, 1), 0);
		}
		stream_flush_now(&s.stream);
	} while (buf_room(&s.stream.out) > 0);
	assert_int_equal(s.stream.out.len, STREAM_BUFFER);
	assert_false(stream_is_broken(&s.stream));
	loop_once(s.loop);
	assert_int_equal(s.readies, 0); /* the peer does not read */
	loop_until(s.loop, peer_has_read, &r, "all that was written");
	assert_true(s.readies > 0); /* told that there is room again */
	assert_true(stream_is_drained(&s.stream));
	/* Nothing left to write, nothing left to wait for. */
	s.readies = 0;
	loop_once(s.loop);
	loop_once(s.loop);
	assert_int_equal(s.readies, 0);
	close_scene(&s);
}

static void
test_room_after_a_full_buffer_is_told(void **state)
{
	struct scene s;
	char block[STREAM_BUFFER] = {0};

	(void)state;
	open_scene(&s, SOCK_STREAM);
	assert_int_equal(buf_add(&s.stream.out, block, sizeof(block)), 0);
	stream_flush(&s.stream);
	loop_once(s.loop);
	assert_int_equal(s.readies, 1);
	close_scene(&s);
}

static void
test_half_close_by_the_peer(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, SOCK_STREAM);
	peer_sends(&s, 'a', 10);
	shutdown(s.peer, SHUT_WR);
	assert_int_equal(stream_fill(&s.stream), 10);
	assert_false(s.stream.read_done); /* first all that was sent */
	s.stream.drained = false;
	assert_int_equal(stream_fill(&s.stream), 0);
	assert_true(s.stream.read_done);
	assert_false(stream_is_broken(&s.stream));
	assert_false(stream_has_pending(&s.stream));
	/* The other direction lives on. */
	add(&s, "answer");
	stream_flush(&s.stream);
	loop_once(s.loop);
	assert_peer_gets(&s, "answer");
	/* … and an end that was seen is not reported over and over. */
	stream_watch(&s.stream, true);
	s.readies = 0;
	loop_once(s.loop);
	assert_int_equal(s.readies, 0);
	close_scene(&s);
}

static void
test_half_close_by_us(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, SOCK_STREAM);
	add(&s, "last words");
	stream_finish(&s.stream);
	stream_finish(&s.stream);
	assert_false(stream_is_drained(&s.stream));
	assert_peer_gets_nothing(&s);
	loop_once(s.loop);
	assert_peer_gets(&s, "last words");
	assert_peer_gets(&s, "");
	assert_true(stream_is_drained(&s.stream));
	/* The peer may still speak. */
	peer_sends(&s, 'a', 10);
	assert_int_equal(stream_fill(&s.stream), 10);
	close_scene(&s);
}

static void
test_a_reset_by_the_peer_breaks_it(void **state)
{
	struct linger now = {.l_onoff = 1};
	struct scene s;
	int fds[2];

	(void)state;
	loopback_pair(fds);
	open_on(&s, fds);
	setsockopt(s.peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(s.peer);
	s.peer = -1;
	stream_watch(&s.stream, true);
	loop_until(s.loop, has_read, &s, "the reset");
	assert_int_equal(stream_fill(&s.stream), 0);
	assert_int_equal(s.stream.error, -ECONNRESET);
	assert_true(stream_is_broken(&s.stream));
	assert_true(s.stream.read_done);
	assert_true(s.stream.write_done);
	assert_false(stream_is_drained(&s.stream) && s.stream.shut);
	close_scene(&s);
}

static void
test_a_reset_by_us(void **state)
{
	struct scene s;
	char byte;
	int fds[2];

	(void)state;
	loopback_pair(fds);
	open_on(&s, fds);
	stream_set_reset(&s.stream);
	stream_done(&s.stream);
	assert_int_equal(recv(s.peer, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close_scene(&s);
}

/* The peer is gone: said by ready() at the end of the turn, never from inside
 * the call, and without a signal. */
static void
test_a_failed_write_is_told_later(void **state)
{
	struct scene s;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	open_scene(&s, SOCK_STREAM);
	close(s.peer);
	s.peer = -1;
	add(&s, "nobody reads this");
	s.inside = true;
	stream_flush(&s.stream);
	s.inside = false;
	loop_once(s.loop);
	assert_int_equal(s.readies, 1);
	assert_int_equal(s.stream.error, -EPIPE);
	s.inside = true;
	stream_flush_now(&s.stream);
	stream_flush(&s.stream);
	stream_finish(&s.stream);
	s.inside = false;
	assert_false(s.reported);
	assert_int_equal(stream_fill(&s.stream), 0);
	close_scene(&s);
}

/* As of an origin that has answered and takes no more: that it said so, is
 * heard. */
static void
test_hearing_out_a_peer_that_takes_no_more(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, SOCK_STREAM);
	s.stream.hears_out = true;
	peer_sends(&s, 'a', 10);
	shutdown(s.peer, SHUT_RD);
	add(&s, "too late");
	stream_flush_now(&s.stream);
	assert_int_equal(s.stream.error, 0);
	assert_true(s.stream.write_done);
	assert_false(s.stream.read_done);
	assert_true(stream_is_drained(&s.stream));
	assert_int_equal(stream_fill(&s.stream), 10);
	shutdown(s.peer, SHUT_WR);
	s.stream.drained = false;
	assert_int_equal(stream_fill(&s.stream), 0);
	assert_true(s.stream.read_done);
	close_scene(&s);
}

static void
test_a_secret_does_not_stay_in_memory(void **state)
{
	static const struct {
		bool secret;
		int want; /* chunks with it that went back */
		const char *reason;
	} cases[] = {
		{true, 0, "wiped before it is given back"},
		{false, 1, "else it would be seen here"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s;

		open_scene(&s, SOCK_STREAM);
		chunks_freed = chunks_with_secret = 0;
		s.stream.out.secret = cases[i].secret;
		add(&s, secret);
		stream_flush(&s.stream);
		loop_once(s.loop);
		assert_peer_gets(&s, secret);
		/* It does not even wait for the connection to go. */
		if (cases[i].secret)
			assert_int_equal(chunks_freed, 1);
		close_scene(&s);
		assert_int_equal(chunks_freed, 1);
		if (chunks_with_secret != cases[i].want)
			fail_msg("%s", cases[i].reason);
	}
}

static void
test_done_takes_back_what_was_asked_for(void **state)
{
	int before = open_descriptors();
	struct scene s;

	(void)state;
	open_scene(&s, SOCK_STREAM);
	add(&s, "never sent");
	stream_flush(&s.stream);
	stream_watch(&s.stream, true);
	stream_done(&s.stream);
	assert_int_equal(s.stream.fd, -1);
	loop_once(s.loop);
	assert_int_equal(s.readies, 0);
	assert_peer_gets(&s, ""); /* closed, nothing before it */
	close_scene(&s);
	assert_int_equal(open_descriptors(), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading_stops_at_the_bound),
		cmocka_unit_test(
			test_what_is_asked_for_grows_while_reads_fill_it),
		cmocka_unit_test(test_watching_is_asked_for),
		cmocka_unit_test(test_a_short_read_saves_the_next_call),
		cmocka_unit_test(test_a_turn_is_one_write),
		cmocka_unit_test(test_a_slow_peer_gets_all_in_order),
		cmocka_unit_test(test_room_after_a_full_buffer_is_told),
		cmocka_unit_test(test_half_close_by_the_peer),
		cmocka_unit_test(test_half_close_by_us),
		cmocka_unit_test(test_a_reset_by_the_peer_breaks_it),
		cmocka_unit_test(test_a_reset_by_us),
		cmocka_unit_test(test_a_failed_write_is_told_later),
		cmocka_unit_test(test_hearing_out_a_peer_that_takes_no_more),
		cmocka_unit_test(test_a_secret_does_not_stay_in_memory),
		cmocka_unit_test(test_done_takes_back_what_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
