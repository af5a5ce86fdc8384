#include "tls_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "context.h"

void
tls_pair_open(struct tls_pair *p, const char *host)
{
	uint8_t ticket[32];
	char why[256];
	bool minted;

	memset(p, 0, sizeof(*p));
	assert_int_equal(ca_new("s1", time(NULL), &p->ca, why, sizeof(why)), 0);
	ca_ticket_secret(p->ca, ticket);
	p->accept = context_accept(ticket, "s1");
	assert_non_null(p->accept);
	assert_int_equal(context_connect(span_of(ca_pem(p->ca)), &p->connect,
				 why, sizeof(why)),
		0);
	assert_int_equal(
		ca_leaf(p->ca, host, CA_KEY_EC, time(NULL), &p->leaf, &minted),
		0);
	p->fds[0] = p->fds[1] = -1;
	p->answer = TLS_ALPN_HTTP1;
	p->offer = TLS_OFFER_HTTP1;
}

struct tls *
tls_pair_accept(struct tls_pair *p)
{
	return tls_accept(p->accept, p->fds[0], &p->held,
		&(struct tls_answer){
			.certificate = ca_leaf_certificate(p->leaf),
			.key = ca_leaf_key(p->leaf),
			.protocol = p->answer,
		});
}

void
tls_pair_begin(struct tls_pair *p, const char *expected, SSL_SESSION *session)
{
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds), 0);
	buf_init(&p->held, 4096);
	p->server = tls_pair_accept(p);
	p->client =
		tls_connect(p->connect, p->fds[1], expected, session, p->offer);
	assert_non_null(p->server);
	assert_non_null(p->client);
}

void
tls_pair_end(struct tls_pair *p)
{
	tls_free(p->server);
	tls_free(p->client);
	p->server = p->client = NULL;
	buf_done(&p->held);
	close(p->fds[0]);
	close(p->fds[1]);
}

void
tls_pair_close(struct tls_pair *p)
{
	ca_leaf_unref(p->leaf);
	SSL_CTX_free(p->accept);
	SSL_CTX_free(p->connect);
	ca_free(p->ca);
}

void
tls_pair_shake(struct tls_pair *p, int *ret_client, int *ret_server)
{
	int client = 0, server = 0;

	for (int i = 0; i < 20 && (client == 0 || server == 0); i++) {
		tls_readable(p->client);
		tls_readable(p->server);
		if (client == 0)
			client = tls_handshake(p->client);
		if (server == 0)
			server = tls_handshake(p->server);
		if (client < 0)
			break;
	}
	*ret_client = client;
	*ret_server = server;
}
