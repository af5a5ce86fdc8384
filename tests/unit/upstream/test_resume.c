#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "resume.h"

/* One with two references: the test's own tells how many are left. */
static SSL_SESSION *
session(int version)
{
	SSL_SESSION *s = SSL_SESSION_new();

	assert_non_null(s);
	assert_int_equal(SSL_SESSION_set_protocol_version(s, version), 1);
	return s;
}

static void
put(struct resume *r, const char *host, uint16_t port, SSL_SESSION *s)
{
	assert_int_equal(SSL_SESSION_up_ref(s), 1);
	resume_put(r, host, port, s);
}

static void
assert_takes(struct resume *r, const char *host, uint16_t port,
	const SSL_SESSION *want)
{
	SSL_SESSION *got = resume_take(r, host, port);

	assert_ptr_equal(got, want);
	SSL_SESSION_free(got);
}

static void
test_by_name_and_port_newest_first(void **state)
{
	struct resume *r = resume_new();
	SSL_SESSION *a = session(TLS1_3_VERSION), *b = session(TLS1_3_VERSION);

	(void)state;
	assert_non_null(r);
	assert_takes(r, "a.test", 443, NULL);
	put(r, "a.test", 443, a);
	put(r, "a.test", 443, b);
	assert_takes(r, "b.test", 443, NULL);
	assert_takes(r, "a.test", 8443, NULL);
	assert_takes(r, "a.tes", 443, NULL);
	assert_takes(r, "a.test", 443, b);
	assert_takes(r, "a.test", 443, a);
	resume_free(r);
	resume_free(NULL);
	SSL_SESSION_free(a);
	SSL_SESSION_free(b);
}

/* RFC 8446 C.4: who sees a ticket twice can link two connections. */
static void
test_one_of_tls_1_3_is_used_once(void **state)
{
	struct resume *r = resume_new();
	SSL_SESSION *a = session(TLS1_3_VERSION);

	(void)state;
	put(r, "a.test", 443, a);
	assert_takes(r, "a.test", 443, a);
	assert_takes(r, "a.test", 443, NULL);
	resume_free(r);
	SSL_SESSION_free(a);
}

/* A resumed handshake brings no new one there. */
static void
test_one_of_tls_1_2_stays(void **state)
{
	struct resume *r = resume_new();
	SSL_SESSION *a = session(TLS1_2_VERSION);

	(void)state;
	put(r, "a.test", 443, a);
	for (int i = 0; i < 3; i++)
		assert_takes(r, "a.test", 443, a);
	resume_free(r);
	SSL_SESSION_free(a);
}

/* 64, and then the oldest goes (leaks would show in a sanitized build). */
static void
test_bounded(void **state)
{
	enum { BOUND = 64, MORE = 200 };
	struct resume *r = resume_new();
	int kept = 0;

	(void)state;
	for (int i = 0; i < MORE; i++) {
		char host[32];

		snprintf(host, sizeof(host), "h%d.test", i);
		resume_put(r, host, 443, session(TLS1_3_VERSION));
	}
	for (int i = 0; i < MORE; i++) {
		char host[32];
		SSL_SESSION *s;

		snprintf(host, sizeof(host), "h%d.test", i);
		s = resume_take(r, host, 443);
		assert_int_equal(s != NULL, i >= MORE - BOUND);
		kept += s != NULL;
		SSL_SESSION_free(s);
	}
	assert_int_equal(kept, BOUND);
	/* With room again, and with some left at the end. */
	resume_put(r, "a.test", 443, session(TLS1_3_VERSION));
	resume_put(r, "b.test", 443, session(TLS1_2_VERSION));
	resume_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name_and_port_newest_first),
		cmocka_unit_test(test_one_of_tls_1_3_is_used_once),
		cmocka_unit_test(test_one_of_tls_1_2_stays),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
