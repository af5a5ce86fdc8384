#include "http_end.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca.h"
#include "loop_until.h"
#include "monotonic.h"
#include "tls.h"

enum { FRAME_HEADER = 9, GOAWAY = 7, ENABLE_CONNECT_PROTOCOL = 8 };

static void
begin(struct http_end *e, enum http_version v)
{
	struct buf *in = &e->stream.in, *out = &e->stream.out;

	e->http = e->server ? http_server_new(v, in, out)
			    : http_client_new(v, in, out);
	assert_non_null(e->http);
	if (e->cannot_upgrade)
		http_end_set(e, ENABLE_CONNECT_PROTOCOL, 0);
}

/* Whether HTTP can be spoken. */
static bool
shake(struct http_end *e)
{
	int r;

	if (e->http != NULL)
		return true;
	if (e->stream.tls == NULL || e->failed)
		return false;
	r = tls_handshake(e->stream.tls);
	if (r == 0) {
		stream_watch_handshake(&e->stream);
		return false;
	}
	e->failed = r < 0;
	if (r > 0)
		begin(e, tls_alpn(e->stream.tls) == TLS_ALPN_H2 ? HTTP_2
								: HTTP_1);
	else
		stream_watch(&e->stream, false);
	return r > 0;
}

/* One that has nothing to say listens for the end all the same. */
static void
drop_all(struct stream *s)
{
	while (stream_fill(s) > 0)
		buf_consume(&s->in, s->in.len);
	stream_watch(s, true);
}

void
http_end_push(struct http_end *e)
{
	struct stream *s = &e->stream;
	size_t n;

	if (!shake(e)) {
		if (s->tls == NULL)
			drop_all(s);
		return;
	}
	do {
		n = stream_fill(s);
		http_conn_set_time(e->http, monotonic_now());
		(void)http_conn_run(e->http, s->read_done);
	} while (n > 0);
	if (s->out.len > 0)
		stream_flush(s);
	if (http_conn_is_finished(e->http))
		stream_finish(s);
	stream_watch(s, buf_room(&s->in) > 0);
}

static void
on_ready(void *arg)
{
	http_end_push(arg);
}

void
http_end_open(struct http_end *e, struct turn *turn, struct ev_loop *loop,
	int fd, bool server)
{
	*e = (struct http_end){.server = server, .open = true};
	buf_init(&e->held, 16);
	stream_init(&e->stream, loop, turn, fd);
	stream_own(&e->stream, on_ready, e);
	e->stream.hears_out = true;
}

void
http_end_speak(struct http_end *e, enum http_version v)
{
	begin(e, v);
	stream_watch(&e->stream, true);
	stream_flush(&e->stream);
}

static void
secure(struct http_end *e, struct tls *tls)
{
	assert_non_null(tls);
	stream_secure(&e->stream, tls);
	http_end_push(e);
}

void
http_end_accept(struct http_end *e, SSL_CTX *context, struct ca *ca,
	const char *name, enum tls_alpn answer)
{
	struct ca_leaf *leaf;
	bool minted;

	assert_int_equal(
		ca_leaf(ca, name, CA_KEY_EC, time(NULL), &leaf, &minted), 0);
	secure(e, tls_accept(context, e->stream.fd, &e->held,
			  &(struct tls_answer){
				  .certificate = ca_leaf_certificate(leaf),
				  .key = ca_leaf_key(leaf),
				  .protocol = answer,
			  }));
	ca_leaf_unref(leaf);
}

void
http_end_connect(struct http_end *e, SSL_CTX *context, const char *name,
	enum tls_offer offer)
{
	secure(e, tls_connect(context, e->stream.fd, name, NULL, offer));
}

void
http_end_close(struct http_end *e)
{
	if (!e->open)
		return;
	e->open = false;
	http_conn_free(e->http);
	e->http = NULL;
	stream_done(&e->stream);
	buf_done(&e->held);
}

static bool
is_settled(void *arg)
{
	const struct http_end *e = arg;

	return e->http != NULL || e->failed;
}

bool
http_end_is_ready(struct http_end *e)
{
	loop_until(e->stream.loop, is_settled, e, "a handshake");
	return !e->failed;
}

void
http_end_set(struct http_end *e, uint16_t setting, uint32_t value)
{
	struct span out = buf_span(&e->stream.out);
	uint8_t *at = (uint8_t *)(uintptr_t)out.ptr + FRAME_HEADER;
	const uint8_t *end = at + (at[-9] << 16 | at[-8] << 8 | at[-7]);

	for (; at < end; at += 6) {
		if (at[0] << 8 != (setting & 0xff00) ||
			at[1] != (setting & 0xff))
			continue;
		for (int i = 0; i < 4; i++)
			at[2 + i] = (uint8_t)(value >> (24 - 8 * i));
		return;
	}
	fail_msg("setting %u is not said", setting);
}

void
http_end_say(struct http_end *e, const void *bytes, size_t len)
{
	assert_int_equal(buf_add(&e->stream.out, bytes, len), 0);
	stream_flush(&e->stream);
}

void
http_end_goaway(struct http_end *e, int32_t last, uint32_t code)
{
	uint8_t frame[FRAME_HEADER + 8] = {0, 0, 8, GOAWAY};

	for (int i = 0; i < 4; i++) {
		frame[FRAME_HEADER + i] = (uint8_t)(last >> (24 - 8 * i));
		frame[FRAME_HEADER + 4 + i] = (uint8_t)(code >> (24 - 8 * i));
	}
	http_end_say(e, frame, sizeof(frame));
}

static bool
has_ended(void *arg)
{
	const struct http_end *e = arg;

	return e->stream.read_done || e->stream.error != 0;
}

void
http_end_wait_end(struct http_end *e)
{
	stream_watch(&e->stream, true);
	loop_until(e->stream.loop, has_ended, e, "the end of a connection");
}
