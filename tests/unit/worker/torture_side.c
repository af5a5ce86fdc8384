#include "torture_side.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "ca.h"
#include "context.h"
#include "loopback.h"
#include "session_lab.h"
#include "tls_alpn.h"
#include "torture_law.h"
#include "websocket.h"

/* ---- connections ----------------------------------------------------------
 */

/* Of a context whose sessions are not tls.c's. */
static int
choose(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
	const unsigned char *offered, unsigned len, void *arg)
{
	const struct side *side = arg;
	struct span list = {(const char *)offered, len};
	enum tls_alpn answer = TLS_ALPN_HTTP1;

	(void)ssl;
	if (side->place->http2 && memmem(offered, len, "\2h2", 3) != NULL)
		answer = TLS_ALPN_H2;
	return tls_alpn_answer(answer, ret, ret_len, list);
}

void
side_open(struct side *side, const struct session_lab *lab,
	const struct place *place)
{
	uint8_t ticket[32] = {(uint8_t)place->address[8]};
	struct ca_leaf *leaf;
	bool minted;

	side->place = place;
	side->lab = lab;
	side->listener = loopback_listen(place->address, 0, SIDE_PEERS);
	side->port = loopback_port(side->listener);
	side->context = context_accept(ticket, place->host);
	assert_non_null(side->context);
	SSL_CTX_set_alpn_select_cb(side->context, choose, side);
	assert_int_equal(ca_leaf(lab->ca, place->certified, CA_KEY_EC,
				 time(NULL), &leaf, &minted),
		0);
	assert_int_equal(
		SSL_CTX_use_cert_and_key(side->context,
			ca_leaf_certificate(leaf), ca_leaf_key(leaf), NULL, 1),
		1);
	ca_leaf_unref(leaf);
}

void
side_close(struct side *side)
{
	for (size_t n = 0; n < side->count; n++)
		speaker_close(&side->callers[n].speaker);
	SSL_CTX_free(side->context);
	close(side->listener);
}

static void
take_connection(struct side *side)
{
	struct pollfd p = {.fd = side->listener, .events = POLLIN};
	int fd;

	if (poll(&p, 1, 0) != 1)
		return;
	assert_true(side->count < SIDE_PEERS);
	fd = accept4(side->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fd >= 0);
	speaker_accept(
		&side->callers[side->count++].speaker, fd, side->context);
	law_hold_connections(side->lab, side->place->host, side->count);
}

/* ---- requests -------------------------------------------------------------
 */

static void
forget(struct heard *h)
{
	http_stream_close(h->stream);
	*h = (struct heard){.stream = NULL};
}

static void
send_head(struct heard *h, int status, bool upgrade, enum http_version v)
{
	struct http_head head;

	http_head_init(&head);
	head.status = status;
	head.framing = upgrade ? HTTP_TUNNEL : HTTP_LENGTH;
	head.content_length = strlen("hello");
	if (upgrade) {
		assert_int_equal(http_head_set_protocol(
					 &head, SPAN_LITERAL("websocket")),
			0);
		assert_int_equal(
			websocket_answer(http_stream_head(h->stream), v, &head),
			0);
	}
	assert_int_equal(http_stream_send_head(h->stream, &head), 0);
	http_head_done(&head);
}

static void
send_body(struct heard *h, const char *body)
{
	size_t len = strlen(body);

	h->answered = true;
	assert_int_equal(http_stream_send(h->stream, body, len), len);
}

/* What has come of the body: whether there may be more, or it is whole. */
static enum http_body
read_body(struct heard *h)
{
	enum http_body what;
	struct span data;

	while ((what = http_stream_peek(h->stream, &data)) == HTTP_DATA) {
		if (!law_may_hold_key(http_stream_head(h->stream)))
			law_hold_clean(data);
		assert_true(data.len <= sizeof(h->body) - h->len);
		memcpy(h->body + h->len, data.ptr, data.len);
		h->len += data.len;
		http_stream_consume(h->stream, data.len);
	}
	return what;
}

/* A request that looks whole is. */
static void
answer(struct heard *h, enum http_version v)
{
	const struct http_head *request = http_stream_head(h->stream);
	struct span want = law_body_of(request);

	assert_true(span_equals((struct span){h->body, h->len}, want));
	send_head(h, 200, false, v);
	send_body(h, "hello");
	assert_int_equal(http_stream_send_end(h->stream, NULL), 0);
	forget(h);
}

/* Ends when the other side has. */
static void
chat(struct heard *h, enum http_body what)
{
	if (!h->answered && h->len == strlen("ping"))
		send_body(h, "pong");
	if (what != HTTP_END)
		return;
	assert_int_equal(http_stream_send_end(h->stream, NULL), 0);
	forget(h);
}

static void
hear(struct heard *h, enum http_version v)
{
	bool upgrade = http_head_protocol(http_stream_head(h->stream)).len > 0;
	enum http_body what;

	if (upgrade && !http_stream_sent_head(h->stream))
		send_head(h, 101, true, v);
	what = read_body(h);
	if (what == HTTP_BROKEN)
		forget(h);
	else if (upgrade)
		chat(h, what);
	else if (what == HTTP_END)
		answer(h, v);
}

static void
take_request(struct side *side, struct caller *c, struct http_stream *stream)
{
	const struct http_head *request = http_stream_head(stream);
	size_t i = 0;

	assert_non_null(request);
	if (side->place->opened)
		law_hold_request(side->lab, request,
			http_conn_version(c->speaker.http) == HTTP_2);
	else
		law_hold_clean_head(request);
	while (i < SIDE_STREAMS && c->heard[i].stream != NULL)
		i++;
	assert_true(i < SIDE_STREAMS);
	c->heard[i].stream = stream;
}

static void
run_caller(struct side *side, struct caller *c)
{
	struct speaker *s = &c->speaker;
	struct http_stream *stream;

	speaker_run(s);
	if (s->http == NULL)
		return;
	if (strcmp(side->place->host, side->place->certified) != 0)
		assert_int_equal(s->heard, 0);
	while ((stream = http_conn_accept(s->http)) != NULL)
		take_request(side, c, stream);
	for (size_t i = 0; i < SIDE_STREAMS; i++) {
		if (c->heard[i].stream != NULL)
			hear(&c->heard[i], http_conn_version(s->http));
	}
	speaker_run(s);
}

void
side_run(struct side *side)
{
	take_connection(side);
	for (size_t n = 0; n < side->count; n++)
		run_caller(side, &side->callers[n]);
}
