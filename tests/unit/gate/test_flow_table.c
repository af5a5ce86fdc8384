/* A flow is known while it lasts, and what is known is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "flow_table.h"
#include "packet.h"

static struct flow_key
key_of(uint16_t port)
{
	const struct packet p = {.family = AF_INET,
		.protocol = PACKET_UDP,
		.has_ports = true,
		.source_port = 5000,
		.destination_port = port};
	struct flow_key key;

	flow_key_of(&p, 7, false, &key);
	return key;
}

static void
test_known_until_it_is_silent(void **state)
{
	struct flow_table *t = flow_table_new();
	struct flow_key key = key_of(1);
	struct flow_entry *e;

	(void)state;
	e = flow_table_see(t, &key, 1);
	assert_int_equal(e->packets, 1);
	e->recorded = true;
	for (int i = 1; i <= 3; i++) {
		e = flow_table_see(t, &key, 1 + i * FLOW_SILENCE);
		assert_true(e->recorded);
		assert_int_equal(e->packets, 1 + i);
	}
	e = flow_table_see(t, &key, 2 + 4 * FLOW_SILENCE);
	assert_false(e->recorded);
	assert_int_equal(e->packets, 1);
	flow_table_free(t);
}

/* Each of these is another flow. */
static void
test_what_tells_flows_apart(void **state)
{
	struct flow_table *t = flow_table_new();
	struct flow_key key = key_of(1);
	uint8_t *const differences[] = {&key.source[0], &key.destination[15],
		(uint8_t *)&key.ifindex, (uint8_t *)&key.source_port,
		(uint8_t *)&key.destination_port, &key.protocol, &key.family,
		&key.icmp_type, &key.verdict};

	(void)state;
	flow_table_see(t, &key, 1);
	for (size_t i = 0; i < sizeof(differences) / sizeof(*differences);
		i++) {
		*differences[i] ^= 1;
		assert_int_equal(flow_table_see(t, &key, 1)->packets, 1);
		*differences[i] ^= 1;
	}
	assert_int_equal(flow_table_see(t, &key, 1)->packets, 2);
	flow_table_free(t);
}

static void
test_a_flood_makes_no_more_openings(void **state)
{
	struct flow_table *t = flow_table_new();
	int opened = 0;

	(void)state;
	for (unsigned i = 1; i < 0xffff; i++) {
		struct flow_key key = key_of((uint16_t)i);
		struct flow_entry *e = flow_table_see(t, &key, 1);

		assert_null(e->opening);
		if (flow_table_open(t, e) != NULL)
			opened++;
	}
	/* Those that made room gave theirs back: more than at a time. */
	assert_in_range(opened, FLOW_OPENINGS, 0xffff);
	for (opened = 0;; opened++) {
		struct flow_entry *e = flow_table_stale(t, 3, 1);

		if (e == NULL)
			break;
		flow_table_close(t, e);
	}
	assert_int_equal(opened, FLOW_OPENINGS);
	flow_table_free(t);
}

static void
test_what_waits_for_a_name_is_found(void **state)
{
	struct flow_table *t = flow_table_new();
	struct flow_key key = key_of(443);
	struct flow_entry *e = flow_table_see(t, &key, 10);
	struct packet p;

	(void)state;
	assert_non_null(flow_table_open(t, e));
	assert_null(flow_table_stale(t, 10.5, 1));
	assert_ptr_equal(flow_table_stale(t, 11.5, 1), e);
	flow_key_packet(&e->key, &p);
	assert_int_equal(p.family, AF_INET);
	assert_int_equal(p.destination_port, 443);
	flow_table_forget(t);
	assert_null(flow_table_stale(t, 100, 1));
	assert_int_equal(flow_table_see(t, &key, 11)->packets, 1);
	flow_table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_until_it_is_silent),
		cmocka_unit_test(test_what_tells_flows_apart),
		cmocka_unit_test(test_a_flood_makes_no_more_openings),
		cmocka_unit_test(test_what_waits_for_a_name_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
