/*
 * keeper_crew.c - what happens to the workers
 *
 * A worker that starts is told everything; one that died is put on record,
 * under the name of every sandbox whose connections ended with it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "child.h"
#include "crew.h"
#include "decision_log.h"
#include "documents.h"
#include "hostnet.h"
#include "keeper_state.h"
#include "link_message.h"
#include "log.h"
#include "registry.h"
#include "rsa_key.h"
#include "settings.h"
#include "strongbox.h"

/* ---- a fresh process -------------------------------------------------- */

static void
copy_texts(const char **to, size_t *ret_count, const char *const *from,
	size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = from[i];
	*ret_count = count;
}

/* What the gate does not need: listeners, and whom to trust. */
static void
add_workers_own(
	const struct keeper *k, uint32_t index, struct link_setup *setup)
{
	setup->trust = (struct span){k->target->trust, k->target->trust_len};
	setup->tcp4 = k->listeners.fds[LISTENER_TCP4][index];
	setup->tcp6 = k->listeners.fds[LISTENER_TCP6][index];
	setup->udp4 = k->listeners.fds[LISTENER_DNS4][index];
	setup->udp6 = k->listeners.fds[LISTENER_DNS6][index];
}

static void
send_setup(struct keeper *k, struct child *child)
{
	const struct settings *s = k->target->settings;
	const struct settings_limits *limits = &s->limits;
	uint32_t index = child_index(child);
	struct link_message m = {
		.type = LINK_SETUP,
		.setup = {.index = index,
			.workers = crew_count(k->crew),
			.mark = s->kernel.mark,
			.gate_mark = s->kernel.gate_mark,
			.queue = s->kernel.queue,
			.limits = {limits->hello, limits->head, limits->idle,
				limits->connect, limits->connections,
				limits->connections_per_second,
				limits->mints_per_second,
				limits->dns_per_second,
				limits->dns_names_per_minute,
				limits->dns_label_bytes, limits->dns_name_bits},
			.tcp4 = -1,
			.tcp6 = -1,
			.udp4 = -1,
			.udp6 = -1,
			.log = decision_log_fd(k->log)},
	};

	if (!crew_is_gate(k->crew, index))
		add_workers_own(k, index, &m.setup);

	copy_texts(m.setup.servers, &m.setup.server_count, k->servers,
		k->server_count);
	copy_texts(m.setup.ranges, &m.setup.range_count,
		s->upstream.allow_addresses.items,
		s->upstream.allow_addresses.count);
	child_send(child, &m);
}

static void
send_self(void *arg, int family, const uint8_t *address)
{
	struct link_message m = {
		.type = LINK_SELF,
		.self = {.added = true, .family = family},
	};

	memcpy(m.self.address, address, family == AF_INET6 ? 16 : 4);
	child_send(arg, &m);
}

static void
on_started(void *arg, uint32_t index)
{
	struct keeper *k = arg;
	struct child *child = crew_child(k->crew, index);
	struct link_message key = {
		.type = LINK_RSA_KEY, .rsa_key = rsa_key_der(k->rsa_key)};

	send_setup(k, child);
	hostnet_addresses(k->hostnet, send_self, child);
	if (key.rsa_key.len > 0 && !crew_is_gate(k->crew, index))
		child_send(child, &key);
	keeper_send_batch(k, index, BATCH_FIRST);
}

/* ---- a dead one ------------------------------------------------------- */

static void
put_on_record(struct keeper *k, uint32_t index, const char *detail)
{
	struct decision_event event = {
		.reason = RECORD_WORKER_CRASHED,
		.detail = detail,
		.generation = k->generation,
	};
	size_t named = 0;

	if (crew_is_gate(k->crew, index)) {
		event.reason = RECORD_GATE_CRASHED;
		decision_log_add(k->log, &event);
		return;
	}
	for (size_t i = 0; i < registry_count(k->registry); i++) {
		const struct sandbox *s = registry_at(k->registry, i);

		if ((s->served >> index & 1) == 0)
			continue;
		event.sandbox = s->name;
		event.labels = s->spec->labels;
		decision_log_add(k->log, &event);
		named++;
	}
	if (named == 0)
		decision_log_add(k->log, &event);
}

static void
on_died(void *arg, uint32_t index, const char *how)
{
	struct keeper *k = arg;
	const char *name = child_name(crew_child(k->crew, index));
	char detail[KEEPER_TEXT];

	if (!crew_is_gate(k->crew, index))
		strongbox_forget_worker(k->strongbox, index);
	if (k->stopping) {
		log_debug("%s %u: %s", name, index, how);
		return;
	}
	snprintf(detail, sizeof(detail), "%s %u: %s", name, index, how);
	log_error("%s; it is started again", detail);
	put_on_record(k, index, detail);
	change_crashed(&k->changes, index, how);
}

/* ---- answers ---------------------------------------------------------- */

static void
on_committed(void *arg, uint64_t generation, const char *receipt)
{
	struct keeper *k = arg;

	change_receipt(&k->changes, generation, receipt);
	change_committed(&k->changes);
	keeper_check_ready(k);
}

static void
on_refused(void *arg, uint32_t index, uint64_t generation, const char *text)
{
	struct keeper *k = arg;
	const struct change *flight = k->changes.flight;

	/* What it refuses now, others took before: it has gone wrong. */
	if (flight == NULL || flight->generation != generation ||
		flight->kind == &change_again)
		child_kill(crew_child(k->crew, index), text);
	else
		change_refused(&k->changes, index, generation, text);
}

static void
on_stopped(void *arg)
{
	struct keeper *k = arg;

	k->events->stopped(k->arg);
}

const struct crew_events keeper_crew_events = {
	.started = on_started,
	.died = on_died,
	.committed = on_committed,
	.refused = on_refused,
	.name_asked = keeper_name_asked,
	.stopped = on_stopped,
};
