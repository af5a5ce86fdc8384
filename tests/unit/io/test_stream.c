/* A stream between its two ends: bounds, back-pressure, writes, secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "chunk.h"
#include "loop_until.h"
#include "stream_scene.h"

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
test_reading_stops_at_the_bound(void **state)
{
	enum { SENT = STREAM_BUFFER + 5000 };
	struct stream_scene s;
	size_t got = 0, n;

	(void)state;
	stream_scene_open(&s, SOCK_STREAM);
	stream_scene_receives(&s, 'a', SENT);
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
	stream_scene_close(&s);
}

static void
test_what_is_asked_for_grows_while_reads_fill_it(void **state)
{
	struct stream_scene s;
	size_t first;

	(void)state;
	stream_scene_open(&s, SOCK_STREAM);
	first = s.stream.read_size;
	stream_scene_receives(&s, 'a', 100);
	assert_int_equal(stream_fill(&s.stream), 100);
	assert_int_equal(s.stream.read_size, first);
	buf_consume(&s.stream.in, 100);
	for (size_t want = first; want < STREAM_BUFFER; want *= 2) {
		assert_int_equal(s.stream.read_size, want);
		stream_scene_receives(&s, 'a', STREAM_BUFFER);
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
	stream_scene_close(&s);
}

static void
test_watching_is_asked_for(void **state)
{
	struct stream_scene s;

	(void)state;
	stream_scene_open(&s, SOCK_STREAM);
	stream_scene_receives(&s, 'a', 10);
	loop_once(s.loop);
	assert_int_equal(s.readies, 0);
	stream_watch(&s.stream, true);
	loop_until(s.loop, stream_scene_was_told, &s, "bytes");
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
	stream_scene_close(&s);
}

static void
test_a_short_read_saves_the_next_call(void **state)
{
	struct stream_scene s;

	(void)state;
	stream_scene_open(&s, SOCK_STREAM);
	assert_true(stream_has_pending(&s.stream));
	stream_scene_receives(&s, 'a', 10);
	assert_int_equal(stream_fill(&s.stream), 10);
	assert_false(stream_has_pending(&s.stream));
	stream_scene_receives(&s, 'b', 10);
	assert_int_equal(stream_fill(&s.stream), 0);
	s.echo = true;
	stream_watch(&s.stream, true);
	loop_until(s.loop, stream_scene_was_told, &s, "the second ten bytes");
	assert_int_equal(s.dropped, 20);
	stream_scene_close(&s);
}

static void
test_a_turn_is_one_write(void **state)
{
	struct stream_scene s;

	(void)state;
	stream_scene_open(&s, SOCK_SEQPACKET);
	stream_scene_adds(&s, "head ");
	stream_flush(&s.stream);
	stream_scene_adds(&s, "and ");
	stream_flush(&s.stream);
	stream_scene_adds(&s, "body");
	stream_scene_peer_gets_nothing(&s);
	assert_false(stream_is_drained(&s.stream));
	loop_once(s.loop);
	stream_scene_peer_gets(&s, "head and body");
	stream_scene_peer_gets_nothing(&s);
	assert_true(stream_is_drained(&s.stream));
	assert_int_equal(s.stream.bytes_out, strlen("head and body"));
	/* There was room all the time: nobody needs to be told. */
	assert_int_equal(s.readies, 0);
	/* Who has much to write need not wait. */
	stream_scene_adds(&s, "now");
	stream_flush_now(&s.stream);
	stream_scene_peer_gets(&s, "now");
	stream_scene_close(&s);
}

struct reading {
	struct stream_scene *scene;
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
	struct stream_scene s;
	struct reading r = {.scene = &s};

	(void)state;
	stream_scene_open(&s, SOCK_STREAM);
	setsockopt(s.stream.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* Until the socket is full and the buffer too. */
	do {
		while (buf_room(&s.stream.out) > 0) {
			char c = (char)('a' + r.want++ % 23);

			assert_int_equal(buf_add(&s.stream.out, &c, 1), 0);
		}
		stream_flush_now(&s.stream);
	} while (buf_room(&s.stream.out) > 0);
	assert_int_equal(s.stream.out.len, STREAM_OUT);
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
	stream_scene_close(&s);
}

static void
test_room_after_a_full_buffer_is_told(void **state)
{
	struct stream_scene s;
	char block[STREAM_OUT] = {0};

	(void)state;
	stream_scene_open(&s, SOCK_STREAM);
	assert_int_equal(buf_add(&s.stream.out, block, sizeof(block)), 0);
	stream_flush(&s.stream);
	loop_once(s.loop);
	assert_int_equal(s.readies, 1);
	stream_scene_close(&s);
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
		struct stream_scene s;

		stream_scene_open(&s, SOCK_STREAM);
		chunks_freed = chunks_with_secret = 0;
		s.stream.out.secret = cases[i].secret;
		stream_scene_adds(&s, secret);
		stream_flush(&s.stream);
		loop_once(s.loop);
		stream_scene_peer_gets(&s, secret);
		/* It does not even wait for the connection to go. */
		if (cases[i].secret)
			assert_int_equal(chunks_freed, 1);
		stream_scene_close(&s);
		assert_int_equal(chunks_freed, 1);
		if (chunks_with_secret != cases[i].want)
			fail_msg("%s", cases[i].reason);
	}
}

static void
test_done_takes_back_what_was_asked_for(void **state)
{
	int before = open_descriptors();
	struct stream_scene s;

	(void)state;
	stream_scene_open(&s, SOCK_STREAM);
	stream_scene_adds(&s, "never sent");
	stream_flush(&s.stream);
	stream_watch(&s.stream, true);
	stream_done(&s.stream);
	assert_int_equal(s.stream.fd, -1);
	loop_once(s.loop);
	assert_int_equal(s.readies, 0);
	stream_scene_peer_gets(&s, ""); /* closed, nothing before it */
	stream_scene_close(&s);
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
		cmocka_unit_test(test_a_secret_does_not_stay_in_memory),
		cmocka_unit_test(test_done_takes_back_what_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
