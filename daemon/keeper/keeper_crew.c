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
			.limits = {limits->hello, limits->head, limits->idle,
				limits->connect, limits->connections,
				limits->connections_per_second,
				limits->mints_per_second,
				limits->dns_per_second},
			.trust = {k->target->trust, k->target->trust_len},
			.tcp4 = k->listeners.fds[LISTENER_TCP4][index],
			.tcp6 = k->listeners.fds[LISTENER_TCP6][index],
			.udp4 = k->listeners.fds[LISTENER_DNS4][index],
			.udp6 = k->listeners.fds[LISTENER_DNS6][index],
			.log = decision_log_fd(k->log)},
	};

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
	if (key.rsa_key.len > 0)
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
	char detail[KEEPER_TEXT];

	strongbox_forget_worker(k->strongbox, index);
	if (k->stopping) {
		log_debug("worker %u: %s", index, how);
		return;
	}
	snprintf(detail, sizeof(detail), "worker %u: %s", index, how);
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
