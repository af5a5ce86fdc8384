/*
 * What conn.c and the codecs share: the part of a connection and of a stream
 * that is the same for every version, and the table of what differs.  A codec
 * embeds both structs as the first member of its own.  Internal to the module.
 */
#ifndef SBX_HTTP_CODEC_H
#define SBX_HTTP_CODEC_H

#include "conn.h"

struct http_codec {
	enum http_version version;
	void (*free)(struct http_conn *c);
	int (*run)(struct http_conn *c);
	struct http_stream *(*next_ready)(struct http_conn *c);
	struct http_stream *(*accept)(struct http_conn *c);
	unsigned (*request_room)(const struct http_conn *c);
	bool (*can_upgrade)(const struct http_conn *c);
	struct http_stream *(*request)(
		struct http_conn *c, const struct http_head *h);
	bool (*is_idle)(const struct http_conn *c);
	void (*shrink)(struct http_conn *c);
	/* NULL: heads say it. */
	void (*say_close)(struct http_conn *c);

	void (*next_head)(struct http_stream *s);
	enum http_body (*peek)(struct http_stream *s, struct span *ret);
	bool (*is_last)(const struct http_stream *s, size_t len);
	void (*consume)(struct http_stream *s, size_t len);
	int (*send_head)(struct http_stream *s, const struct http_head *h);
	size_t (*room)(const struct http_stream *s);
	ssize_t (*send)(struct http_stream *s, const void *data, size_t len);
	int (*send_end)(
		struct http_stream *s, const struct http_head *trailers);
	void (*close)(struct http_stream *s);
};

struct http_conn {
	const struct http_codec *codec;
	struct buf *in, *out;
	const char *error; /* static text, NULL: none */
	int error_status;
	bool server;
	bool eof;         /* the peer has finished sending */
	bool cut;         /* … before its message was complete: the error */
	bool must_close;  /* a peer or a broken stream has made it so */
	bool close_asked; /* … or the owner */
	bool finished;    /* http_conn_is_finished() */
	bool settled;     /* http_conn_is_settled() */
	bool plain;       /* http_conn_set_plain() */
	double now;
};

struct http_stream {
	struct http_conn *conn;
	const struct http_head *head;     /* NULL: not complete */
	const struct http_head *trailers; /* NULL: none, or not yet */
	void *owner;
	const char *refused; /* static text; NULL: it is fine */
	int refused_status;
	enum http_reset reset;         /* by the peer */
	uint32_t reset_code, our_code; /* RFC 9113 7 */
	bool sent_head, send_ended, receive_ended;
	bool sends_last; /* within http_stream_send_last() */
};

/* What the error or refusal of a conn that has that status says to its owner:
 * on a client conn it is the origin's, if it is not ours. */
static inline int
http_conn_fault_status(const struct http_conn *c, int status)
{
	return c->server || status == 503 ? status : 502;
}

struct http_conn *h1_new(bool server, struct buf *in, struct buf *out);
struct http_conn *h2_new(bool server, struct buf *in, struct buf *out);

#endif
