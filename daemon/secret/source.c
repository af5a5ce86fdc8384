/*
 * source.c - one credential's list of sources, kept up to date
 *
 * Theory of operation
 *
 * A walk asks the items in order until one yields.  It begins when the source
 * is made, when it is refreshed, when a file of it changes, and when what a
 * command said has run out.  Files, variables and credentials of the unit are
 * read on the spot; at a command that has to run, the walk stops and goes on
 * when the command has ended, and until then the old value holds.
 *
 *	at == count	no walk is under way
 *	at < count	items[at] is the command that is waited for
 *
 * Something that would begin a walk during a walk makes another one follow.
 * What a command said holds for its cache_seconds and saves running it again;
 * one that failed runs again after half a minute, so that a credential comes
 * back by itself.  One timer waits for the earliest of these moments.
 *
 * The outcome is reported when it is not what was reported last.
 */
#include "source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ev.h>

#include "secret.h"
#include "source_command.h"
#include "source_item.h"

enum {
	ITEMS_MAX = 16,
	RETRY_SECONDS = 30,
};

static const double NEVER = 1e12; /* later than any clock of ours */

struct secret_source {
	struct ev_loop *loop;
	char *name;
	struct source_item *items;
	size_t count;
	secret_changed *changed;
	void *arg;

	size_t at;
	bool walk_again;                /* something changed during this walk */
	struct source_command *command; /* of items[at], or NULL */
	struct source_command_order order;
	struct ev_timer again;
	char faults[SOURCE_WHY]; /* of the items asked so far in this walk */

	bool is_reported;
	struct secret *value; /* as reported last */
	char why[SOURCE_WHY];
};

static void walk(struct secret_source *s);
static void step_on(struct secret_source *s);

/* Seconds that nobody sets back, and that go on while the host sleeps. */
static double
clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
add_fault(struct secret_source *s, const char *fault)
{
	size_t used = strlen(s->faults);

	snprintf(s->faults + used, sizeof(s->faults) - used, "%s%s",
		used > 0 ? "; " : "", fault);
}

static void
report(struct secret_source *s, struct secret *value, const char *why)
{
	if (s->is_reported && secret_equals(s->value, value) &&
		strcmp(s->why, why) == 0)
		return;
	s->is_reported = true;
	if (value != NULL)
		secret_ref(value);
	secret_unref(s->value);
	s->value = value;
	snprintf(s->why, sizeof(s->why), "%s", why);
	s->changed(s->arg, s->name, s->value, s->why);
}

/* Only what came before the winner was asked, and needs to be asked again. */
static void
set_timer(struct secret_source *s, size_t asked)
{
	double next = NEVER;

	for (size_t i = 0; i < asked; i++) {
		if (s->items[i].kind == SECRET_SOURCE_COMMAND &&
			s->items[i].ask_again < next)
			next = s->items[i].ask_again;
	}
	ev_timer_stop(s->loop, &s->again);
	if (next >= NEVER)
		return;
	next -= clock_now();
	ev_now_update(s->loop);
	ev_timer_set(&s->again, next > 0 ? next : 0, 0);
	ev_timer_start(s->loop, &s->again);
}

/* Ends the walk.  Takes the reference. */
static void
end_walk(struct secret_source *s, struct secret *value, const char *why)
{
	size_t asked = value != NULL ? s->at + 1 : s->count;

	s->at = s->count;
	set_timer(s, asked);
	report(s, value, why);
	secret_unref(value);
	if (s->walk_again)
		walk(s);
}

static void
describe_fault(const struct source_item *item, const char *reason,
	char ret[SOURCE_WHY])
{
	char which[SOURCE_WHY / 2];

	source_item_describe(item, which, sizeof(which));
	snprintf(ret, SOURCE_WHY, "%s: %s", which, reason);
}

static void
keep(struct secret_source *s, struct source_item *item, struct secret *value,
	const char *reason)
{
	char fault[SOURCE_WHY];

	secret_unref(item->cached);
	item->cached = value != NULL ? secret_ref(value) : NULL;
	if (value == NULL) {
		item->ask_again = clock_now() + RETRY_SECONDS;
		describe_fault(item, reason, fault);
		add_fault(s, fault);
	} else if (item->cache_seconds > 0) {
		item->ask_again = clock_now() + item->cache_seconds;
	} else {
		item->ask_again = NEVER;
	}
}

static void
on_command_done(void *arg, struct secret *value, const char *reason)
{
	struct secret_source *s = arg;
	struct source_item *item = &s->items[s->at];
	char why[SOURCE_WHY];

	s->command = NULL;
	keep(s, item, value, reason);
	if (value == NULL) {
		s->at++;
		step_on(s);
		return;
	}
	source_item_describe(item, why, sizeof(why));
	end_walk(s, secret_ref(value), why);
}

enum asked { ASKED_YIELDS, ASKED_NOTHING, ASKED_WAIT };

static enum asked
ask_command(struct secret_source *s, struct source_item *item,
	struct secret **ret, char why[SOURCE_WHY])
{
	char reason[SOURCE_WHY / 4];

	if (item->cached != NULL && clock_now() < item->ask_again) {
		*ret = secret_ref(item->cached);
		source_item_describe(item, why, SOURCE_WHY);
		return ASKED_YIELDS;
	}
	s->order = (struct source_command_order){
		.name = s->name,
		.argv = item->words,
		.timeout_seconds = item->timeout_seconds,
		.done = on_command_done,
		.arg = s,
	};
	if (source_command_start(s->loop, &s->order, &s->command, reason,
		    sizeof(reason)) == 0)
		return ASKED_WAIT;
	keep(s, item, NULL, reason);
	return ASKED_NOTHING;
}

static enum asked
ask(struct secret_source *s, struct source_item *item, struct secret **ret,
	char why[SOURCE_WHY])
{
	if (item->kind == SECRET_SOURCE_COMMAND)
		return ask_command(s, item, ret, why);
	*ret = source_item_read(item, why);
	if (*ret != NULL)
		return ASKED_YIELDS;
	add_fault(s, why);
	return ASKED_NOTHING;
}

static void
step_on(struct secret_source *s)
{
	char why[SOURCE_WHY];
	struct secret *value;

	for (; s->at < s->count; s->at++) {
		enum asked asked = ask(s, &s->items[s->at], &value, why);

		if (asked == ASKED_WAIT)
			return;
		if (asked == ASKED_YIELDS) {
			end_walk(s, value, why);
			return;
		}
	}
	end_walk(s, NULL, s->faults);
}

static void
walk(struct secret_source *s)
{
	s->walk_again = s->at < s->count;
	if (s->walk_again)
		return;
	s->at = 0;
	s->faults[0] = '\0';
	step_on(s);
}

static void
on_file_changed(void *arg)
{
	walk(arg);
}

static void
on_again(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop, (void)revents;
	walk(timer->data);
}

void
secret_source_refresh(struct secret_source *s)
{
	/* What began before now may bring what was true before now. */
	source_command_cancel(s->command);
	s->command = NULL;
	s->at = s->count;
	for (size_t i = 0; i < s->count; i++) {
		secret_unref(s->items[i].cached);
		s->items[i].cached = NULL;
	}
	walk(s);
}

static int
copy_specs(struct secret_source *s, const struct secret_source_spec *specs,
	size_t count, char *reterr, size_t reterr_size)
{
	if (count == 0 || count > ITEMS_MAX) {
		snprintf(reterr, reterr_size, "1 to %d sources, not %zu",
			ITEMS_MAX, count);
		return -EINVAL;
	}
	s->items = calloc(count, sizeof(s->items[0]));
	if (s->items == NULL)
		return -ENOMEM;
	for (; s->count < count; s->count++) {
		struct source_item *item = &s->items[s->count];
		int r = source_item_init(
			item, &specs[s->count], reterr, reterr_size);

		if (r < 0) {
			source_item_done(item);
			return r;
		}
	}
	return 0;
}

/* NOLINTBEGIN(readability-function-size): the keeper's contract */
int
secret_source_new(struct ev_loop *loop, const char *name,
	const struct secret_source_spec *specs, size_t count,
	secret_changed *changed, void *arg, struct secret_source **ret,
	char *reterr, size_t reterr_size)
{
	struct secret_source *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	snprintf(reterr, reterr_size, "out of memory");
	if (s == NULL)
		return -ENOMEM;
	s->loop = loop;
	s->changed = changed;
	s->arg = arg;
	ev_timer_init(&s->again, on_again, 0, 0);
	s->again.data = s;
	s->name = strdup(name);
	if (s->name == NULL)
		goto fail;
	r = copy_specs(s, specs, count, reterr, reterr_size);
	if (r < 0)
		goto fail;
	/* Before they are read: a change in between must not be missed. */
	for (size_t i = 0; i < s->count; i++) {
		if (s->items[i].kind == SECRET_SOURCE_FILE)
			source_watch_start(&s->items[i].watch, loop,
				s->items[i].words[0], on_file_changed, s);
	}
	s->at = s->count;
	walk(s);
	*ret = s;
	return 0;
fail:
	secret_source_free(s);
	return r;
}
/* NOLINTEND(readability-function-size) */

void
secret_source_free(struct secret_source *s)
{
	if (s == NULL)
		return;
	source_command_cancel(s->command);
	ev_timer_stop(s->loop, &s->again);
	for (size_t i = 0; i < s->count; i++)
		source_item_done(&s->items[i]);
	secret_unref(s->value);
	free(s->items);
	free(s->name);
	free(s);
}
