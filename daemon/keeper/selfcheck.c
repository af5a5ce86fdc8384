/*
 * selfcheck.c - is it all as it should be?
 *
 * Theory of operation
 *
 *	RESTING   until the minute is over, or somebody asks
 *	LOOKING   the doctor runs, the canary has sung
 *
 * The canary sings when the doctor is sent for and is heard when it has come
 * back, or once more a moment later when its connection was not taken yet: the
 * kernel answers within the write, and only what another process queues takes
 * longer.  Both together are the findings; what is new in them and what is no
 * longer there is told.
 *
 * While the rules are being put back nothing is looked at: they are known to
 * be wrong, and a look follows when they are there.  What a look has seen that
 * began before is worth nothing then: it would have them put back once more.
 */
#include "selfcheck.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canary.h"
#include "kernel_side.h"
#include "log.h"
#include "monotonic.h"
#include "setup_run.h"
#include "sysctl_watch.h"

enum { TEXT = 256, ENCORES = 5 };

static const double FIRST = 1, EVERY = 60, ENCORE = 0.2, SYSCTLS_EVERY = 1;

enum state { RESTING, LOOKING };

struct selfcheck {
	struct ev_loop *loop;
	struct kernel_side *kernel;
	const struct selfcheck_events *events;
	void *arg;
	enum state state;
	bool v6, again;   /* asked for while LOOKING */
	unsigned repairs; /* of the kernel's side, when the look began */
	struct setup_run *doctor;
	struct canary *canary;
	bool known;      /* the canary's pairs are in the kernel's sets */
	bool sung;       /* this time */
	int encores;     /* how often its connection was waited for */
	char mute[TEXT]; /* why there is no canary; "" there is one */
	const char *verdict;
	struct sysctl_watch *sysctls;
	ev_timer minute, encore, second;
	json_t *next;     /* what is found in this look */
	json_t *findings; /* of the last one */
	double looked;    /* 0: never */
};

/* ---- findings --------------------------------------------------------- */

static void
add_finding(struct selfcheck *s, const char *id, const char *severity,
	const char *what)
{
	json_array_append_new(
		s->next, json_pack("{s:s, s:s, s:s, s:s}", "id", id, "severity",
				 severity, "what", what, "mend",
				 "sbx-net-setup doctor"));
}

static bool
same_text(const json_t *a, const json_t *b, const char *key)
{
	return json_equal(json_object_get(a, key), json_object_get(b, key));
}

static json_t *
find(const json_t *findings, const json_t *like)
{
	json_t *one;
	size_t i;

	json_array_foreach(findings, i, one)
	{
		if (same_text(one, like, "id") && same_text(one, like, "what"))
			return one;
	}
	return NULL;
}

/* One that stays keeps what the caller has added to it. */
static void
take_over(struct selfcheck *s)
{
	json_t *before = s->findings, *one, *old;
	size_t i;

	s->findings = s->next;
	s->next = NULL;
	s->looked = monotonic_now();
	json_array_foreach(s->findings, i, one)
	{
		old = find(before, one);
		if (old != NULL)
			json_object_update_missing(one, old);
		else
			s->events->found(s->arg, one);
	}
	json_array_foreach(before, i, old)
	{
		if (find(s->findings, old) == NULL)
			s->events->over(s->arg, old);
	}
	json_decref(before);
}

static bool
is_finding(const json_t *one)
{
	return json_is_string(json_object_get(one, "id")) &&
	       json_is_string(json_object_get(one, "severity")) &&
	       json_is_string(json_object_get(one, "what")) &&
	       json_is_string(json_object_get(one, "mend"));
}

static void
read_doctor(struct selfcheck *s, const char *text)
{
	json_t *said = text != NULL ? json_loads(text, 0, NULL) : NULL;
	json_t *findings = json_object_get(said, "findings"), *one;
	size_t i;

	if (!json_is_array(findings))
		add_finding(s, "doctor", "warning",
			"sbx-net-setup doctor could not be run, or said "
			"nothing that can be understood");
	json_array_foreach(findings, i, one)
	{
		if (is_finding(one))
			json_array_append(s->next, one);
	}
	json_decref(said);
}

/* ---- the canary ------------------------------------------------------- */

static void
judge(struct selfcheck *s, const struct canary_report *r)
{
	char text[TEXT];

	s->verdict = "refused";
	if (r->left > 0) {
		s->verdict = "leaked";
		snprintf(text, sizeof(text),
			"%u of the canary's %u packets came out at the other "
			"side: sandboxes are not closed",
			r->left, r->sent);
		add_finding(s, "canary_leak", "error", text);
	}
	if (r->strays > 0) {
		s->verdict = "answered";
		snprintf(text, sizeof(text),
			"the canary was answered %u times by somebody who is "
			"not ours",
			r->strays);
		add_finding(s, "canary_answer", "error", text);
	}
	if (r->accepted < r->awaited) {
		s->verdict = "unheard";
		snprintf(text, sizeof(text),
			"of %u connections of the canary %u were taken: what "
			"sandboxes dial does not reach the daemon",
			r->awaited, r->accepted);
		add_finding(s, "canary_unheard", "error", text);
	}
}

static void
make_canary(struct selfcheck *s)
{
	if (s->canary == NULL &&
		canary_new(s->v6, &s->canary, s->mute, sizeof(s->mute)) < 0)
		return;
	s->mute[0] = '\0';
	if (!s->known && kernel_side_add_canary(s->kernel, s->v6, s->mute,
				 sizeof(s->mute)) == 0)
		s->known = true;
}

static void
sing(struct selfcheck *s)
{
	s->sung = false;
	s->encores = 0;
	make_canary(s);
	if (s->mute[0] != '\0')
		return;
	s->sung = canary_sing(s->canary) == 0;
	if (!s->sung)
		snprintf(s->mute, sizeof(s->mute), "the canary cannot sing");
}

/* ---- a look ----------------------------------------------------------- */

static void begin(struct selfcheck *s);

static bool
is_of_now(const struct selfcheck *s)
{
	return kernel_side_is_good(s->kernel) &&
	       kernel_side_repairs(s->kernel) == s->repairs;
}

static void
end(struct selfcheck *s)
{
	s->state = RESTING;
	if (is_of_now(s))
		take_over(s);
	json_decref(s->next);
	s->next = NULL;
	if (s->again)
		begin(s);
}

static void
hear(struct selfcheck *s)
{
	struct canary_report report;

	if (!s->sung) {
		s->verdict = s->mute;
		add_finding(s, "canary", "warning", s->mute);
		end(s);
		return;
	}
	canary_hear(s->canary, &report);
	if (report.accepted < report.awaited && s->encores++ < ENCORES) {
		ev_timer_set(&s->encore, ENCORE, 0);
		ev_timer_start(s->loop, &s->encore);
		return;
	}
	judge(s, &report);
	end(s);
}

static void
on_encore(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct selfcheck *s = w->data;

	(void)loop, (void)revents;
	if (s->doctor != NULL) {
		/* Not within its own callback. */
		setup_run_free(s->doctor);
		s->doctor = NULL;
	}
	hear(s);
}

static void
on_doctor(void *arg, int status)
{
	struct selfcheck *s = arg;
	char *text = setup_run_text(s->doctor);

	(void)status;
	read_doctor(s, text);
	free(text);
	ev_timer_set(&s->encore, 0, 0);
	ev_timer_start(s->loop, &s->encore);
}

static void
begin(struct selfcheck *s)
{
	int r;

	s->again = false;
	if (!kernel_side_is_good(s->kernel))
		return;
	s->next = json_array();
	s->state = LOOKING;
	s->repairs = kernel_side_repairs(s->kernel);
	sing(s);
	r = kernel_side_doctor(s->kernel, on_doctor, s, &s->doctor);
	if (r == 0)
		return;
	read_doctor(s, NULL);
	ev_timer_set(&s->encore, 0, 0);
	ev_timer_start(s->loop, &s->encore);
}

void
selfcheck_now(struct selfcheck *s)
{
	if (s->state == LOOKING)
		s->again = true;
	else if (ev_is_active(&s->minute))
		begin(s);
}

static void
on_minute(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	selfcheck_now(w->data);
}

/* ---- sysctls ---------------------------------------------------------- */

static void
on_sysctl(void *arg, const char *name, long was, long now)
{
	log_notice("sysctl %s was %ld, is %ld", name, was, now);
	selfcheck_now(arg);
}

static void
on_second(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct selfcheck *s = w->data;

	(void)loop, (void)revents;
	sysctl_watch_look(s->sysctls, on_sysctl, s);
}

/* ---- life ------------------------------------------------------------- */

struct selfcheck *
selfcheck_new(struct ev_loop *loop, struct kernel_side *kernel,
	const struct selfcheck_events *events, void *arg)
{
	struct selfcheck *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->loop = loop;
	s->kernel = kernel;
	s->events = events;
	s->arg = arg;
	s->verdict = "not heard yet";
	ev_timer_init(&s->minute, on_minute, FIRST, EVERY);
	ev_timer_init(&s->encore, on_encore, 0, 0);
	ev_timer_init(&s->second, on_second, SYSCTLS_EVERY, SYSCTLS_EVERY);
	s->minute.data = s->encore.data = s->second.data = s;
	s->findings = json_array();
	s->sysctls = sysctl_watch_new("/proc/sys");
	if (s->findings != NULL && s->sysctls != NULL)
		return s;
	selfcheck_free(s);
	return NULL;
}

void
selfcheck_free(struct selfcheck *s)
{
	if (s == NULL)
		return;
	ev_timer_stop(s->loop, &s->minute);
	ev_timer_stop(s->loop, &s->encore);
	ev_timer_stop(s->loop, &s->second);
	setup_run_free(s->doctor);
	canary_free(s->canary);
	sysctl_watch_free(s->sysctls);
	json_decref(s->next);
	json_decref(s->findings);
	free(s);
}

void
selfcheck_start(struct selfcheck *s, bool v6)
{
	s->v6 = v6;
	ev_timer_start(s->loop, &s->minute);
	ev_timer_start(s->loop, &s->second);
}

bool
selfcheck_is_good(const struct selfcheck *s)
{
	const json_t *one;
	size_t i;

	json_array_foreach(s->findings, i, one)
	{
		const char *severity =
			json_string_value(json_object_get(one, "severity"));

		if (strcmp(severity, "warning") != 0)
			return false;
	}
	return s->looked > 0;
}

double
selfcheck_age(const struct selfcheck *s)
{
	return s->looked > 0 ? monotonic_now() - s->looked : -1;
}

json_t *
selfcheck_findings(const struct selfcheck *s)
{
	return s->findings;
}

const char *
selfcheck_canary(const struct selfcheck *s)
{
	return s->verdict;
}
