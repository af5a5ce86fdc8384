/* How a stream ends: half-closes, resets, writes that fail. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop_until.h"
#include "loopback.h"
#include "stream_scene.h"

static void
test_half_close_by_the_peer(void **state)
{
	struct stream_scene s;

	(void)state;
	stream_scene_open(&s, SOCK_STREAM);
	stream_scene_receives(&s, 'a', 10);
	shutdown(s.peer, SHUT_WR);
	assert_int_equal(stream_fill(&s.stream), 10);
	assert_false(s.stream.read_done); /* first all that was sent */
	s.stream.drained = false;
	assert_int_equal(stream_fill(&s.stream), 0);
	assert_true(s.stream.read_done);
	assert_false(stream_is_broken(&s.stream));
	assert_false(stream_has_pending(&s.stream));
	/* The other direction lives on. */
	stream_scene_adds(&s, "answer");
	stream_flush(&s.stream);
	loop_once(s.loop);
	stream_scene_peer_gets(&s, "answer");
	/* … and an end that was seen is not reported over and over. */
	stream_watch(&s.stream, true);
	s.readies = 0;
	loop_once(s.loop);
	assert_int_equal(s.readies, 0);
	stream_scene_close(&s);
}

static void
test_half_close_by_us(void **state)
{
	struct stream_scene s;

	(void)state;
	stream_scene_open(&s, SOCK_STREAM);
	stream_scene_adds(&s, "last words");
	stream_finish(&s.stream);
	stream_finish(&s.stream);
	assert_false(stream_is_drained(&s.stream));
	stream_scene_peer_gets_nothing(&s);
	loop_once(s.loop);
	stream_scene_peer_gets(&s, "last words");
	stream_scene_peer_gets(&s, "");
	assert_true(stream_is_drained(&s.stream));
	/* The peer may still speak. */
	stream_scene_receives(&s, 'a', 10);
	assert_int_equal(stream_fill(&s.stream), 10);
	stream_scene_close(&s);
}

static unsigned
segments(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	assert_int_equal(
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info.tcpi_segs_in;
}

static void
test_the_end_leaves_with_the_last_bytes(void **state)
{
	struct stream_scene s;
	unsigned before;
	int fds[2];

	(void)state;
	loopback_pair(fds);
	stream_scene_open_on(&s, fds);
	before = segments(s.peer);
	stream_scene_adds(&s, "last words");
	stream_finish(&s.stream);
	loop_once(s.loop);
	stream_scene_peer_gets(&s, "last words");
	stream_scene_peer_gets(&s, "");
	assert_int_equal(segments(s.peer) - before, 1);
	stream_scene_close(&s);
}

static void
test_a_reset_by_the_peer_breaks_it(void **state)
{
	struct linger now = {.l_onoff = 1};
	struct stream_scene s;
	int fds[2];

	(void)state;
	loopback_pair(fds);
	stream_scene_open_on(&s, fds);
	setsockopt(s.peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(s.peer);
	s.peer = -1;
	stream_watch(&s.stream, true);
	loop_until(s.loop, stream_scene_was_told, &s, "the reset");
	assert_int_equal(stream_fill(&s.stream), 0);
	assert_int_equal(s.stream.error, -ECONNRESET);
	assert_true(stream_is_broken(&s.stream));
	assert_true(s.stream.read_done);
	assert_true(s.stream.write_done);
	assert_false(stream_is_drained(&s.stream) && s.stream.shut);
	stream_scene_close(&s);
}

static void
test_a_reset_by_us(void **state)
{
	struct stream_scene s;
	char byte;
	int fds[2];

	(void)state;
	loopback_pair(fds);
	stream_scene_open_on(&s, fds);
	stream_set_reset(&s.stream);
	stream_done(&s.stream);
	assert_int_equal(recv(s.peer, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	stream_scene_close(&s);
}

/* The peer is gone: said by ready() at the end of the turn, never from inside
 * the call, and without a signal. */
static void
test_a_failed_write_is_told_later(void **state)
{
	struct stream_scene s;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	stream_scene_open(&s, SOCK_STREAM);
	close(s.peer);
	s.peer = -1;
	stream_scene_adds(&s, "nobody reads this");
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
	stream_scene_close(&s);
}

/* As of an origin that has answered and takes no more: that it said so, is
 * heard. */
static void
test_hearing_out_a_peer_that_takes_no_more(void **state)
{
	struct stream_scene s;

	(void)state;
	stream_scene_open(&s, SOCK_STREAM);
	s.stream.hears_out = true;
	stream_scene_receives(&s, 'a', 10);
	shutdown(s.peer, SHUT_RD);
	stream_scene_adds(&s, "too late");
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
	stream_scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_close_by_the_peer),
		cmocka_unit_test(test_half_close_by_us),
		cmocka_unit_test(test_the_end_leaves_with_the_last_bytes),
		cmocka_unit_test(test_a_reset_by_the_peer_breaks_it),
		cmocka_unit_test(test_a_reset_by_us),
		cmocka_unit_test(test_a_failed_write_is_told_later),
		cmocka_unit_test(test_hearing_out_a_peer_that_takes_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
