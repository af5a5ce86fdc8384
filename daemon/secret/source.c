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
 *	at < count	items[at] is the command that is waited for: it runs, or
 *			it asks a Vault, and that is not its turn yet
 *
 * Something that would begin a walk during a walk makes another one follow.
 * How long what an item yielded may be used, and when it is asked again, is
 * source_hold.c's; what it holds saves running its command again, and one timer
 * waits for the earliest of these moments.  When the item that the value came
 * from has failed for good, and another one's command has to be waited for, the
 * value goes at once.
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
#include "source_turn.h"

enum {
	ITEMS_MAX = 16,
};

struct secret_source {
	struct ev_loop *loop;
	char *name;
	struct source_item *items;
	size_t count;
	const struct secret_events *events;
	void *arg;

	size_t at;
	bool walk_again;                /* something changed during this walk */
	struct source_command *command; /* of items[at], or NULL */
	struct source_command_order order;
	struct source_turn turn; /* of items[at], if it asks a Vault */
	struct ev_timer again;
	char faults[SOURCE_WHY]; /* of the items asked so far in this walk */

	size_t winner; /* the item that the value came from; count: none */
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
	s->events->changed(s->arg, s->name, s->value, s->why);
}

/*
 * What comes behind the winner is not asked, and needs not to be asked again;
 * but what it holds has its end.
 */
static void
set_timer(struct secret_source *s, size_t asked)
{
	double next = SOURCE_HOLD_NEVER;

	for (size_t i = 0; i < s->count; i++) {
		const struct source_item *item = &s->items[i];
		double due = SOURCE_HOLD_NEVER;

		if (i < asked)
			due = source_hold_next(&item->hold, &item->terms);
		else if (item->hold.value != NULL)
			due = source_hold_until(&item->hold, &item->terms);
		if (due < next)
			next = due;
	}
	ev_timer_stop(s->loop, &s->again);
	if (next >= SOURCE_HOLD_NEVER)
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
	double now = clock_now();

	s->winner = s->at;
	s->at = s->count;
	for (size_t i = asked; i < s->count; i++)
		source_hold_tidy(&s->items[i].hold, &s->items[i].terms, now);
	set_timer(s, asked);
	report(s, value, why);
	secret_unref(value);
	if (s->walk_again)
		walk(s);
	else if (s->events->settled != NULL)
		s->events->settled(s->arg);
}

/* What the item holds ends the walk, or what is wrong with it is noted. */
static bool
yields(struct secret_source *s, struct source_item *item)
{
	char which[SOURCE_WHY / 2], why[SOURCE_WHY];

	source_hold_tidy(&item->hold, &item->terms, clock_now());
	if (item->hold.value == NULL) {
		add_fault(s, item->hold.fault);
		return false;
	}
	source_item_describe(item, which, sizeof(which));
	snprintf(why, sizeof(why), "%s%s", which,
		item->hold.failing > 0 ? ", which fails now" : "");
	end_walk(s, secret_ref(item->hold.value), why);
	return true;
}

static void
keep(struct source_item *item, struct secret *value, int64_t expires,
	const char *reason)
{
	char which[SOURCE_FAULT / 2], fault[SOURCE_FAULT];

	if (value != NULL) {
		source_hold_take(&item->hold, &item->terms, secret_ref(value),
			source_item_left(expires), clock_now());
		return;
	}
	source_item_describe(item, which, sizeof(which));
	snprintf(fault, sizeof(fault), "%s: %s", which, reason);
	source_hold_fail(&item->hold, &item->terms, fault, clock_now());
}

/* The one that was waited for is in its hold. */
static void
answered(struct secret_source *s)
{
	if (yields(s, &s->items[s->at]))
		return;
	s->at++;
	step_on(s);
}

static void
on_command_done(
	void *arg, struct secret *value, int64_t expires, const char *reason)
{
	struct secret_source *s = arg;
	struct source_item *item = &s->items[s->at];

	s->command = NULL;
	keep(item, value, expires, reason);
	source_turn_end(&s->turn);
	answered(s);
}

/* Whether it has to be waited for. */
static bool
run_command(struct secret_source *s, struct source_item *item)
{
	char reason[SOURCE_WHY / 4];

	source_item_order(item, &s->order);
	s->order.name = s->name;
	s->order.done = on_command_done;
	s->order.arg = s;
	if (source_command_start(s->loop, &s->order, &s->command, reason,
		    sizeof(reason)) == 0)
		return true;
	keep(item, NULL, 0, reason);
	source_turn_end(&s->turn);
	return false;
}

static void
on_turn(void *arg)
{
	struct secret_source *s = arg;

	if (!run_command(s, &s->items[s->at]))
		answered(s);
}

/* Whether it has to be waited for. */
static bool
ask(struct secret_source *s, struct source_item *item)
{
	if (!source_item_runs(item)) {
		source_item_read(item, clock_now());
		return false;
	}
	if (!source_hold_is_due(&item->hold, clock_now()))
		return false;
	if (item->kind == SECRET_SOURCE_VAULT &&
		!source_turn_take(&s->turn, s->loop, on_turn, s))
		return true;
	return run_command(s, item);
}

static void
step_on(struct secret_source *s)
{
	for (; s->at < s->count; s->at++) {
		if (ask(s, &s->items[s->at])) {
			if (s->value != NULL && s->winner < s->at)
				report(s, NULL, s->faults);
			return;
		}
		if (yields(s, &s->items[s->at]))
			return;
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
secret_source_describe(
	const struct secret_source *s, struct secret_source_state *ret)
{
	const struct source_item *item = &s->items[s->winner];
	double until, now = clock_now();

	*ret = (struct secret_source_state){
		.has_value = s->value != NULL,
		.is_asking = secret_source_is_asking(s),
		.kind = "",
		.left = -1,
		.error = s->value != NULL ? s->faults : s->why,
	};
	if (s->value == NULL)
		return;
	ret->kind = source_item_kind(item);
	ret->age = now - item->hold.since;
	until = source_hold_until(&item->hold, &item->terms);
	if (until < SOURCE_HOLD_NEVER)
		ret->left = until > now ? until - now : 0;
	ret->is_failing = item->hold.failing > 0;
	if (ret->is_failing)
		ret->error = item->hold.fault;
}

bool
secret_source_is_asking(const struct secret_source *s)
{
	return s->at < s->count;
}

static void
drop_command(struct secret_source *s)
{
	source_command_cancel(s->command);
	s->command = NULL;
	source_turn_end(&s->turn);
}

void
secret_source_refresh(struct secret_source *s)
{
	/* What began before now may bring what was true before now. */
	drop_command(s);
	s->at = s->count;
	for (size_t i = 0; i < s->count; i++)
		source_hold_end(&s->items[i].hold);
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
	const struct secret_events *events, void *arg,
	struct secret_source **ret, char *reterr, size_t reterr_size)
{
	struct secret_source *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	snprintf(reterr, reterr_size, "out of memory");
	if (s == NULL)
		return -ENOMEM;
	s->loop = loop;
	s->events = events;
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
	s->at = s->winner = s->count;
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
	drop_command(s);
	ev_timer_stop(s->loop, &s->again);
	for (size_t i = 0; i < s->count; i++)
		source_item_done(&s->items[i]);
	secret_unref(s->value);
	free(s->items);
	free(s->name);
	free(s);
}
