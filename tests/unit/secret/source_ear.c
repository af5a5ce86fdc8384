#include "source_ear.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "secret.h"

enum {
	DEADLINE = 20, /* seconds */
};

static void
on_changed(void *arg, const char *name, struct secret *value, const char *why)
{
	struct source_ear *ear = arg;
	struct span span = {"", 0};

	assert_string_equal(name, "token");
	if (value != NULL)
		span = secret_bytes(value);
	ear->reports++;
	snprintf(ear->value, sizeof(ear->value), "%.*s", (int)span.len,
		span.ptr);
	snprintf(ear->why, sizeof(ear->why), "%s", why);
	/* No reason holds a value, good or bad. */
	assert_null(strstr(why, "s3cret"));
}

void
source_ear_open(struct source_ear *ear)
{
	*ear = (struct source_ear){.loop = ev_loop_new(EVFLAG_AUTO)};
	snprintf(ear->folder, sizeof(ear->folder), "%s", "/tmp/sbx-ear-XXXXXX");
	assert_non_null(ear->loop);
	assert_non_null(mkdtemp(ear->folder));
}

void
source_ear_close(struct source_ear *ear)
{
	char command[128];

	secret_source_free(ear->source);
	ev_loop_destroy(ear->loop);
	snprintf(command, sizeof(command), "rm -r %s", ear->folder);
	assert_int_equal(system(command), 0);
}

void
source_ear_listen(struct source_ear *ear,
	const struct secret_source_spec *specs, size_t count)
{
	static const struct secret_events events = {.changed = on_changed};
	char err[256];

	assert_null(ear->source);
	assert_int_equal(secret_source_new(ear->loop, "token", specs, count,
				 &events, ear, &ear->source, err, sizeof(err)),
		0);
}

static void
on_deadline(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop, (void)revents;
	*(bool *)timer->data = true;
}

void
source_ear_wait(struct source_ear *ear, const char *value)
{
	struct ev_timer timer;
	bool is_late = false;

	ev_now_update(ear->loop);
	ev_timer_init(&timer, on_deadline, DEADLINE, 0);
	timer.data = &is_late;
	ev_timer_start(ear->loop, &timer);
	while (!is_late &&
		(ear->reports == 0 || strcmp(ear->value, value) != 0))
		ev_run(ear->loop, EVRUN_ONCE);
	ev_timer_stop(ear->loop, &timer);
	if (is_late)
		fail_msg("waited for \"%s\", have \"%s\" (%s)", value,
			ear->value, ear->why);
}

const char *
source_ear_path(const struct source_ear *ear, const char *name)
{
	static char paths[2][128];
	static int turn;

	turn = !turn;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", ear->folder, name);
	return paths[turn];
}

const char *
source_ear_write(
	struct source_ear *ear, const char *name, const char *text, int mode)
{
	const char *path = source_ear_path(ear, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, (mode_t)mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}
