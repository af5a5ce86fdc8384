/* What is put on record, how often, and what passes only then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gate_world.h"
#include "packet_log.h"
#include "quic_sealer.h"
#include "turnstile.h"

#define FAR "203.0.113.1"

static const char policies[] =
	"version: 1\npolicies:\n"
	"  one:\n"
	"    allow:\n"
	"      - {address: 203.0.113.0/24, protocol: udp, port: 1000-9000}\n"
	"  two: {allow: []}\n";
static const char nothing[] =
	"version: 1\npolicies: {one: {allow: []}, two: {allow: []}}\n";

static struct turnstile *
opened(struct world *w)
{
	struct turnstile *t;

	world_open(w, policies);
	t = turnstile_new(&w->rules, w->log);
	assert_non_null(t);
	turnstile_can_end(t, true);
	return t;
}

static void
closed(struct turnstile *t, struct world *w)
{
	turnstile_free(t);
	world_close(w);
}

static enum judge_verdict
enter(struct turnstile *t, uint32_t ifindex, const struct world_packet *p,
	double now)
{
	const struct turnstile_packet in = {ifindex, p->bytes, p->len, now};

	return turnstile_enter(t, &in);
}

static enum judge_verdict
send_udp(struct turnstile *t, uint16_t port, double now)
{
	struct world_packet p = world_udp(FAR, 5000, port, "hello", 5);

	return enter(t, WORLD_ONE, &p, now);
}

static void
test_a_flow_is_on_record_once(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(send_udp(t, 1000, 1 + i), JUDGE_PASS);
		assert_int_equal(send_udp(t, 99, 1 + i), JUDGE_DROP);
	}
	assert_int_equal(world_count(&w, "\"dport\":1000"), 1);
	assert_int_equal(world_count(&w, "\"verdict\":\"allowed\""), 1);
	assert_int_equal(world_count(&w, "\"dport\":99"), 1);
	assert_int_equal(turnstile_counts(t).passed, 5);
	assert_int_equal(turnstile_counts(t).dropped, 5);
	closed(t, &w);
}

/* 10,000 datagrams, each denied and a flow of its own. */
static void
flood(struct turnstile *t)
{
	for (int i = 0; i < 10000; i++)
		assert_int_equal(
			send_udp(t, (uint16_t)(10000 + i), 1e9), JUDGE_DROP);
}

static void
assert_rest_is_told(struct world *w, struct turnstile *t)
{
	assert_false(turnstile_tick(t, 1e9 + 2));
	assert_int_equal(world_count(w, "\"count\":9950"), 1);
	assert_int_equal(world_count(w, "\"reason\":\"limit\""), 1);
}

/* 50 at once and five a second; the others are counted. */
static void
test_a_flood_has_few_records(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);

	(void)state;
	flood(t);
	assert_int_equal(world_count(&w, "\"dport\""), 50);
	assert_true(turnstile_tick(t, 1e9));
	assert_int_equal(world_count(&w, "\"count\""), 0);
	assert_rest_is_told(&w, t);
	closed(t, &w);
}

/* What passes says nothing of what was denied before it. */
static void
test_a_flood_is_not_told_as_let_pass(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);

	(void)state;
	flood(t);
	assert_int_equal(send_udp(t, 1000, 1e9), JUDGE_PASS);
	assert_int_equal(world_count(&w, "\"verdict\":\"allowed\""), 1);
	assert_int_equal(world_count(&w, "\"count\""), 0);
	assert_rest_is_told(&w, t);
	closed(t, &w);
}

/* Twice as many at once as in a second; the rest is denied, and may later. */
static void
test_flows_beyond_the_budget_do_not_pass(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);

	(void)state;
	for (int i = 0; i < 300; i++)
		assert_int_equal(send_udp(t, (uint16_t)(1000 + i), 1e9),
			i < 200 ? JUDGE_PASS : JUDGE_DROP);
	assert_int_equal(send_udp(t, 1250, 1e9 + 1), JUDGE_PASS);
	assert_int_equal(world_count(&w, "\"verdict\":\"allowed\""), 201);
	closed(t, &w);
}

static void
test_who_cannot_be_stopped_does_not_pass(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);

	(void)state;
	turnstile_can_end(t, false);
	assert_int_equal(send_udp(t, 1000, 1), JUDGE_DROP);
	assert_int_equal(world_count(&w, "\"reason\":\"internal\""), 1);
	assert_int_equal(world_count(&w, "\"verdict\":\"allowed\""), 0);
	closed(t, &w);
}

static void
test_another_policy_is_another_decision(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);

	(void)state;
	assert_int_equal(send_udp(t, 1000, 1), JUDGE_PASS);
	world_change(&w, nothing);
	turnstile_forget(t);
	assert_int_equal(send_udp(t, 1000, 2), JUDGE_DROP);
	world_change(&w, policies);
	turnstile_forget(t);
	assert_int_equal(send_udp(t, 1000, 3), JUDGE_PASS);
	assert_int_equal(world_count(&w, "\"verdict\":\"allowed\""), 2);
	assert_int_equal(world_count(&w, "\"verdict\":\"denied\""), 1);
	closed(t, &w);
}

static void
test_strangers_have_one_record_a_second(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct world_packet p =
			world_udp(FAR, (uint16_t)(1 + i), 1000, "x", 1);

		assert_int_equal(enter(t, 99, &p, 1e9), JUDGE_DROP);
	}
	assert_int_equal(world_count(&w, "unknown_source"), 1);
	closed(t, &w);
}

/* ---- QUIC -----------------------------------------------------------------
 */

/* The part-th of so many datagrams of one client's first flight. */
static struct world_packet
quic_part(const char *name, int part, int parts, size_t padding)
{
	static uint8_t hello[QUIC_HELLO_PADDING + 1024];
	size_t len = make_hello(name, padding, hello);
	size_t step = (len + (size_t)parts - 1) / (size_t)parts;
	size_t from = (size_t)part * step;
	struct frames *f = calloc(1, sizeof(*f));
	struct datagram *d = calloc(1, sizeof(*d));
	struct initial i = initial_usual();
	struct world_packet p;

	assert_non_null(f);
	assert_non_null(d);
	i.number = (uint64_t)part;
	frames_crypto(
		f, from, hello + from, from + step < len ? step : len - from);
	datagram_add(d, &i, f);
	p = world_udp(FAR, 6000, 443, d->bytes, d->len);
	free(f);
	free(d);
	return p;
}

/* The first of two datagrams: the name is not whole yet. */
static void
begin_quic(struct turnstile *t, double now)
{
	struct world_packet p = quic_part("api.example.org", 0, 2, 0);

	assert_int_equal(enter(t, WORLD_ONE, &p, now), JUDGE_DROP);
}

static void
test_quic_is_refused_when_its_name_is_whole(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);
	struct world_packet p;

	(void)state;
	begin_quic(t, 1);
	assert_int_equal(world_count(&w, "quic"), 0);
	p = quic_part("api.example.org", 1, 2, 0);
	assert_int_equal(enter(t, WORLD_ONE, &p, 1), JUDGE_REFUSE);
	assert_int_equal(enter(t, WORLD_ONE, &p, 1), JUDGE_REFUSE);
	assert_int_equal(world_count(&w, "\"host\":\"api.example.org\""), 1);
	assert_int_equal(world_count(&w, "\"proto\":\"quic\""), 1);
	closed(t, &w);
}

static void
test_quic_without_a_name_is_refused_all_the_same(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);
	struct world_packet p;

	(void)state;
	begin_quic(t, 1);
	assert_true(turnstile_tick(t, 1.5));
	assert_int_equal(world_count(&w, "quic"), 0);
	assert_false(turnstile_tick(t, 2.5));
	assert_int_equal(world_count(&w, "\"proto\":\"quic\""), 1);
	assert_int_equal(world_count(&w, "\"src\":\"10.77.1.2:6000\""), 1);
	p = quic_part("api.example.org", 1, 2, 0);
	assert_int_equal(enter(t, WORLD_ONE, &p, 3), JUDGE_REFUSE);
	closed(t, &w);
}

static void
test_the_fourth_datagram_is_the_last_that_waits(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct world_packet p =
			quic_part("api.example.org", i, 8, 6000);

		assert_int_equal(enter(t, WORLD_ONE, &p, 1),
			i < 3 ? JUDGE_DROP : JUDGE_REFUSE);
	}
	assert_int_equal(world_count(&w, "\"proto\":\"quic\""), 1);
	assert_int_equal(world_count(&w, "\"host\""), 0);
	closed(t, &w);
}

/* Its second datagram is the first that the new rules see. */
static void
test_quic_that_other_rules_overtook_is_counted(void **state)
{
	struct world w;
	struct turnstile *t = opened(&w);

	(void)state;
	begin_quic(t, 1e9);
	world_change(&w, nothing);
	turnstile_forget(t);
	assert_false(turnstile_tick(t, 1e9 + 2));
	assert_int_equal(world_count(&w, "\"event\":\"decision\""), 1);
	assert_int_equal(world_count(&w, "\"reason\":\"limit\""), 1);
	assert_int_equal(world_count(&w, "these had none"), 1);
	closed(t, &w);
}

/* A flood makes it forgotten, and counts it with the others. */
static void
test_quic_that_made_room_is_counted(void **state)
{
	enum { OTHERS = 60000 }; /* far more than there are places */
	struct world w;
	struct turnstile *t = opened(&w);
	struct world_packet p;

	(void)state;
	begin_quic(t, 1e9);
	for (int i = 0; i < OTHERS; i++) {
		p = world_udp(FAR, (uint16_t)(i + 1), 99, "x", 1);
		assert_int_equal(
			enter(t, WORLD_ONE, &p, 1e9 + 0.5), JUDGE_DROP);
	}
	assert_false(turnstile_tick(t, 1e9 + 2));
	assert_int_equal(world_count(&w, "\"proto\":\"quic\""), 0);
	/* 50 of the others have a record of their own. */
	assert_int_equal(world_count(&w, "\"count\":59951"), 1);
	closed(t, &w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_flow_is_on_record_once),
		cmocka_unit_test(test_a_flood_has_few_records),
		cmocka_unit_test(test_a_flood_is_not_told_as_let_pass),
		cmocka_unit_test(test_flows_beyond_the_budget_do_not_pass),
		cmocka_unit_test(test_who_cannot_be_stopped_does_not_pass),
		cmocka_unit_test(test_another_policy_is_another_decision),
		cmocka_unit_test(test_strangers_have_one_record_a_second),
		cmocka_unit_test(test_quic_is_refused_when_its_name_is_whole),
		cmocka_unit_test(
			test_quic_without_a_name_is_refused_all_the_same),
		cmocka_unit_test(
			test_the_fourth_datagram_is_the_last_that_waits),
		cmocka_unit_test(
			test_quic_that_other_rules_overtook_is_counted),
		cmocka_unit_test(test_quic_that_made_room_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
