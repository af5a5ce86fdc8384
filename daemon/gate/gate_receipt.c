/*
 * gate_receipt.c - what was let pass, judged once more
 *
 * A connection of the kernel tells its addresses and not its interface.  Where
 * two sandboxes on two interfaces share an address, a flow stays only if both
 * may have it.
 */
#include "gate_receipt.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "conntrack.h"
#include "gate_batch.h"
#include "judge.h"
#include "log.h"
#include "packet.h"
#include "packet_log.h"
#include "resident.h"

enum { LIST_MAX = 100, RECORDS_MAX = 1000 };

struct sweep {
	const struct gate_rules *rules;
	struct packet_log *log;
	uint64_t closed;
	json_t *list;
	bool stay; /* some do */
};

/* Whose flow it is that may not go on, and why; false: it may. */
static bool
find_denier(const struct sweep *s, const struct packet *p,
	struct resident **ret, struct judgement *ret_why)
{
	struct resident *r =
		residents_with(s->rules->residents, p->family, p->source, 0);

	*ret = r;
	if (r == NULL)
		*ret_why = judge(s->rules->guard, NULL, p, false);
	for (size_t i = 0; r != NULL; i++) {
		*ret = r;
		*ret_why = judge(s->rules->guard, r, p, false);
		if (ret_why->verdict != JUDGE_PASS)
			return true;
		r = residents_with(
			s->rules->residents, p->family, p->source, i + 1);
	}
	return *ret == NULL;
}

static void
add_to_list(struct sweep *s, const struct packet_note *note, uint64_t id)
{
	const struct packet *p = note->packet;
	const char *rule = note->judgement->rule;
	const char *source = note->judgement->source;
	char hex[17], host[INET6_ADDRSTRLEN];

	if (json_array_size(s->list) >= LIST_MAX || note->resident == NULL)
		return;
	snprintf(hex, sizeof(hex), "%016" PRIx64, id);
	inet_ntop(p->family, p->destination, host, sizeof(host));
	json_array_append_new(s->list,
		json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s}", "sandbox",
			note->resident->name, "id", hex, "what", "flow", "host",
			host, "port", (int)p->destination_port, "rule",
			rule != NULL ? rule : "", "source",
			source != NULL ? source : ""));
}

static bool
stays(void *arg, const struct packet *p)
{
	struct judgement why = {.said = RECORD_DENIED};
	struct sweep *s = arg;
	struct resident *who;
	struct packet_note note = {.packet = p, .judgement = &why};

	if (!find_denier(s, p, &who, &why)) {
		s->stay = true;
		return true;
	}
	note.resident = who;
	why.said = RECORD_DENIED;
	why.reason = RECORD_REVOKED;
	/* The rest is in the receipt's count. */
	if (++s->closed <= RECORDS_MAX)
		add_to_list(s, &note, packet_log_add(s->log, &note));
	return false;
}

char *
gate_receipt(const struct gate_rules *rules, struct conntrack *conntrack,
	struct packet_log *log, bool *ret_stay)
{
	struct sweep s = {.rules = rules, .log = log, .list = json_array()};
	json_t *whole;
	char *text;
	int r = conntrack_sweep(conntrack, stays, &s);

	*ret_stay = s.stay || r < 0;
	if (r < 0)
		log_error("flows that may be forbidden now go on: %s",
			strerror(-r));
	r = packet_log_write(log);
	if (r < 0)
		log_error("decision log: %s", strerror(-r));
	whole = json_pack(
		"{s:I, s:o}", "closed", (json_int_t)s.closed, "list", s.list);
	text = whole != NULL ? json_dumps(whole, JSON_COMPACT) : NULL;
	json_decref(whole);
	return text;
}
