/*
 * kernel_side.c - the rules stand, or somebody hears of it
 *
 * Theory of operation
 *
 *	UNKNOWN     before the first look
 *	GOOD        all that was installed is there
 *	INSTALLING  sbx-net-setup runs
 *	BROKEN      it is not there, and we may not or could not install it
 *
 * A look (nft_check) happens at the start, once a minute, and when somebody is
 * said to have taken away an ip rule, the route, or lo.  One that finds
 * something missing leads to INSTALLING, if we may, and from there back to a
 * look; the sets are then filled from what nft was told (nft_sync), and the
 * events that we caused ourselves are read away before that: what somebody
 * does meanwhile is seen by the look, or told by an event behind it.  Whoever
 * touched our table may have left as many rules as there were: then all is put
 * back whatever a look finds.  Installing never takes anything out and is never
 * undone: a dead daemon leaves a closed door.
 *
 * When that look finds it broken, or installing failed, the next one comes
 * soon: a firewall that restarts flushes more than once.  Then after twice as
 * long each time, up to the minute.  Where we may not install nothing is tried,
 * and the minute stays one.
 */
#include "kernel_side_part.h"

#include <errno.h>
#include <ev.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "nft.h"
#include "nft_gate.h"
#include "nft_watch.h"
#include "settings.h"
#include "setup_program.h"
#include "setup_run.h"

static const double LOOK_EVERY = 60;
static const double LOOK_SOON = 0.2;

/* ---- looking ---------------------------------------------------------- */

static void
settle(struct kernel_side *k)
{
	if (k->settled)
		return;
	k->settled = true;
	k->events->settled(k->arg);
}

static void
become_broken(struct kernel_side *k)
{
	if (k->state != BROKEN)
		log_error("kernel side: %s", k->text);
	k->state = BROKEN;
	settle(k);
}

/* Not before the table is there: nft remembers only what it could do. */
static void
tell_exempt(struct kernel_side *k)
{
	struct nft_exempt exempt = {
		.ranges = (const char *const *)k->exempt.ranges,
		.range_count = k->exempt.range_count,
		.resolvers = k->exempt.resolvers,
		.resolver_count = k->exempt.resolver_count,
	};
	char text[KERNEL_TEXT];

	if (nft_exempt(k->nft, &exempt, text, sizeof(text)) < 0)
		log_error("kernel side: %s: workers may not reach the "
			  "resolver or upstream.allow_addresses",
			text);
}

/* Before the look that would miss it.  Without a table it goes in with the next
 * nft_sync(). */
static void
open_gate(struct kernel_side *k)
{
	char text[KERNEL_TEXT];
	int r;

	if (!k->has_gate)
		return;
	r = nft_open_gate(k->nft, k->queue, text, sizeof(text));
	if (r == 0)
		log_notice("kernel side: packets that are neither TCP nor DNS "
			   "are queued (%s)",
			kernel_side_queue(k));
	else if (r != -ENOENT)
		log_error("kernel side: no queue: %s; what is neither TCP nor "
			  "DNS is dropped",
			text);
}

/* The next look, and those behind it. */
static void
look_every(struct kernel_side *k, double seconds)
{
	k->next_look.repeat = seconds;
	ev_timer_again(k->loop, &k->next_look);
}

/* Installing did not help: whoever is at it may be done soon. */
static void
look_soon(struct kernel_side *k)
{
	look_every(k, k->patience);
	k->patience = fmin(2 * k->patience, LOOK_EVERY);
}

static void
become_good(struct kernel_side *k)
{
	bool mended = k->state != GOOD && k->settled;

	if (k->patience > LOOK_SOON)
		look_every(k, LOOK_EVERY);
	k->patience = LOOK_SOON;
	if (k->state != GOOD)
		tell_exempt(k);
	k->state = GOOD;
	k->text[0] = '\0';
	settle(k);
	if (mended) {
		k->repairs++;
		log_notice("kernel side: all there again");
		k->events->mended(k->arg, "all of it was put back");
	}
}

static void install(struct kernel_side *k);

/* touched: what says that all may look as it did and be another all the same;
 * or NULL. */
static void
look(struct kernel_side *k, const char *touched)
{
	char text[KERNEL_TEXT];

	if (k->state == INSTALLING || k->watch == NULL)
		return;
	if (nft_check(k->nft, text, sizeof(text)) == 0) {
		if (touched == NULL || k->state != GOOD) {
			become_good(k);
			return;
		}
		snprintf(text, sizeof(text), "%s", touched);
	}
	if (k->state == GOOD) {
		log_error("kernel side: %s", text);
		k->events->gone(k->arg, text);
	}
	if (k->may_install && k->program != NULL) {
		install(k);
		return;
	}
	snprintf(k->text, sizeof(k->text), "%s", text);
	become_broken(k);
}

/* ---- installing ------------------------------------------------------- */

static void
install_failed(struct kernel_side *k)
{
	become_broken(k);
	look_soon(k);
}

static void
on_installed(void *arg, int status)
{
	struct kernel_side *k = arg;
	int r;

	ev_timer_start(k->loop, &k->reap);
	k->state = UNKNOWN;
	r = nft_watch_skip(k->watch); /* that was ourselves */
	if (r < 0)
		log_error("kernel side: watch: %s", strerror(-r));
	if (status != 0) {
		snprintf(k->text, sizeof(k->text), "%s failed with status %d",
			k->program, status);
		install_failed(k);
		return;
	}
	kernel_side_sync(k);
	if (nft_check(k->nft, k->text, sizeof(k->text)) == 0)
		become_good(k);
	else
		install_failed(k);
}

static void
on_reap(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct kernel_side *k = w->data;

	(void)loop, (void)revents;
	setup_run_free(k->setup);
	k->setup = NULL;
}

static int
run_setup(struct kernel_side *k, const char *verb,
	const struct setup_run_events *events, struct setup_run **ret)
{
	const char *cage = k->nft != NULL ? nft_cage_names(k->nft) : NULL;
	const char *json = events->capture ? "--json" : NULL;
	const char *const argv[] = {k->program, verb, "--mark", k->mark,
		"--mask", k->mask, "--gate-mark", k->gate_mark, "--table",
		k->table, "--port", k->port, "--user", k->user,
		cage != NULL ? "--cage" : json, cage,
		cage != NULL ? json : NULL, NULL};

	/* The names are in the rules, and those may be gone. */
	return setup_run_start(k->loop, argv, events, ret);
}

int
kernel_side_doctor(struct kernel_side *k, void (*done)(void *arg, int status),
	void *arg, struct setup_run **ret)
{
	const struct setup_run_events events = {done, arg, true};

	return k->program != NULL ? run_setup(k, "doctor", &events, ret)
				  : -ENOENT;
}

static void
install(struct kernel_side *k)
{
	const struct setup_run_events events = {on_installed, k, false};
	int r;

	if (k->setup != NULL)
		return;
	r = run_setup(k, "install", &events, &k->setup);
	if (r == 0) {
		log_notice("kernel side: installing with %s", k->program);
		k->state = INSTALLING;
		return;
	}
	snprintf(k->text, sizeof(k->text), "%s: %s", k->program, strerror(-r));
	install_failed(k);
}

/* ---- watching --------------------------------------------------------- */

static void
on_touched(struct ev_loop *loop, ev_io *w, int revents)
{
	struct kernel_side *k = w->data;
	int what;

	(void)loop, (void)revents;
	what = nft_watch_read(k->watch);
	if (what < 0)
		log_error("kernel side: watch: %s", strerror(-what));
	if (what < 0 || (what & (NFT_WATCH_TABLE | NFT_WATCH_LOST)) != 0)
		look(k, "somebody changed the table inet sbx_net");
	else if (what != 0)
		look(k, NULL);
}

static void
on_next_look(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct kernel_side *k = w->data;

	(void)loop, (void)revents;
	look(k, NULL);
	if (k->state == GOOD)
		kernel_side_sync(k);
}

void
kernel_side_look(struct kernel_side *k)
{
	look(k, NULL);
}

void
kernel_side_mend(struct kernel_side *k, const char *why)
{
	if (k->may_install)
		look(k, why);
}

unsigned
kernel_side_repairs(const struct kernel_side *k)
{
	return k->repairs;
}

void
kernel_side_sync(struct kernel_side *k)
{
	char text[KERNEL_TEXT];

	if (k->nft != NULL && nft_sync(k->nft, text, sizeof(text)) < 0)
		log_error("kernel side: %s", text);
}

/* ---- start ------------------------------------------------------------ */

static int
open_nft(struct kernel_side *k, const struct settings_kernel *settings)
{
	struct nft_names names = {settings->mark, settings->mask,
		settings->gate_mark, settings->table};
	int r;

	r = nft_open(&names, &k->nft, k->text, sizeof(k->text));
	if (r == 0)
		r = nft_watch_open(k->nft, &k->watch, k->text, sizeof(k->text));
	return r;
}

void
kernel_side_start(
	struct kernel_side *k, const struct kernel_side_options *options)
{
	const struct settings_kernel *s = &options->settings->kernel;

	snprintf(k->mark, sizeof(k->mark), "%#x", s->mark);
	snprintf(k->mask, sizeof(k->mask), "%#x", s->mask);
	snprintf(k->gate_mark, sizeof(k->gate_mark), "%#x", s->gate_mark);
	snprintf(k->table, sizeof(k->table), "%u", s->table);
	snprintf(k->port, sizeof(k->port), "%u", s->port);
	snprintf(k->user, sizeof(k->user), "%u", options->worker_uid);
	k->may_install = s->install == 1 || (s->install < 0 && geteuid() == 0);
	k->program = setup_program_find(s->setup);
	snprintf(k->text, sizeof(k->text), "out of memory");
	if (kernel_exempt_init(&k->exempt, options) < 0 || open_nft(k, s) < 0) {
		become_broken(k);
		return;
	}
	ev_io_set(&k->touched, nft_watch_fd(k->watch), EV_READ);
	ev_io_start(k->loop, &k->touched);
	ev_timer_start(k->loop, &k->next_look);
	k->has_gate = options->has_gate;
	k->queue = (uint16_t)s->queue;
	open_gate(k);
	look(k, NULL);
}

struct kernel_side *
kernel_side_new(struct ev_loop *loop, const struct kernel_side_events *events,
	void *arg)
{
	struct kernel_side *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->loop = loop;
	k->events = events;
	k->arg = arg;
	k->patience = LOOK_SOON;
	snprintf(k->text, sizeof(k->text), "not looked at yet");
	ev_io_init(&k->touched, on_touched, -1, EV_READ);
	ev_timer_init(&k->next_look, on_next_look, LOOK_EVERY, LOOK_EVERY);
	ev_timer_init(&k->reap, on_reap, 0, 0);
	k->touched.data = k->next_look.data = k->reap.data = k;
	return k;
}

void
kernel_side_free(struct kernel_side *k)
{
	if (k == NULL)
		return;
	ev_io_stop(k->loop, &k->touched);
	ev_timer_stop(k->loop, &k->next_look);
	ev_timer_stop(k->loop, &k->reap);
	setup_run_free(k->setup);
	nft_watch_close(k->watch);
	nft_close(k->nft);
	kernel_exempt_done(&k->exempt);
	free(k->program);
	free(k);
}

bool
kernel_side_is_good(const struct kernel_side *k)
{
	return k->state == GOOD;
}

const char *
kernel_side_queue(const struct kernel_side *k)
{
	return nft_queue_name(
		k->nft != NULL ? nft_gate_kind(k->nft) : NFT_QUEUE_NONE);
}

const char *
kernel_side_text(const struct kernel_side *k)
{
	return k->text;
}
