/*
 * bench_h2.c - what the HTTP/2 codec alone costs
 *
 *	bench_h2 [REQUESTS [STREAMS]]
 *
 * As bench_h1.c, with both ends in one process, for HTTP/2 cannot be replayed:
 * client conn, [server conn, rules, client conn], server conn.  STREAMS
 * requests are in flight at a time.  Prints exchanges per CPU second; half of
 * each is the ends, which the daemon does not do.
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
	BOUND = 64 * 1024,
	DEFAULT_REQUESTS = 200 * 1000,
	DEFAULT_STREAMS = 10,
	STREAMS_MAX = 100,
};

static const char answer_body[] = "{\"hello\":\"from afar\"}\n";

struct leg {
	struct buf in, out;
	struct http_conn *conn;
	struct http_head head; /* what it sends */
};

/* In the order of the way there. */
static struct leg client, near_leg, far_leg, origin;
static struct http_stream *asked[STREAMS_MAX];

static void
check(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "bench_h2: %s\n", what);
	exit(1);
}

static void
open_leg(struct leg *l, int server)
{
	buf_init(&l->in, BOUND);
	buf_init(&l->out, BOUND);
	http_head_init(&l->head);
	l->conn = server ? http_server_new(HTTP_2, &l->in, &l->out)
			 : http_client_new(HTTP_2, &l->in, &l->out);
	check(l->conn != NULL, "out of memory");
}

static void
close_leg(struct leg *l)
{
	http_conn_free(l->conn);
	http_head_done(&l->head);
	buf_done(&l->in);
	buf_done(&l->out);
}

static void
add(struct http_head *h, const char *name, const char *value)
{
	check(http_head_add(h, span_of(name), span_of(value), false) == 0,
		"field");
}

static void
make_heads(void)
{
	struct http_head *h = &client.head;

	check(http_head_set_method(h, SPAN_LITERAL("GET")) == 0, "method");
	check(http_head_set_target(h, SPAN_LITERAL("/repos/example/project/"
						   "contents/README.md")) == 0,
		"target");
	add(h, "host", "api.example.org");
	add(h, "user-agent", "bench/1.0 (linux)");
	add(h, "accept", "application/json, text/plain;q=0.9, */*;q=0.8");
	add(h, "accept-encoding", "gzip, deflate, br");
	add(h, "cookie", "session=0123456789abcdef0123456789abcdef");
	add(h, "if-none-match", "\"0123456789abcdef\"");

	h = &origin.head;
	h->status = 200;
	h->framing = HTTP_LENGTH;
	h->content_length = sizeof(answer_body) - 1;
	add(h, "server", "origin");
	add(h, "date", "Thu, 01 Jan 1970 00:00:00 GMT");
	add(h, "content-type", "application/json; charset=utf-8");
	add(h, "cache-control", "private, max-age=60");
}

static void
move(struct leg *from, struct leg *to)
{
	struct span out = buf_span(&from->out);

	check(buf_add(&to->in, out.ptr, out.len) == 0, "no room");
	buf_consume(&from->out, out.len);
	check(http_conn_run(to->conn, false) == 0, "run");
}

static void
relay(struct http_stream *from, struct http_stream *to)
{
	struct span piece;

	while (http_stream_peek(from, &piece) == HTTP_DATA) {
		bool last = http_stream_is_last(from, piece.len);
		ssize_t sent =
			(last ? http_stream_send_last : http_stream_send)(
				to, piece.ptr, piece.len);

		check(sent > 0, "no room");
		http_stream_consume(from, (size_t)sent);
	}
	check(http_stream_receive_ended(from), "no end");
	check(http_stream_send_end(to, NULL) == 0, "send_end");
}

static void
pass_requests(void)
{
	struct http_stream *s, *t;
	const struct http_head *h;
	int status;

	while ((s = http_conn_accept(near_leg.conn)) != NULL) {
		h = http_stream_head(s);
		check(http_rules_refuse(h, &status) == NULL, "refused");
		check(http_rules_request(
			      h, http_head_authority(h), &far_leg.head) == 0,
			"rules");
		t = http_conn_request(far_leg.conn, &far_leg.head);
		check(t != NULL, "request");
		http_stream_set_owner(t, s);
	}
}

static void
answer_all(void)
{
	struct http_stream *s;

	while ((s = http_conn_accept(origin.conn)) != NULL) {
		check(http_stream_send_head(s, &origin.head) == 0, "send_head");
		check(http_stream_send_last(
			      s, answer_body, sizeof(answer_body) - 1) > 0,
			"send");
		check(http_stream_send_ended(s), "send_end");
		http_stream_close(s);
	}
}

static void
pass_responses(void)
{
	struct http_stream *s, *t;
	const struct http_head *h;

	while ((t = http_conn_next_ready(far_leg.conn)) != NULL) {
		s = http_stream_owner(t);
		h = http_stream_head(t);
		check(h != NULL, "no response");
		check(http_rules_response(h, &near_leg.head) == 0, "rules");
		check(http_stream_send_head(s, &near_leg.head) == 0,
			"send_head");
		relay(t, s);
		http_stream_close(s);
		http_stream_close(t);
	}
	while (http_conn_next_ready(near_leg.conn) != NULL)
		;
}

static void
take_responses(void)
{
	struct http_stream *s;
	struct span piece;

	while ((s = http_conn_next_ready(client.conn)) != NULL) {
		while (http_stream_peek(s, &piece) == HTTP_DATA)
			http_stream_consume(s, piece.len);
		check(http_stream_receive_ended(s), "no end");
		http_stream_close(s);
	}
}

static void
exchange(long streams)
{
	for (long i = 0; i < streams; i++) {
		asked[i] = http_conn_request(client.conn, &client.head);
		check(asked[i] != NULL, "request");
	}
	move(&client, &near_leg);
	pass_requests();
	move(&far_leg, &origin);
	answer_all();
	move(&origin, &far_leg);
	pass_responses();
	move(&near_leg, &client);
	take_responses();
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
	long streams = argc > 2 ? strtol(argv[2], NULL, 10) : DEFAULT_STREAMS;
	double start, spent;

	check(n > 0 && streams > 0 && streams <= STREAMS_MAX,
		"usage: bench_h2 [REQUESTS [STREAMS]]");
	open_leg(&client, 0);
	open_leg(&near_leg, 1);
	open_leg(&far_leg, 0);
	open_leg(&origin, 1);
	make_heads();
	start = cpu_seconds();
	for (long i = 0; i < n; i += streams)
		exchange(streams);
	spent = cpu_seconds() - start;
	printf("%ld exchanges, %.2f s CPU, %.0f a second, %.2f us each\n", n,
		spent, (double)n / spent, spent / (double)n * 1e6);
	close_leg(&client);
	close_leg(&near_leg);
	close_leg(&far_leg);
	close_leg(&origin);
	return 0;
}
