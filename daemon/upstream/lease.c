#include "lease.h"

#include <errno.h>
#include <stdlib.h>

#include "carrier.h"
#include "stream.h"
#include "tls.h"

static struct stream *
stream_of(const struct lease *l)
{
	return origin_stream(l->carrier->origin);
}

void
lease_own(struct lease *l, void (*changed)(void *arg), void *arg)
{
	l->changed = changed;
	l->arg = arg;
}

void
lease_end(struct lease *l)
{
	if (l == NULL)
		return;
	if (l->stream != NULL)
		http_stream_close(l->stream);
	if (l->carrier != NULL)
		carrier_remove(l->carrier, l);
	free(l);
}

enum lease_state
lease_state(const struct lease *l)
{
	if (l->carrier == NULL || l->stranded)
		return LEASE_FAILED;
	switch (origin_state(l->carrier->origin)) {
	case ORIGIN_FAILED:
		return LEASE_FAILED;
	case ORIGIN_READY:
		return l->admitted ? LEASE_READY : LEASE_WAITS;
	case ORIGIN_DIALLING:
	case ORIGIN_HANDSHAKE:
		break;
	}
	return LEASE_WAITS;
}

enum origin_failure
lease_failure(const struct lease *l)
{
	if (l->stranded)
		return ORIGIN_UNREACHABLE;
	return l->carrier != NULL ? origin_failure(l->carrier->origin)
				  : ORIGIN_NO_MEMORY;
}

const char *
lease_why(const struct lease *l)
{
	if (l->stranded)
		return "the origin takes no request on a new connection";
	return l->carrier != NULL ? origin_why(l->carrier->origin)
				  : "out of memory";
}

const struct sockaddr *
lease_address(const struct lease *l)
{
	return l->carrier != NULL ? origin_address(l->carrier->origin) : NULL;
}

struct http_conn *
lease_http(const struct lease *l)
{
	return origin_http(l->carrier->origin);
}

struct http_stream *
lease_request(struct lease *l, const struct http_head *head, bool secret)
{
	struct stream *s = stream_of(l);
	size_t bound = s->out.bound;

	if (l->want.upgrade ? !http_conn_can_upgrade(lease_http(l))
			    : !http_conn_can_request(lease_http(l))) {
		errno = EBUSY;
		return NULL;
	}
	/* A head fits, whatever waits there already. */
	s->out.bound = bound + HTTP_HEAD_WIRE_MAX;
	s->out.secret = s->out.secret || secret;
	l->heard = s->bytes_in;
	l->stream = http_conn_request(lease_http(l), head);
	s->out.bound = bound;
	if (l->stream == NULL)
		return NULL;
	carrier_begun_one(l->carrier);
	http_stream_set_owner(l->stream, l);
	stream_flush(s);
	return l->stream;
}

int
lease_request_end(struct lease *l, const struct http_head *trailers)
{
	struct buf *out = &stream_of(l)->out;
	size_t bound = out->bound;
	int r;

	out->bound = bound + HTTP_HEAD_WIRE_MAX;
	r = http_stream_send_end(l->stream, trailers);
	out->bound = bound;
	return r;
}

bool
lease_fill(struct lease *l)
{
	struct stream *s = stream_of(l);
	size_t n;

	if (carrier_is_http2(l->carrier))
		return false;
	n = stream_fill(s);
	/* Only an end that was said is one: a body that lasts until the
	 * connection closes is not complete when it was reset, or cut without
	 * TLS's close_notify. */
	http_conn_run(lease_http(l), s->read_done && s->error == 0);
	return n > 0;
}

void
lease_settle(struct lease *l)
{
	struct stream *s = stream_of(l);

	if (s->out.len > 0)
		stream_flush(s);
	if (http_conn_is_finished(lease_http(l)))
		stream_finish(s);
	if (carrier_is_http2(l->carrier))
		carrier_queue(l->carrier);
	else
		stream_watch(s, buf_room(&s->in) > 0);
}

void
lease_rest(struct lease *l)
{
	if (lease_state(l) == LEASE_READY && !carrier_is_http2(l->carrier))
		stream_watch(stream_of(l), false);
}

bool
lease_takes(const struct lease *l)
{
	const struct stream *s = stream_of(l);

	return s->error == 0 && !s->write_done;
}

bool
lease_is_over(const struct lease *l)
{
	const struct stream *s = stream_of(l);

	return s->error != 0 || s->read_done;
}

bool
lease_refused_http1(const struct lease *l)
{
	const struct stream *s = stream_of(l);

	return l->carrier->offer == TLS_OFFER_HTTP1 && s->tls != NULL &&
	       tls_alpn(s->tls) == TLS_ALPN_NONE && s->bytes_in == 0 &&
	       (s->error == 0 ? s->read_done : s->error == -ECONNRESET);
}

bool
lease_has_no_memory(const struct lease *l)
{
	return stream_of(l)->error == -ENOMEM;
}

bool
lease_was_stale(const struct lease *l)
{
	if (!origin_is_used(l->carrier->origin) || !lease_is_over(l))
		return false;
	return carrier_is_http2(l->carrier)
		       ? http_stream_head(l->stream) == NULL
		       : stream_of(l)->bytes_in == l->heard;
}
