#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger.h"
#include "nft.h"

static struct element
source(const char *interface, const char *address)
{
	struct element e;

	assert_int_equal(element_of_source(interface, address, &e), 0);
	return e;
}

static struct element
interface(const char *name)
{
	struct element e;

	assert_int_equal(element_of_interface(name, &e), 0);
	return e;
}

static void
test_counts_what_shares_an_interface(void **state)
{
	struct element v0 = interface("v0"), v1 = interface("v1");
	struct element a = source("v0", "10.0.0.1");
	struct element b = source("v0", "fd00::1");
	struct element c = source("v1", "10.0.0.1");
	struct ledger l = {0};
	(void)state;

	assert_int_equal(ledger_reserve(&l, 3), 0);
	ledger_add(&l, &b);
	assert_int_equal(ledger_reserve(&l, 2), 0);
	ledger_add(&l, &c);
	ledger_add(&l, &a);
	assert_int_equal(ledger_cage(&l, &v0)->sources, 2);
	assert_int_equal(ledger_cage(&l, &v1)->sources, 1);

	ledger_remove(&l, &a);
	assert_false(ledger_has(&l, &a));
	assert_true(ledger_has(&l, &b));
	assert_true(ledger_has(&l, &c)); /* the same address elsewhere */
	assert_int_equal(ledger_cage(&l, &v0)->sources, 1);

	ledger_remove(&l, &b);
	/* Its last sandbox is gone; the cage is not. */
	assert_non_null(ledger_cage(&l, &v0));
	assert_int_equal(ledger_cage(&l, &v0)->sources, 0);
	ledger_drop_cage(&l, &v0);
	assert_null(ledger_cage(&l, &v0));
	assert_non_null(ledger_cage(&l, &v1));
	ledger_done(&l);
}

static void
test_adopts_once(void **state)
{
	struct element v0 = interface("v0");
	struct element a = source("v0", "10.0.0.1");
	struct ledger l = {0};
	(void)state;

	assert_int_equal(ledger_reserve(&l, 1), 0);
	ledger_add(&l, &a);
	ledger_adopt(&l, &v0);
	assert_int_equal(l.cage_count, 1);
	assert_int_equal(ledger_cage(&l, &v0)->sources, 1);
	ledger_done(&l);
}

/* Sorted as nft_sync() and nft_check() need them, whatever came first. */
static void
test_stays_sorted(void **state)
{
	struct ledger l = {0};
	char address[64], name[16];
	(void)state;

	for (int i = 0; i < 1000; i++) {
		int n = i * 613 % 1000; /* a permutation: 613 is coprime */
		struct element e;

		snprintf(name, sizeof(name), "v%d", n % 10);
		snprintf(address, sizeof(address),
			n % 2 ? "10.0.%d.%d" : "fd00::%d:%d", n / 100, n % 100);
		e = source(name, address);
		assert_int_equal(ledger_reserve(&l, 1), 0);
		ledger_add(&l, &e);
	}
	assert_int_equal(l.source_count, 1000);
	assert_int_equal(l.cage_count, 10);
	for (size_t i = 1; i < l.source_count; i++)
		assert_true(
			element_compare(&l.sources[i - 1], &l.sources[i]) < 0);
	for (size_t i = 1; i < l.cage_count; i++)
		assert_true(element_compare(&l.cages[i - 1].interface,
				    &l.cages[i].interface) < 0);
	ledger_done(&l);
}

static void
test_has_a_bound(void **state)
{
	struct ledger l = {0};
	(void)state;

	assert_int_equal(ledger_reserve(&l, NFT_MAX_SOURCES), 0);
	assert_int_equal(ledger_reserve(&l, NFT_MAX_SOURCES + 1), -ENOSPC);
	ledger_done(&l);
}

/* A name may be held shut without a sandbox, until one is added there. */
static void
test_held_and_numbered(void **state)
{
	struct element v0 = interface("v0"), a = source("v0", "10.0.0.1");
	struct ledger l = {0};
	(void)state;

	assert_int_equal(ledger_reserve(&l, 1), 0);
	ledger_adopt(&l, &v0);
	assert_false(ledger_cage(&l, &v0)->held);
	assert_int_equal(ledger_cage(&l, &v0)->ifindex, 0);
	ledger_hold(&l, &v0, true);
	ledger_number(&l, &v0, 7);
	assert_true(ledger_cage(&l, &v0)->held);
	assert_int_equal(ledger_cage(&l, &v0)->ifindex, 7);
	ledger_add(&l, &a);
	assert_false(ledger_cage(&l, &v0)->held);
	assert_int_equal(ledger_cage(&l, &v0)->ifindex, 7);
	ledger_done(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_and_numbered),
		cmocka_unit_test(test_counts_what_shares_an_interface),
		cmocka_unit_test(test_adopts_once),
		cmocka_unit_test(test_stays_sorted),
		cmocka_unit_test(test_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
