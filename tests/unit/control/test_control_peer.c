#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "control_peer.h"

enum { OWNER = 900, READERS = 20, WRITERS = 30, NONE = -1 };

static void
test_rights(void **state)
{
	static const struct {
		uid_t uid;
		gid_t groups[3];
		size_t count;
		gid_t readers, writers;
		enum control_right right;
		const char *why;
	} cases[] = {
		{0, {0}, 1, NONE, NONE, CONTROL_WRITE, "root"},
		{0, {0}, 1, READERS, WRITERS, CONTROL_WRITE, "root"},
		{OWNER, {900}, 1, NONE, NONE, CONTROL_WRITE, "ourselves"},
		{1000, {WRITERS}, 1, READERS, WRITERS, CONTROL_WRITE,
			"own group is the admins'"},
		{1000, {5, 6, WRITERS}, 3, READERS, WRITERS, CONTROL_WRITE,
			"supplementary"},
		{1000, {5, READERS, WRITERS}, 3, READERS, WRITERS,
			CONTROL_WRITE, "in both"},
		{1000, {5, READERS}, 2, READERS, WRITERS, CONTROL_READ,
			"reader"},
		{1000, {READERS}, 1, READERS, NONE, CONTROL_READ,
			"no admin group"},
		{1000, {5}, 1, READERS, WRITERS, CONTROL_NOTHING, "neither"},
		{1000, {0}, 1, READERS, WRITERS, CONTROL_NOTHING,
			"root's group is not root"},
		{1000, {NONE}, 1, NONE, NONE, CONTROL_NOTHING,
			"no group is not a group"},
		{1000, {5}, 0, 5, 5, CONTROL_NOTHING, "no groups at all"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct control_access access = {
			OWNER, cases[i].readers, cases[i].writers};
		struct control_peer peer = {
			.uid = cases[i].uid, .group_count = cases[i].count};

		memcpy(peer.groups, cases[i].groups, sizeof(cases[i].groups));
		if (control_peer_right(&peer, &access) != cases[i].right)
			fail_msg("%s", cases[i].why);
	}
}

static void
test_the_kernel_says_who(void **state)
{
	struct control_peer peer;
	gid_t groups[CONTROL_PEER_GROUPS];
	int pair[2], count;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(control_peer_get(pair[0], &peer), 0);
	assert_int_equal(peer.uid, geteuid());
	assert_int_equal(peer.groups[0], getegid());
	count = getgroups(CONTROL_PEER_GROUPS, groups);
	assert_int_equal(peer.group_count, 1 + count);
	for (int i = 0; i < count; i++)
		assert_int_equal(peer.groups[1 + i], groups[i]);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(control_peer_get(pair[0], &peer), -EBADF);
}

static void
test_groups_are_looked_up(void **state)
{
	struct control_access access;
	char text[256] = "";

	(void)state;
	assert_int_equal(
		control_access_find(NULL, NULL, &access, text, 256), 0);
	assert_true(access.readers == (gid_t)-1);
	assert_true(access.writers == (gid_t)-1);
	assert_int_equal(
		control_access_find("root", "daemon", &access, text, 256), 0);
	assert_int_equal(access.readers, 0);
	assert_true(access.writers != (gid_t)-1);
	assert_int_equal(control_access_find("root", "no-such-group", &access,
				 text, sizeof(text)),
		-ENOENT);
	assert_non_null(strstr(text, "no-such-group"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_the_kernel_says_who),
		cmocka_unit_test(test_groups_are_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
