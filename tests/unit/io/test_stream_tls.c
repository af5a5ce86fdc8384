/* Two streams of one loop as the two ends of one TLS connection. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca.h"
#include "context.h"
#include "loop_until.h"
#include "stream.h"
#include "tls.h"

/* What OpenSSL's records were sent with. */
static int sends, sends_that_wait;
static bool last_waits;

ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);

ssize_t
__wrap_send(int fd, const void *data, size_t len, int flags)
{
	last_waits = (flags & MSG_MORE) != 0;
	sends++;
	sends_that_wait += last_waits;
	return __real_send(fd, data, len, flags);
}

struct end {
	struct stream stream;
	bool shaken, failed;
	size_t to_send, got;
};

struct scene {
	struct ev_loop *loop;
	struct turn *turn;
	struct ca *ca;
	struct ca_leaf *leaf;
	SSL_CTX *accept, *connect;
	struct buf held;
	struct end ends[2]; /* server, client */
};

static void
move_bytes(struct end *e)
{
	static const char block[STREAM_OUT];
	struct stream *s = &e->stream;
	size_t n;

	do {
		n = stream_fill(s);
		e->got += s->in.len;
		buf_consume(&s->in, s->in.len);
	} while (n > 0);
	n = buf_add_some(&s->out, block, e->to_send);
	e->to_send -= n;
	if (n > 0)
		stream_flush(s);
	stream_watch(s, true);
}

static void
on_ready(void *arg)
{
	struct end *e = arg;
	int r = 1;

	if (e->failed || stream_is_broken(&e->stream))
		return;
	if (!e->shaken)
		r = tls_handshake(e->stream.tls);
	e->failed = r < 0;
	e->shaken = r > 0;
	if (r > 0)
		move_bytes(e);
	else if (r == 0)
		stream_watch_handshake(&e->stream);
}

static void
open_scene(struct scene *s)
{
	uint8_t ticket[32];
	char why[256];
	bool minted;
	int fds[2];

	memset(s, 0, sizeof(*s));
	s->loop = ev_loop_new(0);
	s->turn = turn_new(s->loop);
	assert_int_equal(ca_new("s1", time(NULL), &s->ca, why, sizeof(why)), 0);
	ca_ticket_secret(s->ca, ticket);
	s->accept = context_accept(ticket, "s1");
	assert_non_null(s->accept);
	assert_int_equal(context_connect(span_of(ca_pem(s->ca)), &s->connect,
				 why, sizeof(why)),
		0);
	assert_int_equal(ca_leaf(s->ca, "a.test", CA_KEY_EC, time(NULL),
				 &s->leaf, &minted),
		0);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0, fds),
		0);
	for (int i = 0; i < 2; i++) {
		struct end *e = &s->ends[i];

		stream_init(&e->stream, s->loop, s->turn, fds[i]);
		stream_own(&e->stream, on_ready, e);
	}
	buf_init(&s->held, 16);
	stream_secure(&s->ends[0].stream,
		tls_accept(s->accept, fds[0], &s->held,
			&(struct tls_answer){
				.certificate = ca_leaf_certificate(s->leaf),
				.key = ca_leaf_key(s->leaf),
				.protocol = TLS_ALPN_HTTP1,
			}));
	stream_secure(
		&s->ends[1].stream, tls_connect(s->connect, fds[1], "a.test",
					    NULL, TLS_OFFER_HTTP1));
	for (int i = 0; i < 2; i++) {
		assert_non_null(s->ends[i].stream.tls);
		on_ready(&s->ends[i]);
	}
}

static void
close_scene(struct scene *s)
{
	for (int i = 0; i < 2; i++)
		stream_done(&s->ends[i].stream);
	ca_leaf_unref(s->leaf);
	SSL_CTX_free(s->accept);
	SSL_CTX_free(s->connect);
	ca_free(s->ca);
	turn_free(s->turn);
	ev_loop_destroy(s->loop);
}

static bool
both_shaken(void *arg)
{
	struct scene *s = arg;

	return s->ends[0].shaken && s->ends[1].shaken;
}

static bool
all_moved(void *arg)
{
	struct scene *s = arg;

	return s->ends[0].got >= 100000 && s->ends[1].got >= 300000;
}

static void
test_bytes_both_ways_and_counted(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	loop_until(s.loop, both_shaken, &s, "two handshakes");
	s.ends[0].to_send = 300000;
	s.ends[1].to_send = 100000;
	on_ready(&s.ends[0]);
	on_ready(&s.ends[1]);
	loop_until(s.loop, all_moved, &s, "400,000 bytes");
	assert_int_equal(s.ends[0].got, 100000);
	assert_int_equal(s.ends[1].got, 300000);
	for (int i = 0; i < 2; i++) {
		struct stream *own = &s.ends[i].stream;

		/* Plaintext, not records. */
		assert_int_equal(own->bytes_in, s.ends[i].got);
		assert_int_equal(own->bytes_out, s.ends[1 - i].got);
		assert_true(stream_is_drained(own));
	}
	close_scene(&s);
}

static bool
client_read_all(void *arg)
{
	struct scene *s = arg;

	return s->ends[1].stream.read_done;
}

/* An end that was said can be told from one that was cut. */
static void
test_an_end_that_was_said(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	loop_until(s.loop, both_shaken, &s, "two handshakes");
	stream_finish(&s.ends[0].stream);
	loop_until(s.loop, client_read_all, &s, "the end");
	assert_false(stream_is_broken(&s.ends[1].stream));
	/* The other direction is still open. */
	s.ends[1].to_send = 10;
	on_ready(&s.ends[1]);
	while (s.ends[0].got < 10)
		ev_run(s.loop, EVRUN_ONCE);
	close_scene(&s);
}

static void
test_an_end_that_was_cut(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	loop_until(s.loop, both_shaken, &s, "two handshakes");
	shutdown(s.ends[0].stream.fd, SHUT_WR);
	loop_until(s.loop, client_read_all, &s, "the end");
	assert_int_equal(s.ends[1].stream.error, -ECONNRESET);
	close_scene(&s);
}

/* Bytes that TLS has taken from the socket but not given out are pending. */
static void
test_what_lies_in_a_record_is_pending(void **state)
{
	struct scene s;
	struct stream *client;

	(void)state;
	open_scene(&s);
	loop_until(s.loop, both_shaken, &s, "two handshakes");
	client = &s.ends[1].stream;
	stream_watch(client, false);
	buf_add(&s.ends[0].stream.out, "0123456789", 10);
	stream_flush_now(&s.ends[0].stream);
	client->in.bound = 4;
	tls_readable(client->tls);
	while (stream_fill(client) == 0)
		tls_readable(client->tls);
	assert_int_equal(client->in.len, 4);
	assert_true(stream_has_pending(client));
	client->in.bound = STREAM_BUFFER;
	assert_int_equal(stream_fill(client), 6);
	close_scene(&s);
}

/* The ticket too: who has asked nothing yet waits for its acknowledgement. */
static void
test_nothing_of_a_handshake_waits(void **state)
{
	struct scene s;

	(void)state;
	sends = sends_that_wait = 0;
	open_scene(&s);
	loop_until(s.loop, both_shaken, &s, "two handshakes");
	assert_true(sends > 0);
	assert_int_equal(sends_that_wait, 0);
	close_scene(&s);
}

static bool
client_has_40000(void *arg)
{
	struct scene *s = arg;

	return s->ends[1].got == 40000;
}

/* Those of one flush leave as one; the last lets them go. */
static void
test_records_that_follow_each_other_leave_together(void **state)
{
	static const char block[STREAM_OUT];
	struct scene s;

	(void)state;
	open_scene(&s);
	loop_until(s.loop, both_shaken, &s, "two handshakes");
	buf_add(&s.ends[0].stream.out, block, 40000);
	sends = sends_that_wait = 0;
	stream_flush_now(&s.ends[0].stream);
	assert_int_equal(sends, 3);
	assert_int_equal(sends_that_wait, 2);
	assert_false(last_waits);
	loop_until(s.loop, client_has_40000, &s, "40,000 bytes");
	close_scene(&s);
}

/* Record, close_notify and FIN are one segment. */
static void
test_the_end_leaves_with_the_last_record(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	loop_until(s.loop, both_shaken, &s, "two handshakes");
	buf_add(&s.ends[0].stream.out, "answer", 6);
	stream_finish(&s.ends[0].stream);
	sends = sends_that_wait = 0;
	stream_flush_now(&s.ends[0].stream);
	assert_int_equal(sends, 2);
	assert_int_equal(sends_that_wait, 2);
	loop_until(s.loop, client_read_all, &s, "the end");
	assert_int_equal(s.ends[1].got, 6);
	assert_false(stream_is_broken(&s.ends[1].stream));
	close_scene(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_both_ways_and_counted),
		cmocka_unit_test(test_an_end_that_was_said),
		cmocka_unit_test(test_an_end_that_was_cut),
		cmocka_unit_test(test_what_lies_in_a_record_is_pending),
		cmocka_unit_test(test_nothing_of_a_handshake_waits),
		cmocka_unit_test(
			test_records_that_follow_each_other_leave_together),
		cmocka_unit_test(test_the_end_leaves_with_the_last_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
