/* All of a batch or nothing of it; who is found where. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "gate_world.h"
#include "guard.h"
#include "link_message.h"
#include "resident.h"

static const char policies[] =
	"version: 1\npolicies: {one: {allow: []}, two: {allow: []}}\n";

static const uint8_t address[16] = {10, 77, 1, 2};

static bool
is_self(const struct world *w, const char *text)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	assert_int_equal(inet_pton(AF_INET, text, &to.sin_addr), 1);
	return guard_is_self(w->rules.guard, (const struct sockaddr *)&to);
}

static void
test_found_by_interface_and_address(void **state)
{
	struct residents *all;
	struct world w;

	(void)state;
	world_open(&w, policies);
	all = w.rules.residents;
	assert_string_equal(
		residents_identify(all, WORLD_ONE, AF_INET, address)->name,
		"one");
	assert_string_equal(
		residents_identify(all, WORLD_TWO, AF_INET, address)->name,
		"two");
	assert_null(residents_identify(all, 9, AF_INET, address));
	assert_null(residents_identify(all, 0, AF_INET, address));
	assert_null(residents_identify(all, WORLD_ONE, AF_INET6, address));
	assert_non_null(residents_with(all, AF_INET, address, 0));
	assert_non_null(residents_with(all, AF_INET, address, 1));
	assert_null(residents_with(all, AF_INET, address, 2));
	world_close(&w);
}

static void
test_a_bad_batch_changes_nothing(void **state)
{
	static const struct {
		const char *document, *overlay;
	} cases[] = {
		{"version: 1\npolicies: [", ""},
		{"version: 1\npolicies: {one: {allow: 3}}", ""},
		{"version: 1\npolicies: {one: {allow: []}}",
			"mode: nonsense\n"},
	};
	struct residents *before;
	struct world w;

	(void)state;
	world_open(&w, policies);
	before = w.rules.residents;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gate_batch *b = gate_batch_new(2);
		struct link_document d = {"p.yaml",
			{cases[i].document, strlen(cases[i].document)}};
		struct link_sandbox s = {.name = "three",
			.policy = "one",
			.labels = "{}",
			.overlay = cases[i].overlay,
			.ifindex = 9,
			.address_count = 1,
			.addresses = {{AF_INET, {10, 77, 3, 2}}}};
		char why[256] = "";

		assert_int_equal(gate_batch_document(b, &d), 0);
		assert_int_equal(gate_batch_sandbox(b, &s), 0);
		assert_int_equal(gate_batch_gone(b, "one"), 0);
		assert_true(
			gate_batch_apply(b, &w.rules, why, sizeof(why)) < 0);
		assert_string_not_equal(why, "");
		gate_batch_free(b);
		assert_ptr_equal(w.rules.residents, before);
		assert_false(is_self(&w, "10.77.3.2"));
		assert_true(is_self(&w, "10.77.1.2"));
	}
	world_close(&w);
}

/* Registered anew, it is still told of what had no record of its own. */
static void
test_who_comes_again_has_what_was_not_said(void **state)
{
	struct link_sandbox s = {.name = "one",
		.policy = "two",
		.labels = "{}",
		.overlay = "",
		.ifindex = 9,
		.address_count = 1,
		.addresses = {{AF_INET, {10, 77, 1, 2}}}};
	struct gate_batch *b = gate_batch_new(2);
	struct resident *now;
	struct world w;
	char why[256];

	(void)state;
	world_open(&w, policies);
	residents_identify(w.rules.residents, WORLD_ONE, AF_INET, address)
		->unsaid = 3;
	assert_int_equal(gate_batch_sandbox(b, &s), 0);
	assert_int_equal(gate_batch_apply(b, &w.rules, why, sizeof(why)), 0);
	gate_batch_free(b);
	now = residents_identify(w.rules.residents, 9, AF_INET, address);
	assert_string_equal(now->policy_name, "two");
	assert_int_equal(now->unsaid, 3);
	world_close(&w);
}

/* Two have the address: it is nobody's only when both have gone. */
static void
test_who_has_gone_is_no_self_any_more(void **state)
{
	static const char *const names[] = {"one", "two"};
	struct world w;
	char why[256];

	(void)state;
	world_open(&w, policies);
	for (int i = 0; i < 2; i++) {
		struct gate_batch *b = gate_batch_new(2);

		assert_true(is_self(&w, "10.77.1.2"));
		assert_int_equal(gate_batch_gone(b, names[i]), 0);
		assert_int_equal(
			gate_batch_apply(b, &w.rules, why, sizeof(why)), 0);
		gate_batch_free(b);
	}
	assert_false(is_self(&w, "10.77.1.2"));
	assert_null(residents_identify(
		w.rules.residents, WORLD_ONE, AF_INET, address));
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_by_interface_and_address),
		cmocka_unit_test(test_a_bad_batch_changes_nothing),
		cmocka_unit_test(test_who_comes_again_has_what_was_not_said),
		cmocka_unit_test(test_who_has_gone_is_no_self_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
