/*
 * The origin's side of a request: which connection it goes on, and what becomes
 * of it when either end leaves in the middle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "exchange_scene.h"
#include "loop_until.h"
#include "sandbox.h"
#include "session.h"
#include "session_part.h"

static void
test_a_connection_is_used_again(void **state)
{
	char text[EXCHANGE_TEXT];
	struct exchange_scene s;
	int origin;

	(void)state;
	exchange_scene_open(&s);
	exchange_scene_ask(&s, EXCHANGE_GET);
	origin = exchange_scene_accept(&s, text);
	for (int i = 0; i < 3; i++) {
		session_lab_send(origin, EXCHANGE_OK);
		session_lab_read(
			&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
		exchange_scene_ask(&s, i == 1 ? EXCHANGE_POST : EXCHANGE_GET);
		session_lab_read(
			&s.lab, origin, "\r\n\r\n", text, EXCHANGE_TEXT);
	}
	assert_int_equal(exchange_scene_connects, 1);
	close(origin);
	exchange_scene_close(&s);
}

/* An idle connection that the origin closes just as the next request goes. */
static void
test_a_stale_connection(void **state)
{
	static const struct {
		const char *request;
		bool retried;
		const char *reason;
	} cases[] = {
		{EXCHANGE_GET, true, "asked again on a new one"},
		{EXCHANGE_POST, false, "a body that has begun is not"},
		{"POST /x HTTP/1.1\r\nHost: a.test:@\r\n"
		 "Content-Length: 0\r\n\r\n",
			false, "nor what may have changed something"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[EXCHANGE_TEXT];
		struct exchange_scene s;
		int first, second;

		print_message("%s\n", cases[i].reason);
		exchange_scene_open(&s);
		exchange_scene_ask(&s, EXCHANGE_GET);
		first = exchange_scene_accept(&s, text);
		session_lab_send(first, EXCHANGE_OK);
		session_lab_read(
			&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
		exchange_scene_ask(&s, cases[i].request);
		session_lab_read(
			&s.lab, first, "\r\n\r\n", text, EXCHANGE_TEXT);
		close(first);
		if (cases[i].retried) {
			second = exchange_scene_accept(&s, text);
			session_lab_send(second, EXCHANGE_OK);
			session_lab_read(
				&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
			close(second);
		} else {
			session_lab_read(&s.lab, s.client, "origin_gone", text,
				EXCHANGE_TEXT);
		}
		assert_int_equal(
			exchange_scene_connects, cases[i].retried ? 2 : 1);
		exchange_scene_close(&s);
	}
}

static void
test_it_is_asked_again_once(void **state)
{
	char text[EXCHANGE_TEXT];
	struct exchange_scene s;
	int origin;

	(void)state;
	exchange_scene_open(&s);
	exchange_scene_ask(&s, EXCHANGE_GET);
	origin = exchange_scene_accept(&s, text);
	session_lab_send(origin, EXCHANGE_OK);
	session_lab_read(&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
	exchange_scene_ask(&s, EXCHANGE_GET);
	session_lab_read(&s.lab, origin, "\r\n\r\n", text, EXCHANGE_TEXT);
	close(origin);
	origin = exchange_scene_accept(&s, text);
	close(origin);
	session_lab_read(&s.lab, s.client, "origin_gone", text, EXCHANGE_TEXT);
	assert_ptr_equal(strstr(text, "HTTP/1.1 502 "), text);
	assert_int_equal(exchange_scene_connects, 2);
	exchange_scene_close(&s);
}

/* Of two idle ones that may both be stale, only one is tried. */
static void
test_asked_again_on_a_new_connection(void **state)
{
	char text[EXCHANGE_TEXT];
	struct exchange_scene s;
	int client, origins[3];

	(void)state;
	exchange_scene_open(&s);
	client = s.client;
	exchange_scene_ask(&s, EXCHANGE_GET);
	origins[0] = exchange_scene_accept(&s, text);
	s.client = session_lab_dial(&s.lab, s.port);
	exchange_scene_ask(&s, EXCHANGE_GET);
	origins[1] = exchange_scene_accept(&s, text);
	session_lab_send(origins[0], EXCHANGE_OK);
	session_lab_read(&s.lab, client, "hello", text, EXCHANGE_TEXT);
	session_lab_send(origins[1], EXCHANGE_OK);
	session_lab_read(&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
	exchange_scene_ask(&s, EXCHANGE_GET);
	/* The newest is asked. */
	session_lab_read(&s.lab, origins[1], "\r\n\r\n", text, EXCHANGE_TEXT);
	close(origins[1]);
	origins[2] = exchange_scene_accept(&s, text);
	session_lab_send(origins[2], EXCHANGE_OK);
	session_lab_read(&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
	assert_int_equal(exchange_scene_connects, 3);
	close(client);
	close(origins[0]);
	close(origins[2]);
	exchange_scene_close(&s);
}

static void
test_a_client_that_leaves(void **state)
{
	char text[EXCHANGE_TEXT], byte;
	struct exchange_scene s;
	int origin;

	(void)state;
	exchange_scene_open(&s);
	exchange_scene_ask(&s, EXCHANGE_GET);
	origin = exchange_scene_accept(&s, text);
	session_lab_send(origin,
		"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello");
	session_lab_read(&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
	close(s.client);
	s.client = dup(s.listener);
	session_lab_send(origin, "more");
	session_lab_line(&s.lab, "outcome", "client_gone");
	/* Its connection was in the middle of an answer: not kept. */
	loop_until_readable(s.lab.loop, origin, "the end of the connection");
	assert_true(recv(origin, &byte, 1, 0) <= 0);
	assert_int_equal(s.lab.sandbox->connections, 0);
	close(origin);
	exchange_scene_close(&s);
}

/* Decided, and gone before the turn has ended that puts it on record. */
static void
test_a_client_that_leaves_at_once(void **state)
{
	struct exchange_scene s;
	const char *line, *id;
	struct session *session;
	char wanted[32];

	(void)state;
	exchange_scene_open(&s);
	exchange_scene_ask(&s, EXCHANGE_GET);
	session = TAILQ_FIRST(&s.lab.sandbox->sessions);
	ev_invoke(s.lab.loop, &session->flow.client.io, EV_READ);
	assert_int_equal(session->state, S_SERVE);
	assert_string_equal(session_lab_log(&s.lab), "");
	session_close_all(s.lab.sandbox);
	line = session_lab_line(&s.lab, "\"decision\"", "\"allowed\"");
	id = strstr(line, "\"id\":");
	assert_non_null(id);
	snprintf(wanted, sizeof(wanted), "%.23s", id);
	line = session_lab_line(&s.lab, "\"outcome\"", "client_gone");
	assert_non_null(strstr(line, wanted));
	assert_int_equal(exchange_scene_connects, 0);
	exchange_scene_close(&s);
}

/* More than all the buffers on the way hold, to a client that reads late. */
static void
test_a_large_answer(void **state)
{
	enum { SIZE = 2 << 20 };
	char head[128], *body = malloc(SIZE), *got = malloc(SIZE + 1024);
	size_t sent = 0, len = 0;
	char text[EXCHANGE_TEXT], *at;
	struct exchange_scene s;
	int origin;

	(void)state;
	assert_true(body != NULL && got != NULL);
	for (size_t i = 0; i < SIZE; i++)
		body[i] = (char)(i * 7 + i / 251);
	exchange_scene_open(&s);
	exchange_scene_ask(&s, EXCHANGE_GET);
	origin = exchange_scene_accept(&s, text);
	snprintf(head, sizeof(head),
		"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
	session_lab_send(origin, head);
	while (len == 0 ||
		(size_t)(strstr(got, "\r\n\r\n") + 4 - got) + SIZE > len) {
		ssize_t n =
			send(origin, body + sent, SIZE - sent, MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		loop_once(s.lab.loop);
		/* Only when nothing more moves does the client read. */
		if (n > 0)
			continue;
		n = recv(s.client, got + len, SIZE + 1023 - len, 0);
		len += n > 0 ? (size_t)n : 0;
		got[len] = '\0';
	}
	at = strstr(got, "\r\n\r\n") + 4;
	assert_int_equal((size_t)(at - got) + SIZE, len);
	assert_memory_equal(at, body, SIZE);
	free(body);
	free(got);
	close(origin);
	exchange_scene_close(&s);
}

/* A body in chunks, and trailers that do not fit what is written behind it. */
static void
write_large_trailers(char *ret, size_t size)
{
	enum { BODY = 8192, VALUE = 15000 };
	size_t len = (size_t)snprintf(
		ret, size, "%x\r\n%0*d\r\n0\r\n", BODY, BODY, 0);

	for (int i = 0; i < 4; i++)
		len += (size_t)snprintf(
			ret + len, size - len, "x-%d: %0*d\r\n", i, VALUE, 0);
	assert_true(len + sizeof("\r\n") <= size);
	memcpy(ret + len, "\r\n", sizeof("\r\n"));
}

/* Both ways, all of it there at once. */
static void
test_large_trailers(void **state)
{
	enum { SIZE = 80 << 10 };
	static char tail[SIZE], text[SIZE];
	struct exchange_scene s;
	int origin;

	(void)state;
	write_large_trailers(tail, SIZE);
	exchange_scene_open(&s);
	exchange_scene_ask(&s,
		"POST /x HTTP/1.1\r\nHost: a.test:@\r\nTE: trailers\r\n"
		"Transfer-Encoding: chunked\r\n\r\n");
	session_lab_send(s.client, tail);
	origin = session_lab_accept(&s.lab, s.listener);
	session_lab_read(&s.lab, origin, "\r\nx-3: 0", text, SIZE);
	session_lab_send(origin,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	session_lab_send(origin, tail);
	session_lab_read(&s.lab, s.client, "\r\nx-3: 0", text, SIZE);
	session_lab_line(&s.lab, "outcome", "complete");
	close(origin);
	exchange_scene_close(&s);
}

/* Half an answer must not look like a whole one. */
static void
test_an_answer_that_is_cut_off(void **state)
{
	char text[EXCHANGE_TEXT];
	struct exchange_scene s;
	int origin;

	(void)state;
	exchange_scene_open(&s);
	exchange_scene_ask(&s, EXCHANGE_GET);
	origin = exchange_scene_accept(&s, text);
	session_lab_send(origin,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n");
	session_lab_read(&s.lab, s.client, "hello", text, EXCHANGE_TEXT);
	close(origin);
	session_lab_read(&s.lab, s.client, "", text, EXCHANGE_TEXT);
	assert_null(strstr(text, "0\r\n\r\n"));
	session_lab_line(&s.lab, "origin_gone", "\"bytes_down\":5");
	exchange_scene_close(&s);
}

static void
fill_socket(int fd)
{
	static const char much[1 << 16];

	while (send(fd, much, sizeof(much), MSG_NOSIGNAL) > 0)
		;
}

static void
on_passed(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	*(bool *)w->data = true;
}

/* How often the loop wakes up in a fifth of a second. */
static unsigned
count_turns(struct ev_loop *loop)
{
	unsigned before = ev_iteration(loop);
	bool passed = false;
	struct ev_timer timer;

	ev_timer_init(&timer, on_passed, 0.2, 0);
	timer.data = &passed;
	ev_now_update(loop);
	ev_timer_start(loop, &timer);
	loop_until_set(loop, &passed, "a while to pass");
	return ev_iteration(loop) - before;
}

/* There is no room to tell the client of it: the loop sleeps until there is. */
static void
test_an_origin_that_fails_while_nobody_reads(void **state)
{
	static const char much[STREAM_OUT];
	char text[EXCHANGE_TEXT];
	struct exchange_scene s;
	struct stream *c;
	ssize_t n;
	int origin;

	(void)state;
	exchange_scene_open(&s);
	exchange_scene_ask(&s, EXCHANGE_GET);
	origin = exchange_scene_accept(&s, text);
	c = &TAILQ_FIRST(&s.lab.sandbox->sessions)->flow.client;
	fill_socket(c->fd);
	buf_add_some(&c->out, much, sizeof(much));
	assert_int_equal(buf_room(&c->out), 0);
	session_lab_send(origin, "this is not HTTP\r\n\r\n");
	close(origin);
	assert_in_range(count_turns(s.lab.loop), 1, 50);

	stream_flush(c);
	do {
		loop_once(s.lab.loop);
		n = recv(s.client, text, sizeof(text) - 1, 0);
	} while (n > 0 ? text[n - 1] == '\0' : n < 0);
	session_lab_line(&s.lab, "outcome", "upstream_http");
	exchange_scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_connection_is_used_again),
		cmocka_unit_test(test_a_stale_connection),
		cmocka_unit_test(test_it_is_asked_again_once),
		cmocka_unit_test(test_asked_again_on_a_new_connection),
		cmocka_unit_test(test_a_client_that_leaves),
		cmocka_unit_test(test_a_client_that_leaves_at_once),
		cmocka_unit_test(test_a_large_answer),
		cmocka_unit_test(test_large_trailers),
		cmocka_unit_test(test_an_answer_that_is_cut_off),
		cmocka_unit_test(test_an_origin_that_fails_while_nobody_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
