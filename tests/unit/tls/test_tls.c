/* Bytes, certificates and tickets between both ends of TLS. */
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

#include "context.h"
#include "tls_pair.h"

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
	struct tls_pair p;
	char byte;

	(void)state;
	tls_pair_open(&p, "a.test");
	tls_pair_begin(&p, "a.test", NULL);
	tls_pair_shake(&p, &client, &server);
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
	tls_pair_end(&p);
	tls_pair_close(&p);
}

static void
test_held_bytes_come_first(void **state)
{
	int client = 0, server = 0;
	char first[4096];
	struct tls_pair p;
	ssize_t n;

	(void)state;
	tls_pair_open(&p, "a.test");
	tls_pair_begin(&p, "a.test", NULL);
	/* The hello is read by somebody else, as a session does. */
	assert_int_equal(tls_handshake(p.client), 0);
	n = recv(p.fds[0], first, sizeof(first), 0);
	assert_true(n > 100);
	tls_free(p.server);
	buf_add(&p.held, first, (size_t)n);
	p.server = tls_pair_accept(&p);
	assert_true(tls_has_pending(p.server));
	tls_pair_shake(&p, &client, &server);
	assert_int_equal(client, 1);
	assert_int_equal(server, 1);
	assert_int_equal(p.held.len, 0);
	tls_pair_end(&p);
	tls_pair_close(&p);
}

/* Threat 34: another name, and an authority that is not trusted. */
static void
test_threat_34_an_origin_that_is_not_the_one(void **state)
{
	int client, server;
	struct tls_pair p, other;

	(void)state;
	tls_pair_open(&p, "a.test");
	tls_pair_begin(&p, "b.test", NULL);
	tls_pair_shake(&p, &client, &server);
	assert_int_equal(client, -EPROTO);
	assert_non_null(strstr(tls_why(p.client), "ostname mismatch"));
	tls_pair_end(&p);

	tls_pair_open(&other, "a.test");
	tls_pair_begin(&p, "a.test", NULL);
	tls_free(p.client);
	p.client = tls_connect(
		other.connect, p.fds[1], "a.test", NULL, TLS_OFFER_HTTP1);
	tls_pair_shake(&p, &client, &server);
	assert_int_equal(client, -EPROTO);
	assert_non_null(strstr(tls_why(p.client), "certificate refused"));
	tls_pair_end(&p);
	tls_pair_close(&p);
	tls_pair_close(&other);
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
shaken_resumes(struct tls_pair *p)
{
	int client, server;
	bool resumed;
	char byte;

	tls_pair_shake(p, &client, &server);
	assert_int_equal(client, 1);
	assert_int_equal(server, 1);
	tls_readable(p->client);
	assert_int_equal(tls_read(p->client, &byte, 1), -EAGAIN);
	resumed = tls_resumed(p->client) && tls_resumed(p->server);
	tls_pair_end(p);
	return resumed;
}

static bool
resumes(struct tls_pair *p)
{
	tls_pair_begin(p, "a.test", kept);
	return shaken_resumes(p);
}

/* A leaf that nobody can use, for its key is another's. */
static void
begin_with_a_bad_leaf(struct tls_pair *p, const struct tls_pair *other)
{
	tls_pair_begin(p, "a.test", kept);
	tls_free(p->server);
	p->server = tls_accept(p->accept, p->fds[0], &p->held,
		&(struct tls_answer){
			.certificate = ca_leaf_certificate(p->leaf),
			.key = ca_leaf_key(other->leaf),
			.protocol = TLS_ALPN_HTTP1,
		});
	assert_non_null(p->server);
}

/* A leaf costs much to look at: only who is to see it pays for that. */
static void
test_the_leaf_is_for_full_handshakes(void **state)
{
	struct tls_pair p, other;
	int client, server;

	(void)state;
	tls_pair_open(&p, "a.test");
	tls_pair_open(&other, "a.test");
	SSL_CTX_sess_set_new_cb(p.connect, keep);
	begin_with_a_bad_leaf(&p, &other);
	tls_pair_shake(&p, &client, &server);
	assert_int_equal(server, -EPROTO);
	tls_pair_end(&p);
	assert_false(resumes(&p));
	begin_with_a_bad_leaf(&p, &other);
	assert_true(shaken_resumes(&p));
	SSL_SESSION_free(kept);
	kept = NULL;
	tls_pair_close(&p);
	tls_pair_close(&other);
}

/* Threat 35: a ticket is good at the sandbox that gave it, nowhere else. */
static void
test_threat_35_tickets_belong_to_a_sandbox(void **state)
{
	struct tls_pair p, other;
	SSL_CTX *own;

	(void)state;
	tls_pair_open(&p, "a.test");
	tls_pair_open(&other, "a.test");
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
	tls_pair_close(&p);
	tls_pair_close(&other);
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
		cmocka_unit_test(test_the_leaf_is_for_full_handshakes),
		cmocka_unit_test(test_a_bundle_without_certificates_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
