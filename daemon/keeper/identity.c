#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct standing { /* who it is when nobody says */
	const char *user;
	unsigned long number; /* where there is no such user */
};

static const struct standing worker = {"sbx-net-worker", IDENTITY_NUMBER};
static const struct standing fetcher = {"sbx-net-fetch", IDENTITY_FETCH_NUMBER};
static const struct standing gate = {"sbx-net-gate", IDENTITY_GATE_NUMBER};

/* A number instead of a name is that user, with the group of that number. */
static bool
read_number(const char *text, unsigned long *ret)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 9 || text[digits] != '\0')
		return false;
	*ret = strtoul(text, NULL, 10);
	return true;
}

static int
look_up(const struct standing *standing, const char *user, struct identity *ret,
	char *reterr, size_t reterr_size)
{
	const char *name = user != NULL ? user : standing->user;
	unsigned long number = standing->number;
	const struct passwd *entry = getpwnam(name);

	if (entry != NULL) {
		ret->uid = entry->pw_uid;
		ret->gid = entry->pw_gid;
	} else if (user == NULL || read_number(user, &number)) {
		ret->uid = (uid_t)number;
		ret->gid = (gid_t)number;
	} else {
		snprintf(reterr, reterr_size,
			"worker_user: there is no user \"%s\"", user);
		return -ENOENT;
	}
	if (ret->uid == 0) {
		snprintf(reterr, reterr_size, "worker_user: not root");
		return -EPERM;
	}
	return 0;
}

/* Whether our user namespace has that id at all. */
static bool
is_mapped(const char *map, unsigned long id)
{
	unsigned long inside, outside, count;
	FILE *file = fopen(map, "re");
	bool found = false;

	while (file != NULL && !found &&
		/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
		fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3)
		found = id >= inside && id - inside < count;
	if (file != NULL)
		fclose(file);
	return found;
}

static int
find(const struct standing *standing, const char *user, struct identity *ret,
	char *reterr, size_t reterr_size)
{
	struct identity found = {.uid = geteuid(), .gid = getegid()};
	int r;

	if (geteuid() == 0) {
		r = look_up(standing, user, &found, reterr, reterr_size);
		if (r < 0)
			return r;
		found.change = is_mapped("/proc/self/uid_map", found.uid) &&
			       is_mapped("/proc/self/gid_map", found.gid);
	}
	*ret = found;
	return 0;
}

int
identity_find(const char *user, struct identity *ret, char *reterr,
	size_t reterr_size)
{
	return find(&worker, user, ret, reterr, reterr_size);
}

int
identity_find_fetcher(struct identity *ret, char *reterr, size_t reterr_size)
{
	return find(&fetcher, NULL, ret, reterr, reterr_size);
}

int
identity_find_gate(struct identity *ret, char *reterr, size_t reterr_size)
{
	return find(&gate, NULL, ret, reterr, reterr_size);
}

int
identity_group(const char *name, gid_t *ret, char *reterr, size_t reterr_size)
{
	const struct group *group;

	errno = 0;
	group = getgrnam(name);
	if (group == NULL) {
		snprintf(reterr, reterr_size, "there is no group \"%s\"", name);
		return errno != 0 ? -errno : -ENOENT;
	}
	*ret = group->gr_gid;
	return 0;
}
