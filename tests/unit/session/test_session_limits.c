/*
 * Who is not let in: nobody's connections, and more of them than a sandbox may
 * have.  What is put on record about that is bounded too.  The clock is the
 * test's.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "listener.h"
#include "loop_until.h"
#include "monotonic.h"
#include "sandbox.h"
#include "session.h"
#include "session_lab.h"

static const struct resolver_row rows[] = {{.host = NULL}};

static const char policy[] = "version: 1\n"
			     "policies: {p: {allow: [{host: a.test}]}}\n";

static double ahead; /* of the loop's time, which stands still */

double __real_monotonic_now(void);
double __wrap_monotonic_now(void);

double
__wrap_monotonic_now(void)
{
	return 1000 + ahead;
}

static void
open_lab(struct session_lab *lab)
{
	ahead = 0;
	session_lab_open(lab, rows, policy);
}

/* Somebody dials 192.0.2.1:443: his end. */
static int
arrive(struct session_lab *lab, uint32_t ifindex, const char *address)
{
	struct arrival a = {.ifindex = ifindex};
	struct sockaddr_in *peer = (struct sockaddr_in *)&a.peer;
	struct sockaddr_in *to = (struct sockaddr_in *)&a.original;
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0, fds),
		0);
	a.fd = fds[0];
	peer->sin_family = to->sin_family = AF_INET;
	peer->sin_port = htons(40000);
	to->sin_port = htons(443);
	assert_int_equal(inet_pton(AF_INET, address, &peer->sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &to->sin_addr), 1);
	session_start(&lab->services, &a);
	return fds[1];
}

static void
assert_is_closed(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	close(fd);
}

/* How many lines of the log hold that. */
static unsigned
lines(struct session_lab *lab, const char *part)
{
	unsigned n = 0;

	loop_once(lab->loop);
	for (const char *at = session_lab_log(lab);
		(at = strstr(at, part)) != NULL; at++)
		n++;
	return n;
}

static void
test_strangers(void **state)
{
	static const struct {
		uint32_t ifindex;
		const char *address, *reason;
	} cases[] = {
		{LAB_IFINDEX, "10.77.0.3", "an address that nobody has"},
		{LAB_IFINDEX + 1, "10.77.0.2",
			"a known address on another interface"},
		{0, "10.77.0.2", "no interface"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct session_lab lab;
		const char *line;

		print_message("%s\n", cases[i].reason);
		open_lab(&lab);
		assert_is_closed(
			arrive(&lab, cases[i].ifindex, cases[i].address));
		line = session_lab_line(&lab, "unknown_source", "\"denied\"");
		assert_non_null(strstr(line, cases[i].address));
		assert_non_null(strstr(line, "\"dport\":443"));
		/* It is nobody's, and nobody pays for it. */
		assert_null(strstr(line, "box"));
		assert_int_equal(lab.sandbox->connections, 0);
		session_lab_close(&lab);
	}
}

/* Without a sandbox there is no limit to hold: the log must not fill. */
static void
test_strangers_are_put_on_record_once_a_second(void **state)
{
	struct session_lab lab;

	(void)state;
	open_lab(&lab);
	for (int i = 0; i < 50; i++)
		assert_is_closed(arrive(&lab, LAB_IFINDEX, "10.77.0.3"));
	assert_int_equal(lines(&lab, "unknown_source"), 1);
	ahead = 1;
	for (int i = 0; i < 50; i++)
		assert_is_closed(arrive(&lab, LAB_IFINDEX, "10.77.0.3"));
	assert_int_equal(lines(&lab, "unknown_source"), 2);
	session_lab_close(&lab);
}

static int
arrive_from_the_box(struct session_lab *lab)
{
	return arrive(lab, LAB_IFINDEX, "10.77.0.2");
}

static void
test_too_many_at_once(void **state)
{
	struct session_lab lab;
	int kept[3];

	(void)state;
	open_lab(&lab);
	lab.services.limits.connections = 2;
	kept[0] = arrive_from_the_box(&lab);
	kept[1] = arrive_from_the_box(&lab);
	assert_is_closed(arrive_from_the_box(&lab));
	assert_int_equal(lab.sandbox->connections, 2);
	session_lab_line(&lab, "\"limit\"", "too many connections");
	/* Those that are there stay, and one that leaves makes room. */
	close(kept[0]);
	session_lab_line(&lab, "client_gone", NULL);
	assert_int_equal(lab.sandbox->connections, 1);
	kept[2] = arrive_from_the_box(&lab);
	assert_int_equal(lab.sandbox->connections, 2);
	assert_int_equal(lines(&lab, "\"limit\""), 1);
	close(kept[1]);
	close(kept[2]);
	session_lab_close(&lab);
}

static void
test_too_many_new_ones(void **state)
{
	struct session_lab lab;

	(void)state;
	open_lab(&lab);
	budget_init(&lab.sandbox->connects, 2, 3, monotonic_now());
	for (int i = 0; i < 3; i++)
		close(arrive_from_the_box(&lab));
	assert_is_closed(arrive_from_the_box(&lab));
	session_lab_line(&lab, "\"limit\"", "too many new ones");
	ahead = 0.5; /* two a second: one more */
	close(arrive_from_the_box(&lab));
	assert_is_closed(arrive_from_the_box(&lab));
	session_lab_close(&lab);
}

/* One line a second says how many there were, and none is left out. */
static void
test_complaints_are_counted(void **state)
{
	struct session_lab lab;

	(void)state;
	open_lab(&lab);
	lab.services.limits.connections = 0;
	for (int i = 0; i < 40; i++)
		assert_is_closed(arrive_from_the_box(&lab));
	assert_int_equal(lines(&lab, "\"limit\""), 1);
	assert_int_equal(lines(&lab, "\"count\""), 0);
	ahead = 1;
	assert_is_closed(arrive_from_the_box(&lab));
	session_lab_line(&lab, "\"limit\"", "\"count\":40");
	ahead = 2;
	assert_is_closed(arrive_from_the_box(&lab));
	assert_int_equal(lines(&lab, "\"limit\""), 3);
	assert_int_equal(lines(&lab, "\"count\""), 1);
	session_lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(
			test_strangers_are_put_on_record_once_a_second),
		cmocka_unit_test(test_too_many_at_once),
		cmocka_unit_test(test_too_many_new_ones),
		cmocka_unit_test(test_complaints_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
