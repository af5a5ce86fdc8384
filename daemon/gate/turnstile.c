/*
 * turnstile.c - from packet to verdict
 *
 * Theory of operation
 *
 * A flow goes on record with its first packet, and then not again while it
 * lasts (flow_table).  What passes is on record before it passes; what is
 * denied has no time to lose, but for QUIC: its name may be spread over some
 * datagrams, which come right behind each other.  They are dropped without a
 * word until the name is whole; then the flow is refused, which the client is
 * told at once, and on record with its name.  Whose name does not come (within
 * NAME_DATAGRAMS or NAME_SECONDS, or with too many others) is refused without.
 * Rules that change in between begin anew with it.
 *
 * A sandbox has a budget of records for what is denied, and one of flows that
 * it may begin (resident.h).  What is denied beyond is counted, and the next
 * record of what is denied says so (`count`), or the tick.
 */
#include "turnstile.h"

#include <math.h>
#include <stdlib.h>

#include "flow_table.h"
#include "gate_batch.h"
#include "hello.h"
#include "packet.h"
#include "packet_log.h"
#include "quic_opening.h"
#include "resident.h"

enum { NAME_DATAGRAMS = 4 };

static const double NAME_SECONDS = 1, STRANGERS_PER_SECOND = 1;

struct turnstile {
	const struct gate_rules *rules;
	struct packet_log *log;
	struct flow_table *flows;
	struct budget strangers;
	uint32_t unsaid; /* of strangers */
	bool can_end;
	struct turnstile_counts counts;
};

struct turnstile *
turnstile_new(const struct gate_rules *rules, struct packet_log *log)
{
	struct turnstile *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->rules = rules;
	t->log = log;
	t->flows = flow_table_new();
	if (t->flows == NULL) {
		free(t);
		return NULL;
	}
	budget_init(&t->strangers, STRANGERS_PER_SECOND, 1, 0);
	return t;
}

void
turnstile_free(struct turnstile *t)
{
	if (t == NULL)
		return;
	flow_table_free(t->flows);
	free(t);
}

void
turnstile_can_end(struct turnstile *t, bool can)
{
	t->can_end = can;
}

struct turnstile_counts
turnstile_counts(const struct turnstile *t)
{
	return t->counts;
}

/* ---- records ------------------------------------------------------------ */

/* One flow at hand. */
struct passage {
	struct resident *resident; /* NULL: a stranger */
	struct packet packet;
	struct judgement judgement;
	struct flow_entry *entry;
	bool is_quic;
	double now;
};

/* False: the sandbox has no record left for now. */
static bool
put_on_record(struct turnstile *t, struct passage *p, const struct hello *hello)
{
	struct resident *who = p->resident;
	uint32_t *unsaid = who != NULL ? &who->unsaid : &t->unsaid;
	struct budget *budget = &t->strangers;
	struct packet_note note = {
		.resident = who,
		.packet = &p->packet,
		.judgement = &p->judgement,
		.is_quic = p->is_quic,
	};

	if (who != NULL)
		budget = p->judgement.verdict == JUDGE_PASS ? &who->flows
							    : &who->records;
	p->entry->recorded = true;
	if (!budget_take(budget, p->now)) {
		*unsaid += *unsaid < UINT32_MAX - 1;
		return false;
	}
	if (hello != NULL && hello->has_name)
		note.host = (struct span){hello->name, hello->name_len};
	if (*unsaid > 0 && p->judgement.verdict != JUDGE_PASS) {
		note.detail = "with others that had no record of their own";
		note.count = *unsaid + 1;
		*unsaid = 0;
	}
	packet_log_add(t->log, &note);
	return true;
}

/* One that will be told of with others. */
static void
leave_unsaid(struct turnstile *t, const struct flow_key *key)
{
	struct resident *who;
	struct packet packet;

	flow_key_packet(key, &packet);
	who = residents_identify(t->rules->residents, key->ifindex,
		packet.family, packet.source);
	if (who != NULL)
		who->unsaid += who->unsaid < UINT32_MAX - 1;
}

void
turnstile_forget(struct turnstile *t)
{
	struct flow_entry *e;

	while ((e = flow_table_stale(t->flows, INFINITY, 0)) != NULL) {
		leave_unsaid(t, &e->key);
		flow_table_close(t->flows, e);
	}
	flow_table_forget(t->flows);
}

/* ---- QUIC --------------------------------------------------------------- */

/* False: the name may still come.  *ret_hello: NULL where there is none. */
static bool
name_is_settled(
	struct turnstile *t, struct passage *p, const struct hello **ret_hello)
{
	struct quic_opening *o = p->entry->opening;

	*ret_hello = NULL;
	if (o == NULL && p->entry->packets == 1)
		o = flow_table_open(t->flows, p->entry);
	if (o == NULL)
		return true;
	if (quic_opening_feed(o, p->packet.payload, p->packet.payload_len) ==
		QUIC_MORE)
		return p->entry->packets >= NAME_DATAGRAMS;
	*ret_hello = quic_opening_hello(o);
	return true;
}

static void
enter_quic(struct turnstile *t, struct passage *p)
{
	const struct hello *hello;

	if (p->entry->recorded)
		return;
	if (!name_is_settled(t, p, &hello)) {
		p->judgement.verdict = JUDGE_DROP;
		return;
	}
	put_on_record(t, p, hello);
	flow_table_close(t->flows, p->entry);
}

/* ---- packets ------------------------------------------------------------ */

static void
enter_passing(struct turnstile *t, struct passage *p)
{
	if (!t->can_end) {
		p->judgement.verdict = JUDGE_DROP;
		p->judgement.said = RECORD_DENIED;
		p->judgement.reason = RECORD_INTERNAL;
		p->judgement.detail =
			"this kernel could not end it again (ctnetlink)";
	}
	if (p->entry->recorded)
		return;
	if (!put_on_record(t, p, NULL)) {
		p->judgement.verdict = JUDGE_DROP;
		p->entry->recorded = false; /* its next packet may */
	}
}

/* A flow whose name was awaited made room before it was told of. */
static void
count_given_up(struct turnstile *t)
{
	struct flow_key key;

	if (flow_table_gave_up(t->flows, &key))
		leave_unsaid(t, &key);
}

static void
count(struct turnstile *t, enum judge_verdict verdict)
{
	t->counts.passed += verdict == JUDGE_PASS;
	t->counts.refused += verdict == JUDGE_REFUSE;
	t->counts.dropped += verdict == JUDGE_DROP;
}

enum judge_verdict
turnstile_enter(struct turnstile *t, const struct turnstile_packet *in)
{
	struct passage p = {.now = in->now};
	struct flow_key key;

	packet_parse(in->data, in->len, &p.packet);
	if (t->rules->residents != NULL)
		p.resident = residents_identify(t->rules->residents,
			in->ifindex, p.packet.family, p.packet.source);
	p.is_quic = judge_is_quic(&p.packet);
	p.judgement = judge(t->rules->guard, p.resident, &p.packet, p.is_quic);
	flow_key_of(&p.packet, in->ifindex, p.judgement.verdict == JUDGE_PASS,
		&key);
	p.entry = flow_table_see(t->flows, &key, in->now);
	count_given_up(t);
	if (p.judgement.verdict == JUDGE_PASS)
		enter_passing(t, &p);
	else if (p.judgement.verdict == JUDGE_REFUSE)
		enter_quic(t, &p);
	else if (!p.entry->recorded)
		put_on_record(t, &p, NULL);
	count(t, p.judgement.verdict);
	return p.judgement.verdict;
}

/* ---- time --------------------------------------------------------------- */

/* What its first datagram would be told now. */
static void
give_up_name(struct turnstile *t, struct flow_entry *e, double now)
{
	struct passage p = {.entry = e, .is_quic = true, .now = now};

	flow_key_packet(&e->key, &p.packet);
	p.resident = residents_identify(t->rules->residents, e->key.ifindex,
		p.packet.family, p.packet.source);
	p.judgement = judge(t->rules->guard, p.resident, &p.packet, true);
	put_on_record(t, &p, NULL);
	flow_table_close(t->flows, e);
}

static bool
tell_unsaid(struct turnstile *t, struct resident *r, double now)
{
	struct packet_note note = {.resident = r, .count = r->unsaid};
	const struct packet none = {.family = AF_UNSPEC};
	const struct judgement j = {
		.said = RECORD_DENIED,
		.reason = RECORD_LIMIT,
		.detail = "more flows than records: these had none",
	};

	if (r->unsaid == 0)
		return false;
	if (!budget_take(&r->records, now))
		return true;
	note.packet = &none;
	note.judgement = &j;
	packet_log_add(t->log, &note);
	r->unsaid = 0;
	return false;
}

bool
turnstile_tick(struct turnstile *t, double now)
{
	struct residents *all = t->rules->residents;
	struct flow_entry *e;
	bool more = false;

	if (all == NULL)
		return false;
	while ((e = flow_table_stale(t->flows, now, NAME_SECONDS)) != NULL)
		give_up_name(t, e, now);
	for (size_t i = 0; i < residents_count(all); i++)
		more |= tell_unsaid(t, residents_at(all, i), now);
	return more || flow_table_stale(t->flows, now, -1) != NULL;
}
