#include "speaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "tls_alpn.h"

enum { BOUND = 256 * 1024 };

static void
begin(struct speaker *s)
{
	enum http_version v =
		tls_alpn_selected(s->peer.ssl) == TLS_ALPN_H2 ? HTTP_2 : HTTP_1;

	s->http = s->server ? http_server_new(v, &s->in, &s->out)
			    : http_client_new(v, &s->in, &s->out);
	assert_non_null(s->http);
}

static void
open_peer(struct speaker *s, int fd, SSL_CTX *context, const char *name)
{
	*s = (struct speaker){.server = name == NULL};
	peer_open(&s->peer, fd, context, name);
	buf_init(&s->in, BOUND);
	buf_init(&s->out, BOUND);
}

void
speaker_accept(struct speaker *s, int fd, SSL_CTX *context)
{
	open_peer(s, fd, context, NULL);
}

void
speaker_connect(struct speaker *s, int fd, SSL_CTX *context, const char *name)
{
	open_peer(s, fd, context, name);
	assert_true(tls_alpn_offer(s->peer.ssl, TLS_OFFER_H2));
}

void
speaker_close(struct speaker *s)
{
	if (s->peer.ssl == NULL)
		return;
	http_conn_free(s->http);
	buf_done(&s->in);
	buf_done(&s->out);
	peer_close(&s->peer);
	*s = (struct speaker){.peer.fd = -1};
}

static void
say(struct speaker *s)
{
	struct span out = buf_span(&s->out);
	size_t room = sizeof(s->peer.say) - s->peer.say_len;
	size_t n = out.len < room ? out.len : room;

	if (n == 0)
		return;
	peer_say(&s->peer, out.ptr, n);
	buf_consume(&s->out, n);
	peer_run(&s->peer);
}

/* A tunnel over HTTP/1 ends as its connection does. */
static void
finish(struct speaker *s)
{
	if (http_conn_is_finished(s->http) && s->out.len == 0 &&
		s->peer.say_len == 0 && !s->finished) {
		s->finished = true;
		(void)SSL_shutdown(s->peer.ssl);
	}
}

void
speaker_run(struct speaker *s)
{
	struct peer *p = &s->peer;

	if (p->ssl == NULL)
		return;
	peer_run(p);
	if (s->http == NULL && SSL_is_init_finished(p->ssl))
		begin(s);
	if (s->http == NULL)
		return;
	s->heard += p->len;
	assert_int_equal(buf_add(&s->in, p->text, p->len), 0);
	peer_forget(p);
	(void)http_conn_run(s->http, p->ended);
	say(s);
	finish(s);
}

bool
speaker_has_ended(const struct speaker *s)
{
	return s->peer.ended ||
	       (s->http != NULL && http_conn_error(s->http) != NULL);
}
