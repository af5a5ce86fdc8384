/*
 * What a worker may still do: each row in a process of its own, which isolates
 * itself as a worker does and then tries it.
 *
 * A build with sanitizers lets their runtime do more: such rows say so.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>
#include <linux/capability.h>

#include "array.h"
#include "isolate.h"
#include "isolated.h"
#include "loopback.h"
#include "sanitized.h"
#include "secret.h"
#include "splice_pipe.h"

/* Open before, as a worker's are. */
static int listener;

/* ---- what is over -------------------------------------------------------- */

static int
try_unix_socket(void)
{
	return worked(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
try_netlink(void)
{
	return worked(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int
try_packet(void)
{
	return worked(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
try_exec(void)
{
	char *argv[] = {(char[]){"true"}, NULL};

	return worked(execve("/bin/true", argv, environ));
}

static int
try_exec_at(void)
{
	char *argv[] = {(char[]){"true"}, NULL};

	return worked(
		syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, environ, 0));
}

static int
try_listen(void)
{
	return worked(listen(listener, 1));
}

static int
try_mount(void)
{
	return worked(mount("none", "/", "tmpfs", MS_REMOUNT, NULL));
}

static int
try_unshare(void)
{
	return worked(unshare(CLONE_NEWUSER));
}

static int
try_setuid(void)
{
	return worked(setuid(0));
}

static int
try_chroot(void)
{
	return worked(chroot("/"));
}

static int
try_unlink(void)
{
	return worked(unlink("/nonexistent"));
}

static int
try_bpf(void)
{
	return worked(syscall(SYS_bpf, 0, NULL, 0));
}

static int
try_io_uring(void)
{
	return worked(syscall(SYS_io_uring_setup, 1, NULL));
}

static int
try_keyctl(void)
{
	return worked(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int
try_open(void)
{
	return worked(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static int
try_executable_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED ? WORKED : FAILED;
}

static int
try_ptrace(void)
{
	/* Of nobody: what matters is whether the call is let in at all. */
	return worked(syscall(SYS_ptrace, 0x4206, -1, 0, 0)) == FAILED ? WORKED
								       : FAILED;
}

/* A pipe and splice(2) in any way but that of splice_pipe.c. */
static int
try_packet_pipe(void)
{
	int ends[2];

	return worked(pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT));
}

static int
try_splice_that_waits(void)
{
	return worked(splice(-1, NULL, -1, NULL, 1, SPLICE_F_MOVE));
}

static int
try_splice_from_a_file(void)
{
	off_t start = 0;

	return worked(splice(
		-1, &start, -1, NULL, 1, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

static int
try_splice_into_a_file(void)
{
	off_t start = 0;

	return worked(splice(
		-1, NULL, -1, &start, 1, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

static int
try_tee(void)
{
	return worked(tee(-1, -1, 1, SPLICE_F_NONBLOCK));
}

static int
try_vmsplice(void)
{
	return worked(vmsplice(-1, NULL, 0, SPLICE_F_NONBLOCK));
}

/* ---- what a worker lives by ---------------------------------------------- */

static int
try_internet_sockets(void)
{
	return worked(socket(AF_INET, SOCK_STREAM, 0)) != WORKED ||
			       worked(socket(AF_INET, SOCK_DGRAM, 0)) != WORKED
		       ? FAILED
		       : WORKED;
}

static int
try_connect_and_accept(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	char text[6];

	to.sin_port = htons(loopback_port(listener));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return FAILED;
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (peer < 0 || send(fd, "hello", 5, MSG_NOSIGNAL) != 5)
		return FAILED;
	return recv(peer, text, sizeof(text), 0) == 5 ? WORKED : FAILED;
}

/* What came from one socket into another one: there and back through one. */
static int
try_splice(void)
{
	struct splice_pipes *pool = splice_pipes_new();
	struct splice_pipe *p = pool != NULL ? splice_pipe_take(pool) : NULL;
	int r = FAILED, fds[2];
	char text[6];

	if (p == NULL)
		return FAILED;
	fds[0] = loopback_connect(listener);
	fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (send(fds[0], "hello", 5, MSG_NOSIGNAL) == 5 &&
		splice_pipe_fill(p, fds[1]) == 5 &&
		splice_pipe_drain(p, fds[1]) == 5 &&
		recv(fds[0], text, sizeof(text), 0) == 5)
		r = WORKED;
	splice_pipe_give(pool, p);
	splice_pipes_free(pool);
	return r;
}

static void
on_timer(struct ev_loop *own, struct ev_timer *w, int revents)
{
	(void)revents;
	*(int *)w->data = WORKED;
	ev_break(own, EVBREAK_ALL);
}

static int
try_loop(void)
{
	struct ev_timer timer;
	int r = FAILED;

	ev_timer_init(&timer, on_timer, 0.001, 0);
	timer.data = &r;
	ev_timer_start(isolated_loop, &timer);
	ev_run(isolated_loop, 0);
	return r;
}

static int
try_memory(void)
{
	struct secret *s = secret_new("value", 5);
	char *block = malloc(8 << 20);
	bool enough = s != NULL && block != NULL;

	if (block != NULL)
		memset(block, 1, 8 << 20);
	secret_unref(s);
	free(block);
	return enough ? WORKED : FAILED;
}

/* ------------------------------------------------------------------------- */

static const struct {
	int (*try)(void);
	int want;
	const char *reason;
} cases[] = {
	{try_unix_socket, KILLED, "no socket but of the Internet"},
	{try_netlink, KILLED, "the network's configuration"},
	{try_packet, KILLED, "the wire"},
	{try_exec, KILLED, "no other program"},
	{try_exec_at, KILLED, "nor by another call"},
	{try_listen, KILLED, "nobody is waited for but by what was given"},
	{try_mount, KILLED, "mounts"},
	{try_unshare, KILLED, "namespaces"},
	{try_setuid, KILLED, "another user"},
	{try_chroot, KILLED, "another root"},
	{try_unlink, KILLED, "the file system"},
	{try_bpf, KILLED, "programs for the kernel"},
	{try_io_uring, KILLED, "a way around this filter"},
	{try_keyctl, KILLED, "the kernel's keys"},
	{try_packet_pipe, SANITIZED ? WORKED : KILLED,
		"no pipe of another kind; the sanitizers make theirs"},
	{try_splice_that_waits, KILLED, "never to stand still"},
	{try_splice_from_a_file, KILLED, "a place is a file's"},
	{try_splice_into_a_file, KILLED, "… to be written to"},
	{try_tee, KILLED, "nothing twice"},
	{try_vmsplice, KILLED, "no memory of its own"},
	{try_open, SANITIZED ? WORKED : FAILED,
		"no file; the sanitizers read /proc"},
	{try_executable_memory, SANITIZED ? WORKED : KILLED,
		"no new code; the sanitizers map theirs"},
	{try_ptrace, SANITIZED ? WORKED : KILLED,
		"other processes; the leak check looks at its own"},
	{try_internet_sockets, WORKED, "to dial, and to ask name servers"},
	{try_connect_and_accept, WORKED, "to serve"},
	{try_splice, WORKED, "to carry what is not looked at"},
	{try_loop, WORKED, "to wait"},
	{try_memory, WORKED, "memory, locked too"},
};

static int
isolate_worker(char *reterr, size_t reterr_size)
{
	static const struct isolate_shared none = {{-1, -1}, {-1, -1}};

	return isolate_late(&none, reterr, reterr_size);
}

static void
test_what_is_left_to_a_worker(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int got = isolated_try(isolate_worker, cases[i].try);

		if (got != cases[i].want)
			fail_msg("%s: %d, not %d", cases[i].reason, got,
				cases[i].want);
	}
}

/* ---- after the first of the two steps ------------------------------------ */

static int
look_at_privileges(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];
	struct rlimit core;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 10;
	if (syscall(SYS_capget, &head, caps) < 0)
		return 11;
	for (int i = 0; i < 2; i++) {
		if (caps[i].effective != 0 || caps[i].permitted != 0 ||
			caps[i].inheritable != 0)
			return 12;
	}
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0)
		return 13;
	/* A leak check must be able to look at its own process. */
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != SANITIZED)
		return 14;
	return WORKED;
}

static void
test_privileges_are_gone_first(void **state)
{
	char why[256];
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(isolate_early(why, sizeof(why)) < 0
				? NOT_ISOLATED
				: look_at_privileges());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), WORKED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_left_to_a_worker),
		cmocka_unit_test(test_privileges_are_gone_first),
	};

	listener = loopback_listen("127.0.0.1", 0, 8);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
