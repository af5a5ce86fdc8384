/*
 * Both ends of TLS over a socketpair: our accepting end with a leaf of a
 * sandbox's authority, our connecting end that trusts it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "ca.h"
#include "context.h"
#include "tls.h"

struct pair {
	struct ca *ca;
	SSL_CTX *accept, *connect;
	struct ca_leaf *leaf;
	int fds[2];
	struct buf held;
	struct tls *server, *client;
};

static void
open_contexts(struct pair *p, const char *host)
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
}

static void
open_ends(struct pair *p, const char *expected, SSL_SESSION *session)
{
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds), 0);
	buf_init(&p->held, 4096);
	p->server = tls_accept(p->accept, p->fds[0], &p->held,
		ca_leaf_certificate(p->leaf), ca_leaf_key(p->leaf));
	p->client = tls_connect(p->connect, p->fds[1], expected, session);
	assert_non_null(p->server);
	assert_non_null(p->client);
}

static void
close_ends(struct pair *p)
{
	tls_free(p->server);
	tls_free(p->client);
	p->server = p->client = NULL;
	buf_done(&p->held);
	close(p->fds[0]);
	close(p->fds[1]);
}

static void
close_contexts(struct pair *p)
{
	ca_leaf_unref(p->leaf);
	SSL_CTX_free(p->accept);
	SSL_CTX_free(p->connect);
	ca_free(p->ca);
}

/* Both handshakes by turns; *ret_client, *ret_server: 1 or -EPROTO. */
static void
shake(struct pair *p, int *ret_client, int *ret_server)
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

static void
exchange_bytes(struct tls *from, struct tls *to)
{
	static char sent[50000], got[50000];
	size_t out = 0, in = 0;

	memset(sent, 'x', sizeof(sent));
	while (in < sizeof(sent)) {
		ssize_t n;

		if (out < sizeof(sent)) {
			n = tls_write(from, sent + out, sizeof(sent) - out);
			assert_true(n > 0 || n == -EAGAIN);
			out += n > 0 ? (size_t)n : 0;
		}
		tls_readable(to);
		n = tls_read(to, got + in, sizeof(got) - in);
		assert_true(n > 0 || n == -EAGAIN);
		in += n > 0 ? (size_t)n : 0;
	}
	assert_memory_equal(sent, got, sizeof(sent));
}

static void
test_carries_bytes_both_ways(void **state)
{
	int client, server;
	struct pair p;
	char byte;

	(void)state;
	open_contexts(&p, "a.test");
	open_ends(&p, "a.test", NULL);
	shake(&p, &client, &server);
	assert_int_equal(client, 1);
	assert_int_equal(server, 1);
	exchange_bytes(p.client, p.server);
	exchange_bytes(p.server, p.client);
	/* An end that was said is told from one that was cut. */
	assert_int_equal(tls_shutdown(p.client), 0);
	tls_readable(p.server);
	assert_int_equal(tls_read(p.server, &byte, 1), 0);
	shutdown(p.fds[0], SHUT_WR);
	tls_readable(p.client);
	assert_int_equal(tls_read(p.client, &byte, 1), -ECONNRESET);
	close_ends(&p);
	close_contexts(&p);
}

static void
test_held_bytes_come_first(void **state)
{
	int client = 0, server = 0;
	char first[4096];
	struct pair p;
	ssize_t n;

	(void)state;
	open_contexts(&p, "a.test");
	open_ends(&p, "a.test", NULL);
	/* The hello is read by somebody else, as a session does. */
	assert_int_equal(tls_handshake(p.client), 0);
	n = recv(p.fds[0], first, sizeof(first), 0);
	assert_true(n > 100);
	tls_free(p.server);
	buf_add(&p.held, first, (size_t)n);
	p.server = tls_accept(p.accept, p.fds[0], &p.held,
		ca_leaf_certificate(p.leaf), ca_leaf_key(p.leaf));
	assert_true(tls_has_pending(p.server));
	shake(&p, &client, &server);
	assert_int_equal(client, 1);
	assert_int_equal(server, 1);
	assert_int_equal(p.held.len, 0);
	close_ends(&p);
	close_contexts(&p);
}

/* Threat 34: another name, and an authority that is not trusted. */
static void
test_threat_34_an_origin_that_is_not_the_one(void **state)
{
	int client, server;
	struct pair p, other;

	(void)state;
	open_contexts(&p, "a.test");
	open_ends(&p, "b.test", NULL);
	shake(&p, &client, &server);
	assert_int_equal(client, -EPROTO);
	assert_non_null(strstr(tls_why(p.client), "ostname mismatch"));
	close_ends(&p);

	open_contexts(&other, "a.test");
	open_ends(&p, "a.test", NULL);
	tls_free(p.client);
	p.client = tls_connect(other.connect, p.fds[1], "a.test", NULL);
	shake(&p, &client, &server);
	assert_int_equal(client, -EPROTO);
	assert_non_null(strstr(tls_why(p.client), "certificate refused"));
	close_ends(&p);
	close_contexts(&p);
	close_contexts(&other);
}

static SSL_SESSION *kept;

static int
keep(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

static bool
resumes(struct pair *p)
{
	int client, server;
	bool resumed;
	char byte;

	open_ends(p, "a.test", kept);
	shake(p, &client, &server);
	assert_int_equal(client, 1);
	assert_int_equal(server, 1);
	tls_readable(p->client);
	assert_int_equal(tls_read(p->client, &byte, 1), -EAGAIN);
	resumed = tls_resumed(p->client) && tls_resumed(p->server);
	close_ends(p);
	return resumed;
}

/* Threat 35: a ticket is good at the sandbox that gave it, nowhere else. */
static void
test_threat_35_tickets_belong_to_a_sandbox(void **state)
{
	struct pair p, other;
	SSL_CTX *own;

	(void)state;
	open_contexts(&p, "a.test");
	open_contexts(&other, "a.test");
	SSL_CTX_sess_set_new_cb(p.connect, keep);
	assert_false(resumes(&p));
	assert_non_null(kept);
	assert_true(resumes(&p));
	own = p.accept;
	p.accept = other.accept;
	assert_false(resumes(&p));
	p.accept = own;
	SSL_SESSION_free(kept);
	kept = NULL;
	close_contexts(&p);
	close_contexts(&other);
}

static void
test_a_bundle_without_certificates_is_refused(void **state)
{
	SSL_CTX *context = NULL;
	char why[256];

	(void)state;
	assert_int_equal(context_connect(span_of("# nothing\n"), &context, why,
				 sizeof(why)),
		-EINVAL);
	assert_null(context);
	assert_non_null(strstr(why, "no certificate"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carries_bytes_both_ways),
		cmocka_unit_test(test_held_bytes_come_first),
		cmocka_unit_test(test_threat_34_an_origin_that_is_not_the_one),
		cmocka_unit_test(test_threat_35_tickets_belong_to_a_sandbox),
		cmocka_unit_test(test_a_bundle_without_certificates_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
