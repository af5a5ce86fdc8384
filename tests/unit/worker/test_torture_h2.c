/*
 * test_torture_h2.c - memory runs out once, over HTTP/2
 *
 * Theory of operation
 *
 * test_torture.c is the life of a worker over HTTP/1; in this one each client
 * speaks HTTP/2, several streams at once on one connection, with a body each
 * way and a WebSocket: to an origin that speaks it too, to one that speaks only
 * HTTP/1 (so that all of it is bridged), to one that cannot be trusted, and to
 * one that is not allowed.  What holds is the same (torture.h, visitor.h).
 *
 * nghttp2 asks us for its memory (http/h2.c), so its requests are tried one by
 * one among our own.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "compiled.h"
#include "keyring.h"
#include "log.h"
#include "sandbox.h"
#include "secret.h"
#include "torture.h"
#include "torture_law.h"
#include "torture_world.h"

enum {
	EACH = 2000, /* more than there are of ours */
	SOME = 20,
};

static const struct visit {
	const char *name;
	int side; /* whose port it is */
	struct ask asks[VISITOR_ASKS];
	size_t count;
	bool again; /* on the same connection, if it is still there */
} visits[] = {
	{"h2.test", H2_TEST, {{ASK_GET, 200}, {ASK_POST, 200}}, 2, false},
	{"h2.test", H2_TEST, {{ASK_WEBSOCKET, 101}, {ASK_GET, 200}}, 2, true},
	{"a.test", A_TEST, {{ASK_GET, 200}, {ASK_GET, 200}}, 2, false},
	{"a.test", A_TEST, {{ASK_WEBSOCKET, 101}, {ASK_POST, 403}}, 2, true},
	{"evil.test", EVIL_TEST, {{ASK_GET, 502}, {ASK_POST, 502}}, 2, false},
	{"no.test", A_TEST, {{ASK_POST, 403}}, 1, false},
};

static bool
is_answered(const struct world *w)
{
	return visitor_is_over(&w->visitor);
}

static unsigned
count_decisions(const struct world *w)
{
	return law_lines(&w->lab, "\"event\":\"decision\"",
		"\"kind\":\"request\"", NULL);
}

/* Each answer is that to a request which was decided. */
static bool
are_decided(const struct world *w)
{
	unsigned answers = 0;

	for (size_t i = 0; i < w->visitor.count; i++)
		answers += w->visitor.asked[i].status != 0;
	return count_decisions(w) - w->decisions >= answers;
}

static void
visit(struct world *w, const struct visit *visit, unsigned first_path)
{
	const uint16_t port = w->sides[visit->side].port;

	if (!visit->again || visitor_is_lost(&w->visitor))
		world_visit(w, port, visit->name);
	w->decisions = count_decisions(w);
	visitor_ask(&w->visitor, visit->asks, visit->count, visit->name, port,
		first_path);
	world_until(w, is_answered, visit->name);
	world_until(w, world_is_on_record, "a record of it");
	world_until(w, are_decided, "a record of each answer");
	if (!w->scarce)
		visitor_assert_served(&w->visitor);
}

/* Each path is asked for once in a world. */
static void
live(struct world *w, unsigned first_path)
{
	for (size_t i = 0; i < ARRAY_LEN(visits); i++)
		visit(w, &visits[i], first_path + VISITOR_ASKS * (unsigned)i);
	visitor_close(&w->visitor);
	world_until(w, world_is_quiet, "all connections to be closed");
}

static void
lead_life(struct world *w)
{
	w->lab.policy = compiled(w->policy);
	sandbox_set_policy(w->lab.sandbox, w->lab.policy);
	assert_int_equal(
		keyring_set(w->lab.services.keyring, "key",
			secret_new(TORTURE_SECRET, sizeof(TORTURE_SECRET) - 1)),
		0);
	w->scarce = true;
	live(w, 100);
	w->scarce = false;
	live(w, 200);
}

static void
test_one_of_ours(void **state)
{
	(void)state;
	assert_in_range(torture_count(lead_life, MEMORY_OURS), 300, EACH);
	torture(lead_life, MEMORY_OURS, false, EACH);
}

static void
test_one_of_ours_and_all_that_follow(void **state)
{
	(void)state;
	torture(lead_life, MEMORY_OURS, true, SOME);
}

static void
test_one_of_openssl(void **state)
{
	(void)state;
	torture(lead_life, MEMORY_OPENSSL, false, SOME);
}

static void
test_one_of_openssl_and_all_that_follow(void **state)
{
	(void)state;
	torture(lead_life, MEMORY_OPENSSL, true, SOME);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_of_ours),
		cmocka_unit_test(test_one_of_ours_and_all_that_follow),
		cmocka_unit_test(test_one_of_openssl),
		cmocka_unit_test(test_one_of_openssl_and_all_that_follow),
	};

	failing_memory_hook();
	signal(SIGPIPE, SIG_IGN);
	log_open("torture", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
