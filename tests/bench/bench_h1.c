/*
 * bench_h1.c - what the HTTP/1.1 codec alone costs
 *
 *	bench_h1 [REQUESTS]
 *
 * One keep-alive connection each way, as in the daemon: a request is parsed,
 * checked and rebuilt by the rules, written to the origin's leg; a response is
 * parsed there, rebuilt and written back with its body.  Prints exchanges per
 * CPU second.  No sockets, no TLS, no policy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "conn.h"
#include "message.h"
#include "rules.h"

enum {
	BOUND = HTTP_HEAD_WIRE_MAX,
	DEFAULT_REQUESTS = 500 * 1000,
};

static const char request[] =
	"GET /repos/example/project/contents/README.md?ref=main HTTP/1.1\r\n"
	"Host: api.example.org\r\n"
	"User-Agent: bench/1.0 (linux)\r\n"
	"Accept: application/json, text/plain;q=0.9, */*;q=0.8\r\n"
	"Accept-Encoding: gzip, deflate, br\r\n"
	"Connection: keep-alive\r\n"
	"Cookie: session=0123456789abcdef0123456789abcdef\r\n"
	"If-None-Match: \"0123456789abcdef\"\r\n\r\n";

static const char response[] =
	"HTTP/1.1 200 OK\r\n"
	"Server: origin\r\n"
	"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
	"Content-Type: application/json; charset=utf-8\r\n"
	"Cache-Control: private, max-age=60\r\n"
	"Content-Length: 22\r\n\r\n"
	"{\"hello\":\"from afar\"}\n";

struct leg {
	struct buf in, out;
	struct http_conn *conn;
	struct http_head built;
};

static void
check(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "bench_h1: %s\n", what);
	exit(1);
}

static void
open_leg(struct leg *l, int server)
{
	buf_init(&l->in, BOUND);
	buf_init(&l->out, BOUND);
	http_head_init(&l->built);
	l->conn = server ? http_server_new(HTTP_1, &l->in, &l->out)
			 : http_client_new(HTTP_1, &l->in, &l->out);
	check(l->conn != NULL, "out of memory");
}

static void
close_leg(struct leg *l)
{
	http_conn_free(l->conn);
	http_head_done(&l->built);
	buf_done(&l->in);
	buf_done(&l->out);
}

static void
relay(struct http_stream *from, struct http_stream *to)
{
	struct span piece;

	while (http_stream_peek(from, &piece) == HTTP_DATA) {
		ssize_t sent = http_stream_send(to, piece.ptr, piece.len);

		check(sent > 0, "no room");
		http_stream_consume(from, (size_t)sent);
	}
	check(http_stream_receive_ended(from), "no end");
	check(http_stream_send_end(to, NULL) == 0, "send_end");
}

static void
exchange(struct leg *down, struct leg *up)
{
	struct http_stream *s, *t;
	const struct http_head *h;
	int status;

	buf_add(&down->in, request, sizeof(request) - 1);
	check(http_conn_run(down->conn, false) == 0, "request");
	s = http_conn_accept(down->conn);
	check(s != NULL, "accept");
	h = http_stream_head(s);
	check(http_rules_refuse(h, &status) == NULL, "refused");
	check(http_rules_request(h, http_head_authority(h), &up->built) == 0,
		"rules");
	t = http_conn_request(up->conn, &up->built);
	check(t != NULL, "request");
	relay(s, t);
	buf_consume(&up->out, up->out.len);

	buf_add(&up->in, response, sizeof(response) - 1);
	check(http_conn_run(up->conn, false) == 0, "response");
	h = http_stream_head(t);
	check(h != NULL, "no response");
	check(http_rules_response(h, &down->built) == 0, "rules");
	check(http_stream_send_head(s, &down->built) == 0, "send_head");
	relay(t, s);
	http_stream_close(s);
	http_stream_close(t);
	buf_consume(&down->out, down->out.len);
}

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : DEFAULT_REQUESTS;
	struct leg down, up;
	double start, spent;

	check(n > 0, "usage: bench_h1 [REQUESTS]");
	open_leg(&down, 1);
	open_leg(&up, 0);
	start = cpu_seconds();
	for (long i = 0; i < n; i++)
		exchange(&down, &up);
	spent = cpu_seconds() - start;
	printf("%ld exchanges, %.2f s CPU, %.0f a second, %.2f us each\n", n,
		spent, (double)n / spent, spent / (double)n * 1e6);
	close_leg(&down);
	close_leg(&up);
	return 0;
}
