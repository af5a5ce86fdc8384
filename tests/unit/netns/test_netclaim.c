/* One in a network namespace, whatever state that is in. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "netclaim.h"

enum { TEXT = 256 };

/* lo is down in it. */
static void
enter_namespace(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		assert_int_equal(unshare(CLONE_NEWUSER | CLONE_NEWNET), 0);
}

static void
test_there_is_one(void **state)
{
	char text[TEXT];
	int fd, next;

	(void)state;
	enter_namespace();
	fd = netclaim_open(text, sizeof(text));
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(netclaim_open(text, sizeof(text)), -EBUSY);
	assert_non_null(strstr(
		text, "another sbx-netd runs in this network namespace"));
	close(fd);
	next = netclaim_open(text, sizeof(text));
	assert_true(next >= 0);
	close(next);
}

static void
test_there_is_one_in_each(void **state)
{
	char text[TEXT];
	int fd, other;

	(void)state;
	enter_namespace();
	fd = netclaim_open(text, sizeof(text));
	enter_namespace();
	other = netclaim_open(text, sizeof(text));
	assert_true(fd >= 0 && other >= 0);
	close(fd);
	close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_is_one),
		cmocka_unit_test(test_there_is_one_in_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
