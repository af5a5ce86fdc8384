/*
 * The table of sandboxes: found by interface and address together.  None of
 * them is served here, so none has an authority, and a thousand cost little.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "sandbox.h"
#include "sandbox_limits.h"

enum { MANY = 1000 };

static struct sandbox_address
address(const char *text)
{
	struct sandbox_address a = {.family = AF_INET};

	if (inet_pton(AF_INET, text, a.bytes) == 1)
		return a;
	a.family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, text, a.bytes), 1);
	return a;
}

static struct sandbox *
make(const char *name, uint32_t ifindex, const char *first, const char *second)
{
	static const struct limits limits = {.connections = 1,
		.connections_per_second = 1,
		.dns_per_second = 1,
		.mints_per_second = 1};
	struct sandbox_address addresses[2];
	struct sandbox_spec spec = {
		.name = name,
		.policy_name = "p",
		.labels = "{}",
		.ifindex = ifindex,
		.addresses = addresses,
	};
	struct sandbox *s;
	char why[128];

	if (first != NULL)
		addresses[spec.address_count++] = address(first);
	if (second != NULL)
		addresses[spec.address_count++] = address(second);
	assert_int_equal(
		sandbox_new(&spec, &limits, NULL, &s, why, sizeof(why)), 0);
	return s;
}

static void
put(struct sandboxes *r, const char *name, uint32_t ifindex, const char *first,
	const char *second)
{
	sandboxes_put(r, make(name, ifindex, first, second));
}

static const char *
who(const struct sandboxes *r, uint32_t ifindex, const char *text)
{
	struct sandbox_address a = address(text);
	struct sockaddr_storage from = {.ss_family = (sa_family_t)a.family};
	const struct sandbox *s;

	/* A port and a scope are no part of who it is. */
	if (a.family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&from;

		memcpy(&in->sin_addr, a.bytes, 4);
		in->sin_port = htons(40000);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&from;

		memcpy(&in6->sin6_addr, a.bytes, 16);
		in6->sin6_port = htons(40000);
		in6->sin6_scope_id = 7;
	}
	s = sandboxes_identify(r, ifindex, (struct sockaddr *)&from);
	return s != NULL ? s->name : "nobody";
}

static void
test_who_it_is(void **state)
{
	static const struct {
		uint32_t ifindex;
		const char *from, *want, *reason;
	} cases[] = {
		{5, "10.0.0.2", "a", "its address on its interface"},
		{6, "10.0.0.2", "b", "the same address on another interface"},
		{7, "10.0.0.2", "nobody", "… and on a third"},
		{0, "10.0.0.2", "nobody", "an interface that is not known"},
		{5, "10.0.0.3", "nobody", "another address there"},
		{5, "fd00::2", "a", "its other family"},
		{6, "fd00::2", "nobody", "… which b does not have"},
		{5, "::ffff:10.0.0.2", "nobody", "another spelling"},
		{5, "a00:2::", "nobody", "the same first bytes, as IPv6"},
		{0, "10.0.0.9", "nobody", "no interface, though one says so"},
	};
	struct sandboxes *r = sandboxes_new();

	(void)state;
	assert_non_null(r);
	assert_string_equal(who(r, 5, "10.0.0.2"), "nobody");
	put(r, "a", 5, "10.0.0.2", "fd00::2");
	put(r, "b", 6, "10.0.0.2", NULL);
	put(r, "absent", 0, "10.0.0.9", NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = who(r, cases[i].ifindex, cases[i].from);

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].reason, got);
	}
	sandboxes_free(r);
	sandboxes_free(NULL);
}

static void
test_replaced_and_removed(void **state)
{
	struct sandboxes *r = sandboxes_new();
	struct sandbox *kept;

	(void)state;
	put(r, "a", 5, "10.0.0.2", NULL);
	put(r, "b", 5, "10.0.0.3", NULL);
	kept = sandbox_ref(sandboxes_find(r, "a"));
	/* The same name somewhere else: where it was, is nobody now. */
	put(r, "a", 5, "10.0.0.4", "fd00::4");
	assert_string_equal(who(r, 5, "10.0.0.2"), "nobody");
	assert_string_equal(who(r, 5, "10.0.0.4"), "a");
	assert_string_equal(who(r, 5, "fd00::4"), "a");
	assert_string_equal(kept->name, "a"); /* for whom has a reference */
	sandbox_unref(kept);
	sandboxes_remove(r, "a");
	sandboxes_remove(r, "a");
	sandboxes_remove(r, "never");
	assert_null(sandboxes_find(r, "a"));
	assert_string_equal(who(r, 5, "10.0.0.4"), "nobody");
	assert_string_equal(who(r, 5, "fd00::4"), "nobody");
	assert_string_equal(who(r, 5, "10.0.0.3"), "b");
	/* The place can be another's. */
	put(r, "c", 5, "10.0.0.4", NULL);
	assert_string_equal(who(r, 5, "10.0.0.4"), "c");
	sandboxes_free(r);
}

static void
name_of(int i, char name[32], char v4[32], char v6[32])
{
	snprintf(name, 32, "box-%d", i);
	snprintf(v4, 32, "10.1.%d.%d", i / 250, i % 250 + 1);
	snprintf(v6, 32, "fd00::%x", i + 1);
}

/* Each is met once on a walk; returns how many. */
static int
walk(const struct sandboxes *r)
{
	bool met[MANY] = {false};
	struct sandbox *s = NULL;
	int n = 0, i;

	while ((s = sandboxes_next(r, s)) != NULL) {
		assert_int_equal(sscanf(s->name, "box-%d", &i), 1);
		assert_in_range(i, 0, MANY - 1);
		assert_false(met[i]);
		met[i] = true;
		n++;
	}
	return n;
}

static void
assert_all_there(const struct sandboxes *r, int step)
{
	char name[32], v4[32], v6[32];

	for (int i = 0; i < MANY; i++) {
		const char *want = name;

		name_of(i, name, v4, v6);
		if (i % step != 0)
			want = "nobody";
		assert_int_equal(
			sandboxes_find(r, name) != NULL, i % step == 0);
		assert_string_equal(who(r, (uint32_t)(i % 7 + 1), v4), want);
		assert_string_equal(who(r, (uint32_t)(i % 7 + 1), v6), want);
		assert_string_equal(who(r, 8, v4), "nobody");
	}
}

static void
test_a_thousand(void **state)
{
	struct sandboxes *r = sandboxes_new();
	char name[32], v4[32], v6[32];

	(void)state;
	assert_int_equal(walk(r), 0);
	for (int i = 0; i < MANY; i++) {
		name_of(i, name, v4, v6);
		put(r, name, (uint32_t)(i % 7 + 1), v4, v6);
	}
	assert_all_there(r, 1);
	assert_int_equal(walk(r), MANY);
	for (int i = 0; i < MANY; i++) {
		name_of(i, name, v4, v6);
		if (i % 4 != 0)
			sandboxes_remove(r, name);
	}
	assert_all_there(r, 4);
	assert_int_equal(walk(r), MANY / 4);
	sandboxes_free(r);
}

static void
test_alike(void **state)
{
	static const struct {
		uint32_t ifindex;
		bool want;
		const char *name, *first, *second, *reason;
	} cases[] = {
		{5, true, "a", "10.0.0.2", "fd00::2", "the same"},
		{5, true, "b", "10.0.0.2", "fd00::2", "names do not matter"},
		{6, false, "a", "10.0.0.2", "fd00::2", "another interface"},
		{5, false, "a", "10.0.0.2", NULL, "an address less"},
		{5, false, "a", "10.0.0.3", "fd00::2", "another address"},
		{5, false, "a", "10.0.0.2", "fd00::3", "another second one"},
	};
	struct sandbox *a = make("a", 5, "10.0.0.2", "fd00::2");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sandbox *b = make(cases[i].name, cases[i].ifindex,
			cases[i].first, cases[i].second);

		if (sandbox_is_alike(a, b) != cases[i].want ||
			sandbox_is_alike(b, a) != cases[i].want)
			fail_msg("%s", cases[i].reason);
		sandbox_unref(b);
	}
	assert_true(sandbox_has_family(a, AF_INET));
	assert_true(sandbox_has_family(a, AF_INET6));
	sandbox_unref(a);
	a = make("a", 5, "10.0.0.2", NULL);
	assert_false(sandbox_has_family(a, AF_INET6));
	sandbox_unref(a);
	a = make("a", 5, NULL, NULL);
	assert_false(sandbox_has_family(a, AF_INET));
	sandbox_unref(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_it_is),
		cmocka_unit_test(test_replaced_and_removed),
		cmocka_unit_test(test_a_thousand),
		cmocka_unit_test(test_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
