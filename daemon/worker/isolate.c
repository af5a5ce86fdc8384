/*
 * isolate.c - what a worker may still do
 *
 * Theory of operation
 *
 * A worker has been given everything that needs a privilege as an open
 * descriptor: listeners, DNS sockets, the log.  What is left to it is to read,
 * write, accept, connect and to ask for memory and the time.  Whatever it
 * calls beyond that is not ours, and kills it: the keeper starts another.
 *
 * Landlock is refused quietly by kernels without it; seccomp never is.  A
 * build with sanitizers keeps /proc, which their leak check reads at the end.
 */
#include "isolate.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cap-ng.h>

#include "array.h"
#include "sanitized.h"

enum { NOTHING = -1 };

static int
failed(const char *what, int error, char *reterr, size_t reterr_size)
{
	snprintf(reterr, reterr_size, "%s: %s", what, strerror(error));
	return -error;
}

static int
give_up_all_but(int capability, char *reterr, size_t reterr_size)
{
	bool keep = capability != NOTHING &&
		    capng_have_capability(CAPNG_PERMITTED, capability) == 1;
	struct rlimit none = {0, 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return failed("no_new_privs", errno, reterr, reterr_size);
	if (!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return failed("dumpable", errno, reterr, reterr_size);
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return failed("core limit", errno, reterr, reterr_size);
	capng_clear(CAPNG_SELECT_ALL);
	if (keep)
		capng_update(CAPNG_ADD, CAPNG_PERMITTED | CAPNG_EFFECTIVE,
			(unsigned)capability);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return failed("capabilities", EPERM, reterr, reterr_size);
	/* Nothing is executed any more that could get it from there. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return failed(
			"ambient capabilities", errno, reterr, reterr_size);
	return 0;
}

int
isolate_early(char *reterr, size_t reterr_size)
{
	return give_up_all_but(NOTHING, reterr, reterr_size);
}

int
isolate_gate_early(char *reterr, size_t reterr_size)
{
	return give_up_all_but(CAP_NET_ADMIN, reterr, reterr_size);
}

enum {
	/* No path can be opened any more, none made, none removed. */
	NO_PATHS = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1,
	ONLY_READ = NO_PATHS & ~(int)(LANDLOCK_ACCESS_FS_READ_FILE |
				       LANDLOCK_ACCESS_FS_READ_DIR),
};

static int
close_file_system(uint64_t forbidden)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = forbidden};
	long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	long r;

	if (fd < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	r = syscall(SYS_landlock_restrict_self, (int)fd, 0);
	if (r < 0)
		r = -errno;
	close((int)fd);
	return (int)r;
}

/* What a loop with sockets needs, a worker's and the gate's. */
static const int calls[] = {
	/* the loop */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(eventfd2),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	/* sockets */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(close),
	SCMP_SYS(newfstatat),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	/* itself */
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Who serves sandboxes opens connections and keeps secrets, too. */
static const int worker_calls[] = {
	SCMP_SYS(accept4),
	SCMP_SYS(connect),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(mlock2),
};

/* Its qsort() asks how much memory there is, when there is much to sort. */
static const int gate_calls[] = {
	SCMP_SYS(sysinfo),
};

/* With those below that are let in narrowly; what it does not need, a worker
 * that was taken over shall not have. */
enum { NARROW_CALLS = 8, CALLS_MAX = 44 };
static_assert(
	ARRAY_LEN(calls) + ARRAY_LEN(worker_calls) + NARROW_CALLS <= CALLS_MAX,
	"too many");

/* What the sanitizers' own runtime calls, while it works and at its end. */
static const int sanitizer_calls[] = {
	SCMP_SYS(fstat),
	SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	SCMP_SYS(readv),
	SCMP_SYS(time),
	SCMP_SYS(getpeername),
	SCMP_SYS(lseek),
	SCMP_SYS(poll),
	SCMP_SYS(openat),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sched_yield),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(ptrace),
	SCMP_SYS(wait4),
	SCMP_SYS(prctl),
	SCMP_SYS(getdents),
	SCMP_SYS(getdents64),
	SCMP_SYS(getrlimit),
	SCMP_SYS(prlimit64),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(mprotect),
	SCMP_SYS(mmap),
	SCMP_SYS(ioctl),
	SCMP_SYS(getppid),
	SCMP_SYS(kill),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(uname),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(arch_prctl),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(stat),
	SCMP_SYS(access),
	SCMP_SYS(open),
	SCMP_SYS(socketpair),
	SCMP_SYS(dup),
	SCMP_SYS(pipe2),
	SCMP_SYS(getcwd),
	SCMP_SYS(lstat),
	SCMP_SYS(pipe),
};

static int
allow(scmp_filter_ctx filter, const int *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, list[i], 0);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Bytes from socket to socket, without waiting.  Never at a place in a file:
 * neither side has one. */
static int
allow_splicing(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(pipe2), 1,
		SCMP_A1(SCMP_CMP_EQ, O_CLOEXEC | O_NONBLOCK, 0));

	if (r < 0)
		return r;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(splice), 3,
		SCMP_A1(SCMP_CMP_EQ, 0, 0), SCMP_A3(SCMP_CMP_EQ, 0, 0),
		SCMP_A5(SCMP_CMP_EQ, SPLICE_F_MOVE | SPLICE_F_NONBLOCK, 0));
}

static int
allow_dialling(scmp_filter_ctx filter)
{
	static const int families[] = {AF_INET, AF_INET6};
	int r;

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket),
			1, SCMP_A0(SCMP_CMP_EQ, (unsigned)families[i], 0));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Only where an answer needs it, and not on the link: the keeper might have to
 * wait where it closes the last copy of a descriptor that was sent to it.  No
 * call that is let in gives the link another number. */
static int
allow_sendmsg(scmp_filter_ctx filter, const int udp[2])
{
	int r;

	for (size_t i = 0; i < 2; i++) {
		if (udp[i] < 0)
			continue;
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg),
			1, SCMP_A0(SCMP_CMP_EQ, (unsigned)udp[i], 0));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Nothing that copies a descriptor, and nothing that changes how all who have
 * the log write to it: they append. */
static int
allow_pipe_sizes(scmp_filter_ctx filter)
{
	static const unsigned commands[] = {F_SETPIPE_SZ, F_GETPIPE_SZ};
	int r;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
			SCMP_A1(SCMP_CMP_EQ, commands[i], 0));
		if (r < 0)
			return r;
	}
	return 0;
}

/* A program at a listener would choose for all workers who is given a
 * connection. */
static int
allow_options(scmp_filter_ctx filter)
{
	static const struct {
		unsigned level, name;
	} options[] = {{IPPROTO_TCP, TCP_NODELAY}, {SOL_SOCKET, SO_LINGER}};
	int r;

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
			SCMP_SYS(setsockopt), 2,
			SCMP_A1(SCMP_CMP_EQ, options[i].level, 0),
			SCMP_A2(SCMP_CMP_EQ, options[i].name, 0));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Never memory that could be executed. */
static int
allow_memory(scmp_filter_ctx filter)
{
	enum { PROT_EXEC_BIT = 4 };
	int r;

	r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC_BIT, 0));
	if (r < 0)
		return r;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC_BIT, 0));
}

/*
 * A filter of its own, which the kernel asks as well: these calls not on that
 * socket.  A listener that was shut down, or connected to nowhere, would be
 * none for the next worker either, and the connections of all sandboxes would
 * be steered to others; a DNS socket that was connected hears one client only.
 */
static int
forbid(scmp_filter_ctx filter, int fd)
{
	static const int lasting[] = {
		SCMP_SYS(shutdown), SCMP_SYS(connect), SCMP_SYS(setsockopt)};
	int r;

	for (size_t i = 0; i < ARRAY_LEN(lasting); i++) {
		/* Of the 64 bits the kernel looks at 32. */
		r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, lasting[i],
			1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (unsigned)fd));
		if (r < 0)
			return r;
	}
	return 0;
}

static int
spare_shared(const struct isolate_shared *shared)
{
	const int fds[] = {shared->listeners[0], shared->listeners[1],
		shared->udp[0], shared->udp[1]};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;

	if (filter == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(fds) && r == 0; i++)
		if (fds[i] >= 0)
			r = forbid(filter, fds[i]);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

static int
allow_working(scmp_filter_ctx filter, const int udp[2])
{
	int r = allow(filter, worker_calls, ARRAY_LEN(worker_calls));

	if (r == 0)
		r = allow_dialling(filter);
	if (r == 0)
		r = allow_sendmsg(filter, udp);
	if (r == 0)
		r = allow_pipe_sizes(filter);
	if (r == 0)
		r = allow_options(filter);
	if (r == 0)
		r = allow_splicing(filter);
	return r;
}

/* udp: a worker's; NULL: it is the gate. */
static int
filter_calls(const int *udp)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (filter == NULL)
		return -ENOMEM;
	/* A file that cannot be opened is an answer that libraries take. */
	r = SANITIZED ? 0
		      : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES),
				SCMP_SYS(openat), 0);
	if (r == 0)
		r = allow(filter, calls, ARRAY_LEN(calls));
	if (r == 0 && SANITIZED)
		r = allow(filter, sanitizer_calls, ARRAY_LEN(sanitizer_calls));
	if (r == 0)
		r = allow_memory(filter);
	if (r == 0)
		r = udp != NULL
			    ? allow_working(filter, udp)
			    : allow(filter, gate_calls, ARRAY_LEN(gate_calls));
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

/* shared: a worker's; NULL: it is the gate. */
static int
shut_last_doors(
	const struct isolate_shared *shared, char *reterr, size_t reterr_size)
{
	int r = SANITIZED ? 0 : close_file_system(NO_PATHS);

	if (r < 0)
		return failed("landlock", -r, reterr, reterr_size);
	/* Behind the other filter none can be added. */
	r = shared != NULL ? spare_shared(shared) : 0;
	if (r == 0)
		r = filter_calls(shared != NULL ? shared->udp : NULL);
	if (r < 0)
		return failed("seccomp", -r, reterr, reterr_size);
	return 0;
}

int
isolate_late(
	const struct isolate_shared *shared, char *reterr, size_t reterr_size)
{
	return shut_last_doors(shared, reterr, reterr_size);
}

int
isolate_gate_late(char *reterr, size_t reterr_size)
{
	return shut_last_doors(NULL, reterr, reterr_size);
}

int
isolate_reader(char *reterr, size_t reterr_size)
{
	int r = close_file_system(ONLY_READ);

	return r < 0 ? failed("landlock", -r, reterr, reterr_size) : 0;
}
