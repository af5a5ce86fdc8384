/*
 * keeper_health.c - is all well?  As JSON, as a metric, and on record
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "child.h"
#include "crew.h"
#include "decision_log.h"
#include "keeper_state.h"
#include "kernel_side.h"
#include "log.h"
#include "monotonic.h"
#include "registry.h"
#include "selfcheck.h"

/* ---- on record -------------------------------------------------------- */

/* What sbx-net-setup install puts right: that, and no more, is done unasked. */
static const char *const ours[] = {
	"table", "rules", "rule99", "rule100", "route", "guard", "migrate"};

static const char *
text_of(const json_t *finding, const char *key)
{
	const char *text = json_string_value(json_object_get(finding, key));

	return text != NULL ? text : "";
}

static void
on_found(void *arg, json_t *finding)
{
	struct keeper *k = arg;
	const char *id = text_of(finding, "id"),
		   *what = text_of(finding, "what");
	bool warning = strcmp(text_of(finding, "severity"), "warning") == 0;
	char detail[KEEPER_TEXT];
	struct decision_event event = {
		.reason = RECORD_KERNEL_SIDE,
		.detail = detail,
		.generation = k->generation,
	};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strcmp(id, ours[i]) == 0) {
			kernel_side_mend(k->kernel, what);
			return; /* which is on record by itself */
		}
	}
	snprintf(detail, sizeof(detail), "%s: %s", id, what);
	if (warning) {
		log_warning("%s", detail);
		return;
	}
	log_error("%s; mend: %s", detail, text_of(finding, "mend"));
	json_object_set_new(finding, "record",
		json_integer((json_int_t)decision_log_add(k->log, &event)));
}

static void
on_over(void *arg, const json_t *finding)
{
	struct keeper *k = arg;
	const json_t *record = json_object_get(finding, "record");
	char detail[KEEPER_TEXT];
	struct decision_event event = {
		.reason = RECORD_COMPLETE,
		.detail = detail,
		.generation = k->generation,
	};

	snprintf(detail, sizeof(detail), "%s: no longer",
		text_of(finding, "id"));
	log_notice("%s", detail);
	if (record != NULL)
		decision_log_end(
			k->log, (uint64_t)json_integer_value(record), &event);
}

const struct selfcheck_events keeper_selfcheck_events = {
	.found = on_found,
	.over = on_over,
};

/* ---- the gate ----------------------------------------------------------- */

enum gate_state { GATE_READS, GATE_DOWN, GATE_SHUT_OUT };

/* Of its queue; one that has not said anything yet is believed. */
static enum gate_state
gate_state(const struct keeper *k)
{
	uint32_t gate = crew_workers(k->crew);
	const json_t *bound;
	const char *status;
	enum gate_state ret = GATE_READS;
	json_t *said;

	if (gate == crew_count(k->crew))
		return GATE_READS; /* nobody wants one */
	if (child_state(crew_child(k->crew, gate)) != CHILD_READY)
		return GATE_DOWN;
	status = crew_status(k->crew, gate);
	said = status != NULL ? json_loads(status, 0, NULL) : NULL;
	bound = json_object_get(said, "bound");
	if (json_is_integer(bound) && json_integer_value(bound) == 0)
		ret = GATE_SHUT_OUT;
	json_decref(said);
	return ret;
}

static void
add_gate(json_t *array, enum gate_state state)
{
	static const char *const what[] = {
		[GATE_DOWN] = "the gate is not running: what is neither TCP "
			      "nor DNS is dropped until it is",
		[GATE_SHUT_OUT] = "another program reads the gate's queue: "
				  "what is neither TCP nor DNS is dropped",
	};
	static const char *const mend[] = {
		[GATE_DOWN] = "it is started again; why it ended is in the "
			      "daemon's log and a record of gate_crashed",
		[GATE_SHUT_OUT] = "give kernel.queue a number that is not in "
				  "/proc/net/netfilter/nfnetlink_queue",
	};

	if (state != GATE_READS)
		json_array_append_new(
			array, json_pack("{s:s, s:s, s:s, s:s}", "id", "gate",
				       "severity", "error", "what", what[state],
				       "mend", mend[state]));
}

/* ---- as JSON ---------------------------------------------------------- */

static json_t *
findings(const struct keeper *k)
{
	json_t *array = json_deep_copy(selfcheck_findings(k->selfcheck)), *one;
	size_t i;

	json_array_foreach(array, i, one) json_object_del(one, "record");
	if (!kernel_side_is_good(k->kernel))
		json_array_insert_new(array, 0,
			json_pack("{s:s, s:s, s:s, s:s}", "id", "kernel_side",
				"severity", "error", "what",
				kernel_side_text(k->kernel), "mend",
				"sbx-net-setup install"));
	add_gate(array, gate_state(k));
	return array;
}

/* Before the first look: what the rules say. */
static bool
is_well(const struct keeper *k)
{
	return k->ready && kernel_side_is_good(k->kernel) &&
	       gate_state(k) == GATE_READS &&
	       (selfcheck_age(k->selfcheck) < 0 ||
		       selfcheck_is_good(k->selfcheck));
}

json_t *
keeper_health(struct keeper *k)
{
	double age = selfcheck_age(k->selfcheck);

	return json_pack("{s:b, s:b, s:o, s:s, s:s, s:o}", "ok",
		(int)is_well(k), "ready", (int)k->ready, "checked",
		age < 0 ? json_null() : json_real(age), "canary",
		selfcheck_canary(k->selfcheck), "text",
		kernel_side_text(k->kernel), "findings", findings(k));
}

/* ---- as a metric ------------------------------------------------------ */

static void
metric(FILE *to, const char *name, const char *type, double value)
{
	fprintf(to, "# TYPE sbx_net_%s %s\nsbx_net_%s %.15g\n", name, type,
		name, value);
}

static unsigned
count_findings(const struct keeper *k, bool warnings)
{
	const json_t *one;
	unsigned n = 0;
	size_t i;

	json_array_foreach(selfcheck_findings(k->selfcheck), i, one)
	{
		bool is = strcmp(text_of(one, "severity"), "warning") == 0;

		n += is == warnings;
	}
	return n;
}

static void
put_workers(FILE *to, const struct keeper *k)
{
	unsigned restarts = 0, gate_restarts = 0;

	for (uint32_t i = 0; i < crew_count(k->crew); i++)
		*(crew_is_gate(k->crew, i) ? &gate_restarts : &restarts) +=
			child_restarts(crew_child(k->crew, i));
	metric(to, "workers", "gauge", crew_workers(k->crew));
	metric(to, "worker_restarts_total", "counter", restarts);
	metric(to, "gate_ok", "gauge", gate_state(k) == GATE_READS);
	metric(to, "gate_restarts_total", "counter", gate_restarts);
}

static void
put_sandboxes(FILE *to, const struct keeper *k)
{
	size_t living = 0, attached = 0;

	for (size_t i = 0; i < registry_count(k->registry); i++) {
		const struct sandbox *s = registry_at(k->registry, i);

		if (s->phase != SANDBOX_LIVING)
			continue;
		living++;
		attached += s->link == SANDBOX_ATTACHED;
	}
	metric(to, "sandboxes", "gauge", (double)living);
	metric(to, "sandboxes_attached", "gauge", (double)attached);
}

char *
keeper_metrics(struct keeper *k)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	fprintf(to, "# TYPE sbx_net_info gauge\n"
		    "sbx_net_info{version=\"" SBX_VERSION "\"} 1\n");
	metric(to, "ready", "gauge", k->ready);
	metric(to, "uptime_seconds", "gauge", monotonic_now() - k->started);
	metric(to, "generation", "counter", (double)k->generation);
	metric(to, "selfcheck_ok", "gauge", is_well(k));
	metric(to, "selfcheck_age_seconds", "gauge",
		selfcheck_age(k->selfcheck));
	metric(to, "selfcheck_errors", "gauge", count_findings(k, false));
	metric(to, "selfcheck_warnings", "gauge", count_findings(k, true));
	metric(to, "kernel_side_ok", "gauge", kernel_side_is_good(k->kernel));
	metric(to, "kernel_side_repairs_total", "counter",
		kernel_side_repairs(k->kernel));
	put_workers(to, k);
	put_sandboxes(to, k);
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}
