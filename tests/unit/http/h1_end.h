/*
 * One end of HTTP/1.1 with its two buffers and one stream, and what a test of
 * an upgrade says of it.
 */
#ifndef SBX_TEST_H1_END_H
#define SBX_TEST_H1_END_H

#include "buf.h"
#include "conn.h"

#define LINE "GET /chat HTTP/1.1\r\nHost: a.test\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define WANTED LINE CONNECTION "Upgrade: websocket\r\n\r\n"
#define SWITCHED \
	"HTTP/1.1 101 Switching Protocols\r\n" \
	"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

struct h1_end {
	struct buf in, out;
	struct http_conn *conn;
	struct http_stream *s;
};

void h1_end_open(struct h1_end *e, bool server);
void h1_end_close(struct h1_end *e);

/* From the peer; must be no error. */
void h1_end_arrive(struct h1_end *e, const char *bytes);

/* All that is to go to the peer, which is taken. */
void h1_end_assert_out(struct h1_end *e, const char *expected);

/* All of the body that is there, which is consumed. */
void h1_end_assert_body(struct h1_end *e, const char *expected);

#endif
