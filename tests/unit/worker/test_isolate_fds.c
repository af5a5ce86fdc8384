/*
 * What a worker or the gate may still do to a descriptor that the keeper holds
 * as well: nothing that stays when it has died.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "isolate.h"
#include "isolated.h"
#include "loopback.h"

/* Open before, as a worker's are. */
static int listener, log_fd;

/* Connections of a whole group of listeners, all to the first of them. */
static int
try_steering(void)
{
	struct sock_filter first = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {1, &first};

	return worked(setsockopt(listener, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF,
		&program, sizeof(program)));
}

static int
try_not_steering(void)
{
	int zero = 0;

	return worked(setsockopt(listener, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF,
		&zero, sizeof(zero)));
}

/* The same name on another level. */
static int
try_option_of_another_level(void)
{
	int one = 1;

	return worked(setsockopt(
		listener, SOL_SOCKET, TCP_NODELAY, &one, sizeof(one)));
}

static int
try_truncating_the_log(void)
{
	return worked(ftruncate(log_fd, 0));
}

static int
try_more_secret_pages(void)
{
	return worked(syscall(SYS_memfd_secret, O_CLOEXEC));
}

static int
try_options(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct linger now = {.l_onoff = 1};

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ==
				       0 &&
			       setsockopt(fd, SOL_SOCKET, SO_LINGER, &now,
				       sizeof(now)) == 0
		       ? WORKED
		       : FAILED;
}

static const struct {
	int (*try)(void);
	int want, want_of_gate;
	const char *reason;
} cases[] = {
	{try_steering, KILLED, KILLED,
		"whose connection it is, says the keeper"},
	{try_not_steering, KILLED, KILLED, "… and says on"},
	{try_option_of_another_level, KILLED, KILLED, "options in pairs"},
	{try_truncating_the_log, KILLED, KILLED, "what was done stays written"},
	{try_more_secret_pages, KILLED, KILLED, "they were reserved"},
	{try_options, WORKED, KILLED, "not to wait for more, and to reset"},
};

static void
test_what_is_left_to_a_worker_and_the_gate(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int worker = isolated_try(isolate_late, cases[i].try);
		int gate = isolated_try(isolate_gate_late, cases[i].try);

		if (worker != cases[i].want || gate != cases[i].want_of_gate)
			fail_msg("%s: %d and %d, not %d and %d",
				cases[i].reason, worker, gate, cases[i].want,
				cases[i].want_of_gate);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_left_to_a_worker_and_the_gate),
	};

	listener = loopback_listen("127.0.0.1", 0, 8);
	log_fd = open("/tmp", O_TMPFILE | O_WRONLY | O_APPEND, 0600);
	if (log_fd < 0 || write(log_fd, "{}\n", 3) != 3)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
