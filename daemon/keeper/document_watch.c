/*
 * document_watch.c - have the documents changed?
 *
 * Theory of operation
 *
 * Folders are watched, never files: a file that is replaced, made or taken away
 * is an event of its folder, and so is a link that is turned to something else
 * (link_trail.h).  What the event was does not matter, nor whether the kernel
 * had room for it (IN_Q_OVERFLOW is an event like any other): it only says when
 * to look.  What we look at is the state: name, inode, size and times of all
 * that would be read.
 *
 *	CALM      until an event
 *	SETTLING  until a tenth of a second has passed without one, or a second
 *	          since the first: then we look, and are CALM
 *
 * To look is to make all watches anew, then to take the state.  So whatever
 * changes after the state was taken is an event of a watch that is there; and
 * folders that came or were exchanged need no care of their own.  That events
 * are awaited for a while also keeps two writes of one file apart: their times
 * differ by more than the tick of the kernel's clock.
 */
#include "document_watch.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "documents.h"
#include "link_trail.h"
#include "log.h"
#include "monotonic.h"

enum { FOLDERS = 3, EVENTS_BYTES = 16 * 1024 };

static const ev_tstamp quiet_seconds = 0.1, longest_seconds = 1;

struct document_watch {
	struct ev_loop *loop;
	struct document_watch_options options;
	uint64_t state;
	ev_io io; /* its fd: inotify */
	ev_timer settle;
	ev_tstamp first; /* event that is being settled; 0: none */
	bool complained;
};

/* ---- what is read ------------------------------------------------------- */

static void
folder_path(
	const char *config, const char *runtime_dir, int i, char ret[PATH_MAX])
{
	static const char *const names[FOLDERS] = {
		"policies.d", "sandboxes.d", "sandboxes.d"};
	const char *slash = strrchr(config, '/');
	int len = slash != NULL ? (int)(slash - config) + 1 : 0;

	if (i == FOLDERS - 1)
		snprintf(ret, PATH_MAX, "%s/%s", runtime_dir, names[i]);
	else
		snprintf(ret, PATH_MAX, "%.*s%s", len, config, names[i]);
}

static int
is_document(const struct dirent *entry)
{
	return documents_is_name(entry->d_name);
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
each_in_folder(const char *folder, link_trail_visitor *visit, void *arg)
{
	struct dirent **entries;
	char path[PATH_MAX + NAME_MAX + 2];
	int count = scandir(folder, &entries, is_document, by_bytes);

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder,
			entries[i]->d_name);
		visit(arg, path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* The folders themselves, too, before what is in them. */
static void
each_path(const struct document_watch_options *o, link_trail_visitor *visit,
	void *arg)
{
	char folder[PATH_MAX];

	visit(arg, o->config);
	for (int i = 0; i < FOLDERS; i++) {
		folder_path(o->config, o->runtime_dir, i, folder);
		visit(arg, folder);
		each_in_folder(folder, visit, arg);
	}
}

/* ---- its state ---------------------------------------------------------- */

static void
add_bytes(uint64_t *state, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		*state = (*state ^ p[i]) * UINT64_C(1099511628211); /* FNV-1a */
}

/* Of a folder nothing but that it can be read: others may use it too. */
static void
add_state(void *arg, const char *path)
{
	uint64_t numbers[8] = {0};
	struct stat st;

	if (stat(path, &st) < 0) {
		numbers[0] = (uint64_t)errno;
	} else {
		numbers[1] = st.st_mode;
		numbers[2] = st.st_uid;
	}
	if (numbers[0] == 0 && !S_ISDIR(st.st_mode)) {
		numbers[3] = st.st_dev;
		numbers[4] = st.st_ino;
		numbers[5] = (uint64_t)st.st_size;
		numbers[6] = (uint64_t)st.st_mtim.tv_sec * 1000000000 +
			     (uint64_t)st.st_mtim.tv_nsec;
		numbers[7] = (uint64_t)st.st_ctim.tv_sec * 1000000000 +
			     (uint64_t)st.st_ctim.tv_nsec;
	}
	add_bytes(arg, path, strlen(path) + 1);
	add_bytes(arg, numbers, sizeof(numbers));
}

uint64_t
document_watch_state(const char *config, const char *runtime_dir)
{
	const struct document_watch_options o = {
		.config = config, .runtime_dir = runtime_dir};
	uint64_t state = UINT64_C(14695981039346656037);

	each_path(&o, add_state, &state);
	return state;
}

/* ---- watching ----------------------------------------------------------- */

struct arming {
	int fd, error;
};

static void
watch_folder(void *arg, const char *folder)
{
	static const uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_FROM |
				     IN_MOVED_TO | IN_CREATE | IN_DELETE |
				     IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
	struct arming *a = arg;

	/* What is gone again is an event of the folder above it. */
	if (inotify_add_watch(a->fd, folder, mask | IN_ONLYDIR) < 0 &&
		errno != ENOENT && errno != ENOTDIR && a->error == 0)
		a->error = -errno;
}

static void
watch_trail(void *arg, const char *path)
{
	link_trail_walk(path, watch_folder, arg);
}

/* A fresh descriptor with all watches, or -errno. */
static int
arm(const struct document_watch_options *o)
{
	struct arming a = {.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};

	if (a.fd < 0)
		return -errno;
	each_path(o, watch_trail, &a);
	if (a.error == 0)
		return a.fd;
	close(a.fd);
	return a.error;
}

/* The old watches stay where new ones cannot be had. */
static void
arm_anew(struct document_watch *w)
{
	int fd = arm(&w->options);

	if (fd < 0 && !w->complained)
		log_warning("watch: %s; changes of the documents may go "
			    "unseen until the next one",
			strerror(-fd));
	w->complained = fd < 0;
	if (fd < 0)
		return;
	ev_io_stop(w->loop, &w->io);
	if (w->io.fd >= 0)
		close(w->io.fd);
	ev_io_set(&w->io, fd, EV_READ);
	ev_io_start(w->loop, &w->io);
}

static void
look(struct document_watch *w)
{
	uint64_t state;

	w->first = 0;
	arm_anew(w);
	state = document_watch_state(w->options.config, w->options.runtime_dir);
	if (state == w->state)
		return;
	w->state = state;
	w->options.changed(w->options.arg);
}

static void
on_settled(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop, (void)revents;
	look(timer->data);
}

static void
settle(struct document_watch *w)
{
	ev_tstamp now = monotonic_now(), wait = quiet_seconds;

	if (w->first == 0)
		w->first = now;
	if (now + wait > w->first + longest_seconds)
		wait = w->first + longest_seconds - now;
	ev_timer_stop(w->loop, &w->settle);
	ev_timer_set(&w->settle, wait > 0 ? wait : 0, 0);
	ev_timer_start(w->loop, &w->settle);
}

static void
on_events(struct ev_loop *loop, ev_io *io, int revents)
{
	struct document_watch *w = io->data;
	char events[EVENTS_BYTES];

	(void)loop, (void)revents;
	if (read(io->fd, events, sizeof(events)) > 0)
		settle(w);
}

int
document_watch_new(struct ev_loop *loop,
	const struct document_watch_options *options,
	struct document_watch **ret, char *reterr, size_t reterr_size)
{
	struct document_watch *w = calloc(1, sizeof(*w));
	int fd = w != NULL ? arm(options) : -ENOMEM;

	if (fd < 0) {
		snprintf(reterr, reterr_size, "watch: %s", strerror(-fd));
		free(w);
		return fd;
	}
	w->loop = loop;
	w->options = *options;
	w->state = options->state;
	ev_io_init(&w->io, on_events, fd, EV_READ);
	ev_timer_init(&w->settle, on_settled, 0, 0);
	w->io.data = w->settle.data = w;
	ev_io_start(loop, &w->io);
	settle(w); /* it may have changed since the state was taken */
	*ret = w;
	return 0;
}

void
document_watch_free(struct document_watch *w)
{
	if (w == NULL)
		return;
	ev_io_stop(w->loop, &w->io);
	ev_timer_stop(w->loop, &w->settle);
	close(w->io.fd);
	free(w);
}
