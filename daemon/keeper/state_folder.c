#include "state_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 8 * 1024 * 1024 }; /* as a document has it */

static const char ending[] = ".yaml";

struct place {
	char file[PATH_MAX], fresh[PATH_MAX];
};

static int
locate(struct place *p, const char *folder, const char *name)
{
	int n = snprintf(
		p->file, sizeof(p->file), "%s/%s%s", folder, name, ending);
	int m = snprintf(
		p->fresh, sizeof(p->fresh), "%s/.%s.new", folder, name);

	return n < PATH_MAX && m < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int
complain(int r, const char *path, char *reterr, size_t reterr_size)
{
	if (r < 0)
		snprintf(reterr, reterr_size, "%s: %s", path, strerror(-r));
	return r;
}

static int
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* What was renamed or removed there stays so. */
static int
sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int
write_fresh(const char *path, const char *text)
{
	int fd = open(path,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	close(fd);
	if (r < 0)
		unlink(path);
	return r;
}

/* With the one above it: nobody but systemd makes /var/lib/sbx-net. */
static int
make_folder(const char *folder)
{
	char above[PATH_MAX];
	const char *slash = strrchr(folder, '/');

	if (slash != NULL && slash != folder) {
		snprintf(above, sizeof(above), "%.*s", (int)(slash - folder),
			folder);
		if (mkdir(above, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int
state_folder_put(const char *folder, const char *name, const char *text,
	char *reterr, size_t reterr_size)
{
	struct place p;
	int r = locate(&p, folder, name);

	/* What could not be read again is not written. */
	if (r == 0 && strlen(text) > TEXT_MAX)
		r = -EFBIG;
	if (r == 0)
		r = make_folder(folder);
	if (r == 0)
		r = write_fresh(p.fresh, text);
	if (r == 0 && rename(p.fresh, p.file) < 0)
		r = -errno;
	if (r == 0)
		r = sync_folder(folder);
	return complain(r, folder, reterr, reterr_size);
}

int
state_folder_remove(
	const char *folder, const char *name, char *reterr, size_t reterr_size)
{
	struct place p;
	int r = locate(&p, folder, name);

	if (r == 0 && unlink(p.file) < 0) {
		if (errno == ENOENT)
			return 0;
		r = -errno;
	}
	if (r == 0)
		r = sync_folder(folder);
	return complain(r, folder, reterr, reterr_size);
}

static int
read_all(int fd, char **ret)
{
	char *text = malloc(TEXT_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	if (text == NULL)
		return -ENOMEM;
	while (n != 0 && len <= TEXT_MAX) {
		n = read(fd, text + len, TEXT_MAX + 1 - len);
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	if (n != 0) {
		int r = n < 0 ? -errno : -EFBIG;

		free(text);
		return r;
	}
	text[len] = '\0';
	*ret = realloc(text, len + 1);
	if (*ret == NULL)
		*ret = text;
	return 0;
}

int
state_folder_get(const char *folder, const char *name, char **ret, char *reterr,
	size_t reterr_size)
{
	struct place p;
	int r = locate(&p, folder, name), fd;

	*ret = NULL;
	if (r < 0)
		return complain(r, folder, reterr, reterr_size);
	fd = open(p.file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 0;
	r = fd < 0 ? -errno : read_all(fd, ret);
	if (fd >= 0)
		close(fd);
	return complain(r, p.file, reterr, reterr_size);
}

static int
is_ours(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), tail = sizeof(ending) - 1;

	return entry->d_name[0] != '.' && len > tail &&
	       strcmp(entry->d_name + len - tail, ending) == 0;
}

int
state_folder_each(const char *folder,
	int (*visit)(void *arg, const char *name, const char *text), void *arg,
	char *reterr, size_t reterr_size)
{
	struct dirent **entries;
	char *text;
	int count = scandir(folder, &entries, is_ours, alphasort), r = 0;

	if (count < 0)
		return errno == ENOENT
			       ? 0
			       : complain(-errno, folder, reterr, reterr_size);
	for (int i = 0; i < count; i++) {
		char *name = entries[i]->d_name;

		name[strlen(name) - (sizeof(ending) - 1)] = '\0';
		if (r == 0)
			r = state_folder_get(
				folder, name, &text, reterr, reterr_size);
		else
			text = NULL;
		if (text != NULL)
			r = visit(arg, name, text);
		free(text);
		free(entries[i]);
	}
	free(entries);
	return r;
}
