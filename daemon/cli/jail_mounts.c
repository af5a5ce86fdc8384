/*
 * jail_mounts.c - what the command sees of the file system
 *
 * Theory of operation
 *
 * The host's tree, with these differences, all of them in a mount namespace
 * that nobody else sees:
 *
 *	/run	empty, but for the trust files and the user's own directory:
 *		the sockets under /run (containers, the service manager, name
 *		services, our own control socket) are ways around the network
 *	/proc	of the new PID namespace; /proc/sys and /sys read-only, since
 *		root without a capability may still write to much of it
 *	/etc/resolv.conf, the system's certificate bundle and Java's: ours
 *	~/.pki/nssdb: ours, where it can be made (jail_nss.c)
 *
 * The working directory is entered anew by its name: the old one would still
 * lead to what is hidden.
 */
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trust.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_FILE JAIL_TRUST_DIR "/resolv.conf"

enum { TMPFS_FLAGS = MS_NOSUID | MS_NODEV };

static int
failed(char *reterr, size_t size, const char *what, const char *path)
{
	int e = -errno;

	snprintf(reterr, size, "cannot %s %s: %s", what, path, strerror(-e));
	return e;
}

static int
make_dir(const char *path, mode_t mode, const struct jail_user *owner)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return -1;
	if (chmod(path, mode) < 0)
		return -1;
	return owner != NULL ? chown(path, owner->uid, owner->gid) : 0;
}

static int
empty_run(const struct jail *jail, char *reterr, size_t size)
{
	char own[64];

	if (mount("tmpfs", "/run", "tmpfs", TMPFS_FLAGS, "mode=755") < 0)
		return failed(reterr, size, "mount over", "/run");
	snprintf(own, sizeof(own), "/run/user/%u", jail->user.uid);
	if (make_dir("/run/lock", 01777, NULL) < 0 ||
		make_dir("/run/user", 0755, NULL) < 0 ||
		make_dir(own, 0700, &jail->user) < 0 ||
		make_dir(JAIL_TRUST_DIR, 0755, NULL) < 0)
		return failed(reterr, size, "make the directories in", "/run");
	/* A runtime directory elsewhere needs a cover of its own. */
	if (access(jail->hidden, F_OK) == 0 &&
		mount("tmpfs", jail->hidden, "tmpfs", TMPFS_FLAGS | MS_RDONLY,
			"mode=755,size=4k") < 0)
		return failed(reterr, size, "mount over", jail->hidden);
	return 0;
}

static int
own_proc(char *reterr, size_t size)
{
	static const char *const read_only[] = {"/proc/sys", "/proc/irq",
		"/proc/bus", "/proc/sysrq-trigger", "/sys", NULL};
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    NULL) < 0)
		return failed(reterr, size, "mount", "/proc");
	for (const char *const *p = read_only; *p != NULL; p++) {
		if (access(*p, F_OK) < 0)
			continue;
		if (mount(*p, *p, NULL, MS_BIND | MS_REC, NULL) < 0 ||
			mount_setattr(AT_FDCWD, *p, AT_RECURSIVE, &attr,
				sizeof(attr)) < 0)
			return failed(reterr, size, "make read-only", *p);
	}
	return 0;
}

/* Every directory above path, as far as it is missing. */
static int
make_parents(const char *path)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *p = strchr(dir + 1, '/'); p != NULL;
		p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return -1;
		*p = '/';
	}
	return 0;
}

static int
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, len);
	if (n < 0 || fchmod(fd, 0644) < 0) {
		close(fd);
		return -1;
	}
	close(fd);
	return (size_t)n == len ? 0 : -1;
}

/*
 * Often a link into /run, which is empty now: then the file it leads to is
 * made there.  Otherwise ours is mounted over it.
 */
static int
own_resolver(const char *target, const char *text, char *reterr, size_t size)
{
	if (write_text(RESOLV_FILE, text) < 0)
		return failed(reterr, size, "write", RESOLV_FILE);
	if (strncmp(target, "/run/", 5) == 0) {
		if (make_parents(target) < 0 || write_text(target, text) < 0)
			return failed(reterr, size, "write", target);
		return 0;
	}
	if (mount(RESOLV_FILE, target, NULL, MS_BIND, NULL) < 0)
		return failed(reterr, size, "mount over", target);
	return 0;
}

/* Where /etc/resolv.conf leads, also when nothing is there; while the host's
 * /run is still to be seen. */
static int
find_resolver(char ret[PATH_MAX], char *reterr, size_t size)
{
	char link[PATH_MAX - 8];
	ssize_t n;

	if (realpath(RESOLV_CONF, ret) != NULL)
		return 0;
	n = readlink(RESOLV_CONF, link, sizeof(link) - 1);
	if (n < 0)
		return failed(reterr, size,
			"find a file (an empty one will do) at", RESOLV_CONF);
	link[n] = '\0';
	if (strncmp(link, "../run/", 7) == 0)
		snprintf(ret, PATH_MAX, "%s", link + 2);
	else
		snprintf(ret, PATH_MAX, "%s", link);
	return 0;
}

static int
cover(const char *const *places, const char *file, char *reterr, size_t size)
{
	for (; *places != NULL; places++) {
		if (access(*places, F_OK) < 0)
			continue;
		if (mount(file, *places, NULL, MS_BIND, NULL) < 0)
			return failed(reterr, size, "mount over", *places);
	}
	return 0;
}

static int
own_trust(const struct trust *trust, char *reterr, size_t size)
{
	int e = trust_write(trust, JAIL_TRUST_DIR, reterr, size);

	if (e == 0)
		e = cover(trust_bundle_places(),
			JAIL_TRUST_DIR "/" TRUST_BUNDLE_FILE, reterr, size);
	if (e == 0)
		e = cover(trust_java_places(),
			JAIL_TRUST_DIR "/" TRUST_JAVA_FILE, reterr, size);
	return e;
}

int
jail_mounts(const struct jail *jail, char *reterr, size_t size)
{
	char resolver[PATH_MAX], *cwd;
	int e;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return failed(reterr, size, "make private", "/");
	cwd = getcwd(NULL, 0);
	if (cwd == NULL)
		return failed(reterr, size, "find", "the working directory");
	e = find_resolver(resolver, reterr, size);
	if (e == 0)
		e = empty_run(jail, reterr, size);
	if (e == 0)
		e = own_proc(reterr, size);
	if (e == 0)
		e = own_trust(jail->trust, reterr, size);
	if (e == 0)
		e = own_resolver(resolver, jail->resolv_conf, reterr, size);
	if (e == 0)
		jail_nss(jail);
	if (e == 0 && chdir(cwd) < 0 && chdir("/") < 0)
		e = failed(reterr, size, "enter", cwd);
	free(cwd);
	return e;
}
