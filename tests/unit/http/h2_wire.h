/*
 * The other end of an HTTP/2 conn, by hand: frames are built byte by byte, so
 * that they may break any rule, and what the conn writes is read back as text.
 */
#ifndef SBX_TEST_H2_WIRE_H
#define SBX_TEST_H2_WIRE_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "conn.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define GET_FIELDS ":method=GET\n:scheme=https\n:authority=a.test\n:path=/\n"
#define POST_FIELDS ":method=POST\n:scheme=https\n:authority=a.test\n:path=/\n"

enum { END = NGHTTP2_FLAG_END_STREAM, MORE = 0x80 /* no END_HEADERS */ };

struct wire {
	struct buf in, out;
	struct http_conn *conn;
	nghttp2_hd_inflater *inflater;
	char text[64 * 1024]; /* of what the conn said */
};

/* A conn whose peer has sent its preface and settings, and that has answered;
 * what it said is forgotten. */
void wire_open(struct wire *w, bool server);
void wire_open_bound(struct wire *w, bool server, size_t out_bound);
void wire_close(struct wire *w);

/* Bytes and frames go to `in`; wire_run() lets the conn read them. */
void wire_bytes(struct wire *w, const void *data, size_t len);
void wire_frame(struct wire *w, uint8_t type, uint8_t flags, int32_t id,
	const void *payload, size_t len);

/* fields: lines "name=value"; one that begins with '!' is never indexed. */
void wire_headers(
	struct wire *w, uint8_t flags, int32_t id, const char *fields);
void wire_data(struct wire *w, uint8_t flags, int32_t id, size_t len);
void wire_settings(struct wire *w, uint16_t id, uint32_t value);
void wire_window(struct wire *w, int32_t id, uint32_t by);
void wire_reset(struct wire *w, int32_t id, uint32_t code);
void wire_goaway(struct wire *w, int32_t last, uint32_t code);
int wire_run(struct wire *w);

/*
 * What the conn has said since, one frame after another: "HEADERS(1,end)
 * [:status=200;!x=1] DATA(1)5 DATA(1,end)0 RST(3,8) GOAWAY(0,1) WINDOW(0,9)
 * SETTINGS ACK PING".  '!': never indexed.
 */
const char *wire_said(struct wire *w);

/* A head to send: lines "name=value", and the parts. */
struct http_head wire_head(const char *fields);
struct http_head wire_request_head(const char *method, const char *fields);
struct http_head wire_response_head(int status, const char *fields);

/* A head received, as text: "GET / at a.test framing 0 length 0 [name=value;
 * …]" or "200 framing …"; in w->text. */
const char *wire_print(struct wire *w, const struct http_head *h);

#endif
