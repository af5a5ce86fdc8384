/*
 * Memory that runs out while an origin is verified: whoever is not the host
 * that was dialled stays that, whichever request for memory fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "array.h"
#include "buf.h"
#include "ca.h"
#include "context.h"
#include "failing_memory.h"
#include "tls.h"

struct origin {
	struct ca *ca, *trusted;
	struct ca_leaf *leaf;
	SSL_CTX *accept, *connect;
};

static void
open_origin(struct origin *o, const char *name, bool trusted)
{
	uint8_t ticket[32] = {0};
	char why[256];
	bool minted;

	assert_int_equal(ca_new("s", time(NULL), &o->ca, why, sizeof(why)), 0);
	assert_int_equal(
		ca_new("t", time(NULL), &o->trusted, why, sizeof(why)), 0);
	o->accept = context_accept(ticket, "s");
	assert_non_null(o->accept);
	assert_int_equal(
		context_connect(span_of(ca_pem(trusted ? o->ca : o->trusted)),
			&o->connect, why, sizeof(why)),
		0);
	assert_int_equal(
		ca_leaf(o->ca, name, CA_KEY_EC, time(NULL), &o->leaf, &minted),
		0);
}

static void
close_origin(struct origin *o)
{
	ca_leaf_unref(o->leaf);
	SSL_CTX_free(o->accept);
	SSL_CTX_free(o->connect);
	ca_free(o->ca);
	ca_free(o->trusted);
}

/* Our end only is short of memory.  Whether it took the origin for a.test. */
static bool
believes(const struct origin *o, const struct memory_plan *plan)
{
	struct buf held = {0};
	struct tls *server, *client;
	int fds[2], mine = -1, theirs = 0;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	server = tls_accept(o->accept, fds[0], &held,
		&(struct tls_answer){
			.certificate = ca_leaf_certificate(o->leaf),
			.key = ca_leaf_key(o->leaf),
			.protocol = TLS_ALPN_HTTP1,
		});
	assert_non_null(server);
	failing_memory_plan(plan);
	failing_memory_arm(true);
	client = tls_connect(
		o->connect, fds[1], "a.test", NULL, TLS_OFFER_HTTP1);
	failing_memory_arm(false);
	if (client != NULL)
		mine = 0;
	for (int i = 0; i < 20 && mine == 0; i++) {
		tls_readable(client);
		failing_memory_arm(true);
		mine = tls_handshake(client);
		failing_memory_arm(false);
		ERR_clear_error(); /* one queue for both ends */
		tls_readable(server);
		if (theirs == 0)
			theirs = tls_handshake(server);
	}
	tls_free(client);
	tls_free(server);
	close(fds[0]);
	close(fds[1]);
	return mine == 1;
}

static void
test_nobody_is_taken_for_another(void **state)
{
	static const struct {
		const char *name;
		bool trusted;
		const char *reason;
	} cases[] = {
		{"other.test", true, "a certificate for another name"},
		{"a.test", false, "an authority that is not trusted"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct memory_plan plan = {.kind = MEMORY_OPENSSL, .at = -1};
		struct origin o;
		long asked;

		open_origin(&o, cases[i].name, cases[i].trusted);
		assert_false(believes(&o, &plan));
		assert_false(believes(&o, &plan)); /* nothing is a first time */
		asked = failing_memory_asked(MEMORY_OPENSSL);
		assert_in_range(asked, 300, 10000);
		for (plan.at = 0; plan.at < asked; plan.at++) {
			if (believes(&o, &plan))
				fail_msg("%s, when request %ld fails",
					cases[i].reason, plan.at);
		}
		close_origin(&o);
	}
}

/* Else the test above would hold of an end that believes nobody. */
static void
test_the_host_itself_is_believed(void **state)
{
	struct memory_plan none = {.kind = MEMORY_OPENSSL, .at = -1};
	struct origin o;

	(void)state;
	open_origin(&o, "a.test", true);
	assert_true(believes(&o, &none));
	close_origin(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_is_taken_for_another),
		cmocka_unit_test(test_the_host_itself_is_believed),
	};

	failing_memory_hook();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
