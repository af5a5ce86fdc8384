/*
 * The keeper's second thread.  ThreadSanitizer looks on (preset tsan): between
 * the two there is the loop's own pipe and the end of the thread, and nothing
 * else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "rsa_key.h"

enum { KEYS = 2, DEADLINE = 60 /* seconds */ };

struct asker {
	struct ev_loop *loop;
	int told;
	int bits; /* of the last one */
};

static void
on_ready(void *arg, struct span der)
{
	struct asker *a = arg;
	const unsigned char *at = (const unsigned char *)der.ptr;
	EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)der.len);

	assert_non_null(key);
	assert_ptr_equal(at, der.ptr + der.len);
	a->bits = EVP_PKEY_get_bits(key);
	EVP_PKEY_free(key);
	a->told++;
}

static void
on_late(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop, (void)t, (void)revents;
	fail_msg("no key in %d s", DEADLINE);
}

/* Runs the loop until that many have been told of. */
static void
wait_told(struct asker *a, int count)
{
	ev_timer late;

	ev_timer_init(&late, on_late, DEADLINE, 0);
	ev_timer_start(a->loop, &late);
	while (a->told < count)
		ev_run(a->loop, EVRUN_ONCE);
	ev_timer_stop(a->loop, &late);
}

static void
test_a_key_comes_once_and_stays(void **state)
{
	struct asker a = {.loop = ev_loop_new(EVFLAG_AUTO)};
	struct rsa_key *k = rsa_key_new(a.loop, on_ready, &a);

	(void)state;
	assert_non_null(k);
	assert_int_equal(rsa_key_der(k).len, 0); /* not before the loop ran */
	wait_told(&a, 1);
	assert_int_equal(a.bits, 2048);
	assert_true(rsa_key_der(k).len > 1000);
	/* Nothing of it keeps the loop alive. */
	assert_false(ev_run(a.loop, EVRUN_NOWAIT));
	assert_int_equal(a.told, 1);
	rsa_key_free(k);
	ev_loop_destroy(a.loop);
}

static void
test_several_at_a_time(void **state)
{
	struct asker a = {.loop = ev_loop_new(EVFLAG_AUTO)};
	struct rsa_key *k[KEYS];

	(void)state;
	for (int i = 0; i < KEYS; i++) {
		k[i] = rsa_key_new(a.loop, on_ready, &a);
		assert_non_null(k[i]);
	}
	wait_told(&a, KEYS);
	for (int i = 1; i < KEYS; i++)
		assert_false(span_equals(rsa_key_der(k[0]), rsa_key_der(k[i])));
	for (int i = 0; i < KEYS; i++)
		rsa_key_free(k[i]);
	ev_loop_destroy(a.loop);
}

static void
test_freed_while_it_is_made(void **state)
{
	struct asker a = {.loop = ev_loop_new(EVFLAG_AUTO)};

	(void)state;
	rsa_key_free(rsa_key_new(a.loop, on_ready, &a));
	rsa_key_free(NULL);
	(void)ev_run(a.loop, EVRUN_NOWAIT);
	assert_int_equal(a.told, 0);
	assert_int_equal(rsa_key_der(NULL).len, 0);
	ev_loop_destroy(a.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_key_comes_once_and_stays),
		cmocka_unit_test(test_several_at_a_time),
		cmocka_unit_test(test_freed_while_it_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
