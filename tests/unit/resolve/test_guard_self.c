#include "test_guard_self.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array.h"
#include "guard.h"
#include "guard_dst.h"

static const char *const self_reason = "this host or a sandbox";

static int
add_self(struct guard *g, const char *text)
{
	uint8_t bytes[16];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(family, text, bytes), 1);
	return guard_add_self(g, family, bytes);
}

static void
remove_self(struct guard *g, const char *text)
{
	uint8_t bytes[16];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(family, text, bytes), 1);
	guard_remove_self(g, family, bytes);
}

/* Both questions give the same answer about selfs, always. */
static bool
is_self(const struct guard *g, const char *text)
{
	struct sockaddr_storage dst = guard_dst(text);
	const struct sockaddr *sa = (struct sockaddr *)&dst;
	const char *reason = guard_refuses(g, sa);
	bool self = guard_is_self(g, sa);

	assert_int_not_equal(dst.ss_family, AF_UNSPEC);
	assert_int_equal(
		self, reason != NULL && strcmp(reason, self_reason) == 0);
	return self;
}

static const struct {
	const char *self, *dst;
	bool expected;
	const char *why;
} spellings[] = {
	{"8.8.4.4", "8.8.4.4", true, "itself"},
	{"8.8.4.4", "8.8.4.5", false, "its neighbour"},
	{"8.8.4.4", "::ffff:8.8.4.4", true, "mapped"},
	{"8.8.4.4", "::ffff:808:404", true, "mapped, in hexadecimal"},
	{"8.8.4.4", "::8.8.4.4", true, "compatible"},
	{"8.8.4.4", "::ffff:0:8.8.4.4", true, "translated"},
	{"8.8.4.4", "64:ff9b::8.8.4.4", true, "through NAT64"},
	{"8.8.4.4", "2002:808:404::1", true, "through 6to4"},
	{"8.8.4.4", "2001:0:1::f7f7:fbfb", true, "through Teredo"},
	{"8.8.4.4", "2001:0:1::808:404", false, "Teredo inverts"},
	{"8.8.4.4", "2600::808:404", false, "just an ending"},
	{"::ffff:8.8.4.4", "8.8.4.4", true, "added in its mapped form"},
	{"2600::7", "2600::7", true, "itself"},
	{"2600::7", "2600::8", false, "its neighbour"},
	{"::1", "::1", true, "loopback"},
	{"0.0.0.1", "::1", false, "::1 embeds nothing"},
};

void
test_self_spellings(void **state)
{
	struct guard *g;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		g = guard_new();
		assert_int_equal(add_self(g, spellings[i].self), 0);
		if (is_self(g, spellings[i].dst) != spellings[i].expected)
			fail_msg("%s and %s: %s", spellings[i].self,
				spellings[i].dst, spellings[i].why);
		guard_free(g);
	}
}

void
test_self_beats_allow(void **state)
{
	static const char *const ranges[] = {"0.0.0.0/0", "10.1.0.5", "::/0",
		"::ffff:0:0/96", "::ffff:10.1.0.5"};
	struct guard *g = guard_new();

	(void)state;
	assert_int_equal(add_self(g, "10.1.0.5"), 0);
	assert_int_equal(add_self(g, "2600::5"), 0);
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		assert_int_equal(guard_allow(g, ranges[i]), 0);
	assert_true(is_self(g, "10.1.0.5"));
	assert_true(is_self(g, "::ffff:10.1.0.5"));
	assert_true(is_self(g, "2600::5"));
	assert_false(is_self(g, "10.1.0.6"));
	guard_free(g);
}

void
test_self_is_counted(void **state)
{
	struct guard *g = guard_new();
	uint8_t bytes[16] = {0};

	(void)state;
	assert_int_equal(guard_add_self(g, AF_UNIX, bytes), -EAFNOSUPPORT);
	guard_remove_self(g, AF_UNIX, bytes);
	remove_self(g, "8.8.4.4"); /* was never there */
	assert_int_equal(add_self(g, "8.8.4.4"), 0);
	assert_int_equal(add_self(g, "::ffff:8.8.4.4"), 0);
	remove_self(g, "8.8.4.4");
	assert_true(is_self(g, "8.8.4.4"));
	remove_self(g, "8.8.4.4");
	assert_false(is_self(g, "8.8.4.4"));
	assert_int_equal(add_self(g, "8.8.4.4"), 0);
	assert_true(is_self(g, "8.8.4.4"));
	guard_free(g);
}

/* Growth loses nobody, and removal keeps the others. */
void
test_ten_thousand_selfs(void **state)
{
	enum { SELFS = 10000 };
	struct guard *g = guard_new();
	uint8_t bytes[4] = {11};
	struct sockaddr_in dst = {.sin_family = AF_INET};

	(void)state;
	for (int i = 0; i < SELFS; i++) {
		bytes[2] = (uint8_t)(i >> 8);
		bytes[3] = (uint8_t)i;
		assert_int_equal(guard_add_self(g, AF_INET, bytes), 0);
	}
	for (int i = 0; i < SELFS; i += 2) {
		bytes[2] = (uint8_t)(i >> 8);
		bytes[3] = (uint8_t)i;
		guard_remove_self(g, AF_INET, bytes);
	}
	for (int i = 0; i < SELFS; i++) {
		dst.sin_addr.s_addr = htonl(11u << 24 | (uint32_t)i);
		assert_int_equal(
			guard_is_self(g, (struct sockaddr *)&dst), i % 2 == 1);
	}
	guard_free(g);
}
