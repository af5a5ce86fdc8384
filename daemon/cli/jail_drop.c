/*
 * jail_drop.c - what the command may do
 *
 * The rights of the user, without any that could reach around the network:
 * root keeps what a container's root usually has; nobody gains a right by
 * executing a file; and sockets are of the families that sbx-net sees. AF_VSOCK
 * above all: it leads from a virtual machine straight to its host and belongs
 * to no network namespace.  io_uring would make sockets past the filter.  The
 * terminal is the caller's, who must not find there what he did not type, and
 * the kernel's keys are the user's.
 */
#include "jail.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "array.h"

/* What root is left with. */
static const unsigned kept[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER,
	CAP_FSETID, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP,
	CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_AUDIT_WRITE, CAP_SETFCAP};

static const int families[] = {
	AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

static const struct {
	int call, error;
} refused[] = {
	{SCMP_SYS(io_uring_setup), ENOSYS},
	{SCMP_SYS(io_uring_enter), ENOSYS},
	{SCMP_SYS(io_uring_register), ENOSYS},
	{SCMP_SYS(add_key), EPERM},
	{SCMP_SYS(request_key), EPERM},
	{SCMP_SYS(keyctl), EPERM},
};

/* To type into a terminal, and to paste what was marked on a console. */
static const unsigned requests[] = {TIOCSTI, TIOCLINUX};

static int
failed(char *reterr, size_t size, const char *what, int e)
{
	snprintf(reterr, size, "cannot %s: %s", what, strerror(-e));
	return e;
}

static int
become(const struct jail_user *user)
{
	if (user->name != NULL && initgroups(user->name, user->gid) < 0)
		return -errno;
	if (setresgid(user->gid, user->gid, user->gid) < 0 ||
		setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	return 0;
}

static int
choose_capabilities(bool root)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; root && i < ARRAY_LEN(kept); i++) {
		if (capng_update(CAPNG_ADD,
			    CAPNG_EFFECTIVE | CAPNG_PERMITTED |
				    CAPNG_BOUNDING_SET,
			    kept[i]) < 0)
			return -EINVAL;
	}
	return 0;
}

static int
refuse_family(scmp_filter_ctx filter, enum scmp_compare op, int family)
{
	struct scmp_arg_cmp first = {
		.arg = 0, .op = op, .datum_a = (scmp_datum_t)family};

	return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT),
		SCMP_SYS(socket), 1, &first);
}

static bool
is_listed(int family)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (families[i] == family)
			return true;
	}
	return false;
}

/*
 * Refuses socket() for every family that is not listed.  The kernel looks at
 * 32 bits of the argument and the filter at 64: what is more than a family
 * falls under the last rule.
 */
static int
refuse_families(scmp_filter_ctx filter)
{
	int e = refuse_family(filter, SCMP_CMP_GE, AF_MAX);

	for (int family = 0; family < AF_MAX && e == 0; family++) {
		if (!is_listed(family))
			e = refuse_family(filter, SCMP_CMP_EQ, family);
	}
	return e;
}

/* Of an ioctl's request, too, the kernel looks at 32 bits, whatever the others
 * are. */
static int
refuse_calls(scmp_filter_ctx filter)
{
	int e = 0;

	for (size_t i = 0; i < ARRAY_LEN(refused) && e == 0; i++)
		e = seccomp_rule_add(filter,
			SCMP_ACT_ERRNO((uint16_t)refused[i].error),
			refused[i].call, 0);
	for (size_t i = 0; i < ARRAY_LEN(requests) && e == 0; i++)
		e = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
			SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
	return e;
}

static int
filter_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int e;

	if (filter == NULL)
		return -ENOMEM;
	/* Another architecture's calls would not be looked at. */
	e = seccomp_attr_set(
		filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	if (e == 0)
		e = refuse_families(filter);
	if (e == 0)
		e = refuse_calls(filter);
	if (e == 0)
		e = seccomp_load(filter);
	seccomp_release(filter);
	return e;
}

int
jail_drop(const struct jail_user *user, char *reterr, size_t size)
{
	bool root = user->uid == 0;
	int e;

	/* The library remembers whose capabilities it saw first. */
	capng_setpid(getpid());
	e = choose_capabilities(root);
	if (e < 0 || capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return failed(reterr, size, "bound the capabilities", -EPERM);
	e = become(user);
	if (e < 0)
		return failed(reterr, size, "become the user", e);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 ||
		capng_apply(CAPNG_SELECT_AMBIENT) < 0)
		return failed(reterr, size, "drop the capabilities", -EPERM);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return failed(reterr, size, "refuse new rights", -errno);
	e = filter_calls();
	return e < 0 ? failed(reterr, size, "filter system calls", e) : 0;
}
