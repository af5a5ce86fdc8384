/*
 * h2.c - the HTTP/2 codec: many streams over two buffers
 *
 * Theory of operation
 *
 * The protocol is the library's: frames, HPACK, stream states, flow control
 * and what RFC 9113 calls malformed.  It is given bytes and never a socket.
 * http_conn_run() feeds it all of `in`; the callbacks (h2_receive.c) sort what
 * came into streams (h2_stream.c); then it writes what is due into `out`, and
 * stops where `out` ends.  Whatever has no room waits in the library, bounded
 * by its own limits and by the budget.
 *
 * What bounds what a peer can make us hold:
 *
 *	bodies   the connection's window, which only consumption opens
 *	heads    64 KiB and 128 fields each, HEADS_HELD_MAX together
 *	streams  100 at a time
 *	answers  PING, SETTINGS and RST_STREAM that wait for `out`: the
 *library's limit, and before it the budget against useless frames
 *
 * PRIORITY is not switched off (RFC 9218 2.1): the library, as of 1.52, frees
 * twice when memory runs out on that path.  The budget bounds it.
 *
 * The library has said GOAWAY by itself when a frame broke the rules; we note
 * its code as it goes out (h2_receive.c) and read no more.
 */
#include "h2.h"

#include <errno.h>
#include <stdlib.h>

#include "array.h"

enum {
	STREAM_WINDOW_SERVER = 128 * 1024,
	CONN_WINDOW_SERVER = 512 * 1024,
	STREAM_WINDOW_CLIENT = 256 * 1024,
	CONN_WINDOW_CLIENT = 1024 * 1024,
	HEADER_TABLE = 4096,
	FRAME_MAX = 16384,
	ACKS_MAX = 500,    /* that wait for room in `out` */
	SETTINGS_MAX = 32, /* in one frame */
	CONTINUATIONS_MAX = 8,
	/* As good as none: the library's limit goes by a clock of its own and
	 * knows no useful work.  The budget is ours. */
	RESET_BURST = 1 << 30,
	RESET_RATE = 1 << 20,
	PREFACE = 24,
};

int
h2_fail(struct h2 *h, const char *text, int status)
{
	struct http_conn *c = &h->base;

	if (c->error == NULL) {
		c->error = text;
		c->error_status = http_conn_fault_status(c, status);
		c->must_close = true;
		(void)h2_receive_cut(h);
	}
	return -EPROTO;
}

int
h2_check(struct h2 *h, int error)
{
	bool ours = error == NGHTTP2_ERR_NOMEM ||
		    error == NGHTTP2_ERR_CALLBACK_FAILURE;

	if (error >= 0)
		return 0;
	h->dead = true;
	return h2_fail(h, h2_library_text(error), ours ? 503 : 400);
}

int
h2_flush(struct h2 *h)
{
	int r = -EPROTO;

	h->blocked = false;
	if (!h->dead)
		r = h2_check(h, nghttp2_session_send(h->session));
	if (r == 0 && h->secret_sent && !h->blocked) {
		h2_memory_wipe_frames(&h->memory);
		h->secret_sent = false;
	}
	return r;
}

/* Nothing that the peer sends is read any more, and it is told why. */
static int
give_up(struct h2 *h, uint32_t code)
{
	(void)h2_check(h, nghttp2_session_terminate_session(h->session, code));
	return h2_fail(h, h2_code_text(code), 400);
}

static int
feed(struct h2 *h)
{
	struct span in = buf_span(h->base.in);
	size_t len = h2_budget_read(&h->budget, in);
	ssize_t used;

	used = nghttp2_session_mem_recv(
		h->session, (const uint8_t *)in.ptr, len);
	buf_consume(h->base.in, in.len);
	/* It tells the peer nothing of these, though it still can. */
	if (used == NGHTTP2_ERR_FLOODED ||
		used == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
		return give_up(h, NGHTTP2_ENHANCE_YOUR_CALM);
	return h2_check(h, (int)used);
}

/* All streams whose message is complete live on. */
static int
at_end_of_input(struct h2 *h)
{
	struct http_conn *c = &h->base;

	c->must_close = true;
	if (!h2_receive_cut(h))
		return 0;
	c->error = "the connection ended within a message";
	c->error_status = c->server ? 400 : 502;
	c->cut = true;
	return -EPROTO;
}

static int
h2_run(struct http_conn *c)
{
	struct h2 *h = h2_of(c);

	h2_budget_refill(&h->budget, c->now);
	if (c->error == NULL && c->in->len > 0)
		(void)feed(h);
	if (c->error == NULL && h2_budget_is_spent(&h->budget))
		(void)give_up(h, NGHTTP2_ENHANCE_YOUR_CALM);
	(void)h2_flush(h);
	if (c->error == NULL && c->eof)
		(void)at_end_of_input(h);
	h2_stream_wake_waiting(h);
	return c->error == NULL ? 0 : -EPROTO;
}

/* Streams that are open live on; the peer may repeat elsewhere all requests
 * that came after the last one which we took. */
static void
h2_say_close(struct http_conn *c)
{
	struct h2 *h = h2_of(c);

	if (h->goaway_sent || c->error != NULL)
		return;
	h->goaway_sent = true;
	(void)h2_check(
		h, nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
			   nghttp2_session_get_last_proc_stream_id(h->session),
			   NGHTTP2_NO_ERROR, NULL, 0));
	(void)h2_flush(h);
}

static bool
h2_is_idle(const struct http_conn *c)
{
	const struct h2 *h = h2_of(c);

	return TAILQ_EMPTY(&h->streams) && !http_conn_must_close(c) &&
	       c->in->len == 0;
}

static void
h2_shrink(struct http_conn *c)
{
	struct h2 *h = h2_of(c);

	if (!h2_is_idle(c))
		return;
	h2_stream_free_spare(h);
	buf_done(&h->cookies);
}

static void
h2_free(struct http_conn *c)
{
	struct h2 *h = h2_of(c);

	h2_stream_free_all(h);
	buf_done(&h->cookies);
	nghttp2_session_del(h->session);
	free(h);
}

static const struct http_codec codec = {
	.version = HTTP_2,
	.free = h2_free,
	.run = h2_run,
	.next_ready = h2_next_ready,
	.accept = h2_accept,
	.request_room = h2_request_room,
	.can_upgrade = h2_can_upgrade,
	.request = h2_request,
	.is_idle = h2_is_idle,
	.shrink = h2_shrink,
	.say_close = h2_say_close,
	.next_head = h2_next_head,
	.peek = h2_peek,
	.is_last = h2_is_last,
	.consume = h2_consume,
	.send_head = h2_send_head,
	.room = h2_room,
	.send = h2_send,
	.send_end = h2_send_end,
	.close = h2_close,
};

/* ---- opening ---- */

static nghttp2_option *
options(void)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o) < 0)
		return NULL;
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_closed_streams(o, 1);
	nghttp2_option_set_peer_max_concurrent_streams(o, H2_STREAMS_MAX);
	nghttp2_option_set_max_send_header_block_length(
		o, 2 * (size_t)HTTP_HEAD_WIRE_MAX);
	nghttp2_option_set_max_outbound_ack(o, ACKS_MAX);
	nghttp2_option_set_max_settings(o, SETTINGS_MAX);
	nghttp2_option_set_max_continuations(o, CONTINUATIONS_MAX);
	nghttp2_option_set_stream_reset_rate_limit(o, RESET_BURST, RESET_RATE);
	return o;
}

static int
open_session(struct h2 *h)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *o = options();
	int r = -1;

	if (o != NULL && nghttp2_session_callbacks_new(&callbacks) == 0) {
		h2_receive_callbacks(callbacks);
		h2_send_callbacks(callbacks);
		r = h->base.server ? nghttp2_session_server_new3(&h->session,
					     callbacks, h, o, &h->memory.hooks)
				   : nghttp2_session_client_new3(&h->session,
					     callbacks, h, o, &h->memory.hooks);
	}
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(o);
	h2_memory_settle(&h->memory);
	return r;
}

static int
submit_settings(struct h2 *h)
{
	bool server = h->base.server;
	nghttp2_settings_entry entries[6] = {
		{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, HEADER_TABLE},
		{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, FRAME_MAX},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
			server ? STREAM_WINDOW_SERVER : STREAM_WINDOW_CLIENT},
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	};
	size_t count = 5;
	int r;

	if (server) {
		entries[4] = (nghttp2_settings_entry){
			NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
			H2_STREAMS_MAX};
		entries[count++] = (nghttp2_settings_entry){
			NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};
	}
	r = nghttp2_submit_settings(
		h->session, NGHTTP2_FLAG_NONE, entries, count);
	if (r == 0)
		r = nghttp2_session_set_local_window_size(h->session,
			NGHTTP2_FLAG_NONE, 0,
			server ? CONN_WINDOW_SERVER : CONN_WINDOW_CLIENT);
	return r;
}

struct http_conn *
h2_new(bool server, struct buf *in, struct buf *out)
{
	struct h2 *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->base = (struct http_conn){
		.codec = &codec,
		.in = in,
		.out = out,
		.server = server,
	};
	TAILQ_INIT(&h->streams);
	TAILQ_INIT(&h->spare);
	TAILQ_INIT(&h->arrived);
	TAILQ_INIT(&h->ready);
	TAILQ_INIT(&h->waiting);
	TAILQ_INIT(&h->woken);
	TAILQ_INIT(&h->stalled);
	buf_init(&h->cookies, HTTP_HEAD_MAX);
	h2_budget_init(&h->budget, server ? PREFACE : 0);
	h2_memory_init(&h->memory);
	if (open_session(h) == 0 && submit_settings(h) == 0 && h2_flush(h) == 0)
		return &h->base;
	h2_free(&h->base);
	return NULL;
}
