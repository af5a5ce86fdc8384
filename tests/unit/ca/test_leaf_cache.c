#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "ca.h"

enum {
	NOW = 1800000000,
	DAY = 86400,
	BOUND = 256,
};

static struct ca *
new_ca(void)
{
	struct ca *ca;
	char err[128];

	assert_int_equal(ca_new("build-1", NOW, &ca, err, sizeof(err)), 0);
	ca_set_budget(ca, 100000);
	return ca;
}

/* Looks number n up at that time; says whether it had to be made. */
static bool
minted(struct ca *ca, int n, time_t now)
{
	struct ca_leaf *leaf;
	char host[32];
	bool made;

	snprintf(host, sizeof(host), "h%d.example", n);
	assert_int_equal(ca_leaf(ca, host, CA_KEY_EC, now, &leaf, &made), 0);
	ca_leaf_unref(leaf);
	return made;
}

static void
test_holds_what_fits_and_no_more(void **state)
{
	struct ca *ca = new_ca();

	(void)state;
	for (int i = 0; i < BOUND; i++)
		assert_true(minted(ca, i, NOW));
	for (int i = 0; i < BOUND; i++)
		assert_false(minted(ca, i, NOW));
	assert_true(minted(ca, BOUND, NOW));
	assert_true(minted(ca, 0, NOW)); /* the one more pushed it out */
	ca_free(ca);
}

static void
test_least_recently_used_goes_first(void **state)
{
	struct ca *ca = new_ca();

	(void)state;
	for (int i = 0; i < BOUND; i++)
		minted(ca, i, NOW);
	assert_false(minted(ca, 0, NOW)); /* 1 is the oldest now */
	assert_true(minted(ca, BOUND, NOW));
	assert_false(minted(ca, 0, NOW));
	for (int i = 2; i <= BOUND; i++)
		assert_false(minted(ca, i, NOW));
	assert_true(minted(ca, 1, NOW));
	ca_free(ca);
}

static void
test_made_anew_near_its_end(void **state)
{
	static const struct {
		int days;
		bool expect;
		const char *why;
	} steps[] = {
		{0, true, "not there yet"},
		{22, false, "eight days are left"},
		{24, true, "six days are left"},
		{25, false, "the new one took its place"},
		{-10, true, "a clock set back: not yet valid"},
		{0, false, "that one is valid later too"},
	};
	struct ca *ca = new_ca();

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		time_t now = NOW + (time_t)steps[i].days * DAY;

		if (minted(ca, 1, now) != steps[i].expect)
			fail_msg("%s", steps[i].why);
	}
	ca_free(ca);
}

static void
test_cut_to_the_root_is_fresh(void **state)
{
	time_t late = NOW + (time_t)DAY * (10 * 365 - 3);
	struct ca *ca = new_ca();

	(void)state;
	assert_true(minted(ca, 1, late));
	assert_false(minted(ca, 1, late + DAY));
	ca_free(ca);
}

static void
test_leaf_outlives_cache_and_authority(void **state)
{
	struct ca *ca = new_ca();
	struct ca_leaf *leaf;
	bool made;

	(void)state;
	assert_int_equal(
		ca_leaf(ca, "kept.example", CA_KEY_EC, NOW, &leaf, &made), 0);
	for (int i = 0; i < BOUND; i++)
		minted(ca, i, NOW);
	ca_free(ca);
	assert_int_equal(EVP_PKEY_get_bits(ca_leaf_key(leaf)), 256);
	assert_non_null(ca_leaf_certificate(leaf));
	ca_leaf_unref(leaf);
	ca_leaf_unref(NULL);
}

static void
test_used_up_budget_spares_the_cache(void **state)
{
	struct ca *ca = new_ca();
	struct ca_leaf *leaf;
	bool made;

	(void)state;
	ca_set_budget(ca, 1);
	assert_true(minted(ca, 1, NOW));
	assert_true(minted(ca, 2, NOW));
	assert_int_equal(
		ca_leaf(ca, "h3.example", CA_KEY_EC, NOW, &leaf, &made),
		-EBUSY);
	assert_false(minted(ca, 1, NOW));
	assert_true(minted(ca, 3, NOW + 1));
	ca_free(ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds_what_fits_and_no_more),
		cmocka_unit_test(test_least_recently_used_goes_first),
		cmocka_unit_test(test_made_anew_near_its_end),
		cmocka_unit_test(test_cut_to_the_root_is_fresh),
		cmocka_unit_test(test_leaf_outlives_cache_and_authority),
		cmocka_unit_test(test_used_up_budget_spares_the_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
