/* One connection to a name server: shared, broken, refused. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "question_wire.h"
#include "server_list.h"
#include "server_stream.h"

enum {
	DEADLINE = 20, /* seconds; nothing here takes one */
	MOST = 4,
};

struct asked {
	struct stream_question question;
	struct question_wire wire;
	unsigned replied, failed;
	size_t reply_len;
	const char *why;
};

/* The stream and its server, which is the test itself. */
struct scene {
	struct ev_loop *loop;
	struct server_stream *stream;
	int listener, peer; /* -1: nobody has connected */
	struct asked asked[MOST];
};

static bool inside; /* of server_stream_ask() */

static void
on_replied(struct stream_question *q, struct span reply)
{
	struct asked *a = container_of(q, struct asked, question);

	assert_false(inside);
	a->replied++;
	a->reply_len = reply.len;
}

static void
on_failed(struct stream_question *q, const char *why)
{
	struct asked *a = container_of(q, struct asked, question);

	assert_false(inside);
	a->failed++;
	a->why = why;
}

static const struct server_stream_ops ops = {on_replied, on_failed};

static void
scene_init(struct scene *s, bool tls)
{
	struct name_server_address server = {
		.address_len = sizeof(struct sockaddr_in),
		.tls = tls,
		.name = "dns.test"};
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);

	*s = (struct scene){.peer = -1, .loop = ev_loop_new(EVFLAG_AUTO)};
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(s->listener, (const struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(s->listener, 4), 0);
	getsockname(s->listener, (struct sockaddr *)&at, &size);
	memcpy(&server.address, &at, sizeof(at));
	s->stream = server_stream_new(s->loop, &server, &ops);
	assert_non_null(s->stream);
}

static void
scene_done(struct scene *s)
{
	server_stream_free(s->stream);
	close(s->listener);
	close(s->peer);
	ev_loop_destroy(s->loop);
}

static void
scene_ask(struct scene *s, unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "n%u.test", i);
	assert_int_equal(
		question_wire_make(&s->asked[i].wire, name, 1, true), 0);
	s->asked[i].question.wire = &s->asked[i].wire;
	inside = true;
	server_stream_ask(s->stream, &s->asked[i].question);
	inside = false;
}

static void
on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)w, (void)revents;
	fail_msg("nothing happened in %d s", DEADLINE);
}

/* Runs the loop until that counter is there. */
static void
run_until(struct scene *s, const unsigned *counter)
{
	struct ev_timer deadline;

	ev_timer_init(&deadline, on_deadline, DEADLINE, 0.);
	ev_timer_start(s->loop, &deadline);
	while (*counter == 0)
		ev_run(s->loop, EVRUN_ONCE);
	ev_timer_stop(s->loop, &deadline);
}

/* Takes the question that comes next, as it was sent. */
static void
take(struct scene *s, unsigned i)
{
	size_t len = QUESTION_PREFIX + s->asked[i].wire.len, have = 0;
	uint8_t data[512];
	ssize_t n;

	if (s->peer < 0)
		s->peer = accept(s->listener, NULL, NULL);
	while (have < len) {
		ev_run(s->loop, EVRUN_NOWAIT);
		n = recv(s->peer, data + have, len - have, MSG_DONTWAIT);
		have += n > 0 ? (size_t)n : 0;
	}
	assert_memory_equal(data, s->asked[i].wire.framed, len);
}

static void
reply(struct scene *s, unsigned i, size_t piece)
{
	uint8_t data[QUESTION_PREFIX + QUESTION_MESSAGE];
	size_t len = QUESTION_PREFIX + s->asked[i].wire.len;

	memcpy(data, s->asked[i].wire.framed, len);
	data[QUESTION_PREFIX + 2] |= 0x80;
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		assert_int_equal(write(s->peer, data + at, n), n);
		if (piece < len)
			ev_run(s->loop, EVRUN_NOWAIT);
	}
}

static void
test_answers_in_any_order_and_in_pieces(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, false);
	for (unsigned i = 0; i < 3; i++)
		scene_ask(&s, i);
	for (unsigned i = 0; i < 3; i++)
		take(&s, i);
	reply(&s, 2, 1024);
	run_until(&s, &s.asked[2].replied);
	assert_int_equal(s.asked[0].replied + s.asked[1].replied, 0);
	reply(&s, 0, 1);
	run_until(&s, &s.asked[0].replied);
	assert_int_equal(s.asked[0].reply_len, s.asked[0].wire.len);
	reply(&s, 0, 1024); /* again: nobody waits for that */
	reply(&s, 1, 7);
	run_until(&s, &s.asked[1].replied);
	assert_int_equal(s.asked[0].replied, 1);
	/* The next goes over the same connection. */
	scene_ask(&s, 3);
	take(&s, 3);
	reply(&s, 3, 1024);
	run_until(&s, &s.asked[3].replied);
	scene_done(&s);
}

static void
test_the_server_goes(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, false);
	scene_ask(&s, 0);
	scene_ask(&s, 1);
	take(&s, 0);
	close(s.peer);
	s.peer = -1;
	run_until(&s, &s.asked[1].failed);
	assert_int_equal(s.asked[0].failed, 1);
	/* And there is another connection for the next. */
	s.asked[0].failed = 0;
	scene_ask(&s, 0);
	take(&s, 0);
	reply(&s, 0, 1024);
	run_until(&s, &s.asked[0].replied);
	scene_done(&s);
}

static void
test_nobody_listens(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, false);
	close(s.listener);
	s.listener = -1;
	scene_ask(&s, 0);
	assert_int_equal(s.asked[0].failed, 0);
	run_until(&s, &s.asked[0].failed);
	assert_string_equal(
		s.asked[0].why, "the name server cannot be reached");
	scene_done(&s);
}

/* Who gives up on a connection that says nothing takes it along; on one that
 * has answered others since, he does not. */
static void
test_giving_up(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, false);
	for (unsigned i = 0; i < 3; i++)
		scene_ask(&s, i);
	for (unsigned i = 0; i < 3; i++)
		take(&s, i);
	reply(&s, 0, 1024);
	run_until(&s, &s.asked[0].replied);
	server_stream_give_up(s.stream, &s.asked[1].question);
	ev_run(s.loop, EVRUN_NOWAIT);
	assert_int_equal(s.asked[2].failed, 0);
	scene_ask(&s, 3);
	take(&s, 3);
	server_stream_give_up(s.stream, &s.asked[3].question);
	run_until(&s, &s.asked[2].failed);
	assert_string_equal(s.asked[2].why, "the name server does not answer");
	assert_int_equal(s.asked[1].failed + s.asked[3].failed, 0);
	scene_done(&s);
}

/* Without anything to verify it with, nobody is even dialled. */
static void
test_threat_16_no_tls_no_connection(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, true);
	scene_ask(&s, 0);
	run_until(&s, &s.asked[0].failed);
	assert_string_equal(
		s.asked[0].why, "there are no authorities to verify it with");
	assert_int_equal(fcntl(s.listener, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(accept(s.listener, NULL, NULL), -1);
	scene_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_in_any_order_and_in_pieces),
		cmocka_unit_test(test_the_server_goes),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_giving_up),
		cmocka_unit_test(test_threat_16_no_tls_no_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
