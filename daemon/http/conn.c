#include "conn.h"

#include "codec.h"

static struct http_conn *(*const makers[])(
	bool server, struct buf *in, struct buf *out) = {
	[HTTP_1] = h1_new,
	[HTTP_2] = h2_new,
};

struct http_conn *
http_server_new(enum http_version v, struct buf *in, struct buf *out)
{
	return makers[v](true, in, out);
}

struct http_conn *
http_client_new(enum http_version v, struct buf *in, struct buf *out)
{
	return makers[v](false, in, out);
}

void
http_conn_free(struct http_conn *c)
{
	if (c != NULL)
		c->codec->free(c);
}

enum http_version
http_conn_version(const struct http_conn *c)
{
	return c->codec->version;
}

void
http_conn_set_time(struct http_conn *c, double now)
{
	c->now = now;
}

void
http_conn_set_plain(struct http_conn *c)
{
	c->plain = true;
}

struct http_stream *
http_conn_next_ready(struct http_conn *c)
{
	return c->codec->next_ready(c);
}

int
http_conn_run(struct http_conn *c, bool eof)
{
	c->eof = c->eof || eof;
	return c->codec->run(c);
}

const char *
http_conn_error(const struct http_conn *c)
{
	return c->error;
}

int
http_conn_error_status(const struct http_conn *c)
{
	return c->error_status;
}

bool
http_conn_was_cut(const struct http_conn *c)
{
	return c->cut;
}

struct http_stream *
http_conn_accept(struct http_conn *c)
{
	return c->codec->accept(c);
}

bool
http_conn_can_request(const struct http_conn *c)
{
	return c->codec->request_room(c) > 0;
}

unsigned
http_conn_request_room(const struct http_conn *c)
{
	return c->codec->request_room(c);
}

bool
http_conn_is_settled(const struct http_conn *c)
{
	return c->settled;
}

bool
http_conn_can_upgrade(const struct http_conn *c)
{
	return c->codec->can_upgrade(c);
}

struct http_stream *
http_conn_request(struct http_conn *c, const struct http_head *h)
{
	return c->codec->request(c, h);
}

bool
http_conn_is_idle(const struct http_conn *c)
{
	return c->codec->is_idle(c);
}

bool
http_conn_must_close(const struct http_conn *c)
{
	return c->must_close || c->close_asked;
}

void
http_conn_set_close(struct http_conn *c)
{
	c->close_asked = true;
	if (c->codec->say_close != NULL)
		c->codec->say_close(c);
}

void
http_conn_shrink(struct http_conn *c)
{
	c->codec->shrink(c);
}

bool
http_conn_is_finished(const struct http_conn *c)
{
	return c->finished;
}

void
http_stream_set_owner(struct http_stream *s, void *owner)
{
	s->owner = owner;
}

void *
http_stream_owner(const struct http_stream *s)
{
	return s->owner;
}

const char *
http_stream_refused(const struct http_stream *s, int *ret_status)
{
	if (s->refused != NULL)
		*ret_status = s->refused_status;
	return s->refused;
}

enum http_reset
http_stream_reset(const struct http_stream *s, uint32_t *ret_code)
{
	if (ret_code != NULL)
		*ret_code = s->reset_code;
	return s->reset;
}

void
http_stream_ignore_rest(struct http_stream *s)
{
	/* Or it would be taken for the next request. */
	if (!s->receive_ended && s->conn->codec->version == HTTP_1)
		s->conn->close_asked = true;
}

void
http_stream_set_reset(struct http_stream *s, uint32_t code)
{
	s->our_code = code;
}

const struct http_head *
http_stream_head(const struct http_stream *s)
{
	return s->head;
}

void
http_stream_next_head(struct http_stream *s)
{
	s->conn->codec->next_head(s);
}

enum http_body
http_stream_peek(struct http_stream *s, struct span *ret)
{
	return s->conn->codec->peek(s, ret);
}

void
http_stream_consume(struct http_stream *s, size_t len)
{
	s->conn->codec->consume(s, len);
}

const struct http_head *
http_stream_trailers(const struct http_stream *s)
{
	return s->trailers;
}

int
http_stream_send_head(struct http_stream *s, const struct http_head *h)
{
	return s->conn->codec->send_head(s, h);
}

size_t
http_stream_room(const struct http_stream *s)
{
	return s->conn->codec->room(s);
}

ssize_t
http_stream_send(struct http_stream *s, const void *data, size_t len)
{
	return s->conn->codec->send(s, data, len);
}

bool
http_stream_is_last(const struct http_stream *s, size_t len)
{
	return s->conn->codec->is_last(s, len);
}

ssize_t
http_stream_send_last(struct http_stream *s, const void *data, size_t len)
{
	ssize_t n;

	s->sends_last = true;
	n = http_stream_send(s, data, len);
	s->sends_last = false;
	/* What stands in the way of it now does so when it is asked again. */
	if (n == (ssize_t)len)
		(void)http_stream_send_end(s, NULL);
	return n;
}

int
http_stream_send_end(struct http_stream *s, const struct http_head *trailers)
{
	return s->conn->codec->send_end(s, trailers);
}

bool
http_stream_sent_head(const struct http_stream *s)
{
	return s->sent_head;
}

bool
http_stream_send_ended(const struct http_stream *s)
{
	return s->send_ended;
}

bool
http_stream_receive_ended(const struct http_stream *s)
{
	return s->receive_ended;
}

void
http_stream_close(struct http_stream *s)
{
	s->conn->codec->close(s);
}
