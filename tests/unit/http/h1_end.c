#include "h1_end.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void
h1_end_open(struct h1_end *e, bool server)
{
	*e = (struct h1_end){.s = NULL};
	buf_init(&e->in, 16 * 1024);
	buf_init(&e->out, HTTP_HEAD_WIRE_MAX);
	e->conn = server ? http_server_new(HTTP_1, &e->in, &e->out)
			 : http_client_new(HTTP_1, &e->in, &e->out);
	assert_non_null(e->conn);
}

void
h1_end_close(struct h1_end *e)
{
	http_conn_free(e->conn);
	buf_done(&e->in);
	buf_done(&e->out);
}

void
h1_end_arrive(struct h1_end *e, const char *bytes)
{
	assert_int_equal(buf_add(&e->in, bytes, strlen(bytes)), 0);
	assert_int_equal(http_conn_run(e->conn, false), 0);
}

void
h1_end_assert_out(struct h1_end *e, const char *expected)
{
	assert_int_equal(e->out.len, strlen(expected));
	assert_memory_equal(buf_span(&e->out).ptr, expected, e->out.len);
	buf_consume(&e->out, e->out.len);
}

void
h1_end_assert_body(struct h1_end *e, const char *expected)
{
	struct span piece;

	assert_int_equal(http_stream_peek(e->s, &piece), HTTP_DATA);
	assert_int_equal(piece.len, strlen(expected));
	assert_memory_equal(piece.ptr, expected, piece.len);
	http_stream_consume(e->s, piece.len);
}
