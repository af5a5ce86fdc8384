/*
 * gate.c - the process that judges packets
 *
 * Theory of operation
 *
 *	FRESH    all privileges but one are given up; waits for SETUP
 *	SERVING  sockets are open, the last doors are shut, READY is said; from
 *	         here on batches come.  The queue is bound after the first:
 *	         nobody's packets are taken for a stranger's, and until then the
 *	         kernel drops them
 *
 * One turn: up to NFQUEUE_BATCH packets are read and judged, what has to be on
 * record is written, the verdicts are sent.  If the log could not be written,
 * nothing of the turn passes.
 *
 * A verdict is a mark, and NF_REPEAT: the packet runs through the chain of
 * sbx-net.nft once more, which knows what the marks mean.  What passes gets the
 * mark into its connection, and its next packets are not queued.  So each
 * commit looks at those connections and ends what the rules no longer allow,
 * and the first one those of whoever was here before us.
 *
 * When the link closes, the gate ends, and the kernel drops what is queued.
 */
#include "gate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ev.h>

#include "channel.h"
#include "conntrack.h"
#include "gate_batch.h"
#include "gate_receipt.h"
#include "guard.h"
#include "isolate.h"
#include "link_message.h"
#include "log.h"
#include "monotonic.h"
#include "nfqueue.h"
#include "packet_log.h"
#include "policy.h"
#include "resident.h"
#include "turnstile.h"

enum { TEXT_MAX = 4096 };

static const double TICK = 0.25, BIND_AGAIN = 1;

struct waiting { /* a packet of this turn */
	uint32_t id, mark;
	enum judge_verdict verdict;
};

struct gate {
	struct ev_loop *loop;
	struct link_channel *channel;
	struct nfqueue *queue;
	struct conntrack *conntrack; /* NULL: the kernel has none to speak to */
	struct packet_log *log;
	struct turnstile *turnstile;
	struct gate_rules rules;
	struct gate_batch *batch;
	ev_io packets;
	ev_timer tick, bind;
	uint32_t pass_mark, refuse_mark;
	uint64_t generation;
	bool serving, bound;
	bool carries;   /* the kernel may carry flows that were let pass */
	uint64_t swept; /* how many packets had passed at the last sweep */
	struct waiting waiting[NFQUEUE_BATCH];
	size_t waiting_count;
	int status; /* of the process */
};

static void
give_up(struct gate *g, const char *why)
{
	log_error("%s", why);
	g->status = 1;
	ev_break(g->loop, EVBREAK_ALL);
}

/* ---- packets ------------------------------------------------------------ */

static void
on_packet(void *arg, const struct nfqueue_packet *p)
{
	struct gate *g = arg;
	const struct turnstile_packet in = {
		p->ifindex, p->data, p->len, monotonic_now()};

	g->waiting[g->waiting_count++] = (struct waiting){
		p->id, p->mark, turnstile_enter(g->turnstile, &in)};
}

static void
answer(struct gate *g, const struct waiting *w)
{
	switch (w->verdict) {
	case JUDGE_PASS:
		nfqueue_decide(g->queue, w->id, NFQUEUE_REPEAT,
			w->mark | g->pass_mark);
		break;
	case JUDGE_REFUSE:
		nfqueue_decide(g->queue, w->id, NFQUEUE_REPEAT,
			w->mark | g->refuse_mark);
		break;
	case JUDGE_DROP:
		nfqueue_decide(g->queue, w->id, NFQUEUE_DROP, w->mark);
		break;
	}
}

static void
write_log(struct gate *g)
{
	int r = packet_log_write(g->log);

	if (r == 0)
		return;
	log_error("decision log: %s: nothing passes", strerror(-r));
	turnstile_forget(g->turnstile);
	for (size_t i = 0; i < g->waiting_count; i++)
		if (g->waiting[i].verdict == JUDGE_PASS)
			g->waiting[i].verdict = JUDGE_DROP;
}

static void
on_packets(struct ev_loop *loop, ev_io *w, int revents)
{
	struct gate *g = w->data;
	int r;

	(void)revents;
	g->waiting_count = 0;
	r = nfqueue_read(g->queue, on_packet, g);
	write_log(g);
	for (size_t i = 0; i < g->waiting_count; i++)
		answer(g, &g->waiting[i]);
	if (r >= 0)
		r = nfqueue_answer(g->queue);
	if (r < 0 && r != -ENOBUFS) {
		give_up(g, strerror(-r));
		return;
	}
	if (g->waiting_count > 0 && !ev_is_active(&g->tick))
		ev_timer_again(loop, &g->tick);
}

static void
on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct gate *g = w->data;

	(void)revents;
	g->waiting_count = 0;
	if (!turnstile_tick(g->turnstile, monotonic_now()))
		ev_timer_stop(loop, w);
	write_log(g);
}

/* ---- SETUP -------------------------------------------------------------- */

/* Somebody else's queue may become ours when he has ended.  revents: 0 at the
 * first try. */
static void
on_bind(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct gate *g = w->data;
	int r = nfqueue_bind(g->queue);

	if (r < 0) {
		if (revents == 0)
			log_error("the queue cannot be had (%s), so what is "
				  "neither TCP nor DNS is dropped; it is tried "
				  "again",
				strerror(-r));
		ev_timer_again(loop, w);
		return;
	}
	ev_timer_stop(loop, w);
	g->bound = true;
	ev_io_set(&g->packets, nfqueue_fd(g->queue), EV_READ);
	ev_io_start(loop, &g->packets);
}

static int
make_rules(struct gate *g, const struct link_setup *setup, char *reterr,
	size_t reterr_size)
{
	snprintf(reterr, reterr_size, "out of memory");
	g->rules.flows_per_second = setup->limits.connections_per_second;
	g->rules.guard = guard_new();
	if (g->rules.guard == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < setup->range_count; i++) {
		int r = guard_allow(g->rules.guard, setup->ranges[i]);

		if (r < 0) {
			snprintf(reterr, reterr_size,
				"upstream.allow_addresses: %s",
				setup->ranges[i]);
			return r;
		}
	}
	return 0;
}

static int
open_sockets(struct gate *g, const struct link_setup *setup, char *reterr,
	size_t reterr_size)
{
	char why[TEXT_MAX];
	int r = nfqueue_open((uint16_t)setup->queue, &g->queue);

	if (r < 0) {
		snprintf(reterr, reterr_size, "netlink: %s", strerror(-r));
		return r;
	}
	if (conntrack_open(setup->gate_mark, &g->conntrack, why, sizeof(why)) <
		0)
		log_warning("%s: nothing is let pass", why);
	g->log = packet_log_new(setup->log);
	g->turnstile = g->log != NULL ? turnstile_new(&g->rules, g->log) : NULL;
	if (g->turnstile == NULL) {
		snprintf(reterr, reterr_size, "out of memory");
		return -ENOMEM;
	}
	turnstile_can_end(g->turnstile, g->conntrack != NULL);
	return 0;
}

static void
on_setup(struct gate *g, const struct link_setup *setup)
{
	struct link_message ready = {.type = LINK_READY};
	char why[TEXT_MAX];
	int r;

	if (g->serving) {
		give_up(g, "a second SETUP");
		return;
	}
	g->pass_mark = setup->gate_mark;
	g->refuse_mark = setup->gate_mark | setup->mark;
	r = make_rules(g, setup, why, sizeof(why));
	if (r == 0)
		r = open_sockets(g, setup, why, sizeof(why));
	if (r == 0)
		r = isolate_gate_late(why, sizeof(why));
	if (r < 0) {
		give_up(g, why);
		return;
	}
	g->serving = true;
	link_send(g->channel, &ready);
}

/* ---- batches ------------------------------------------------------------ */

/*
 * A sweep walks through all that the kernel tracks, some 10 ms, so it waits
 * until there can be something.  What has just passed may not be tracked yet:
 * the next commit looks once more.
 */
static char *
end_forbidden(struct gate *g)
{
	uint64_t passed = turnstile_counts(g->turnstile).passed;
	bool news = passed != g->swept, stay;
	char *text;

	if (g->conntrack == NULL || (!g->carries && !news))
		return NULL;
	text = gate_receipt(&g->rules, g->conntrack, g->log, &stay);
	g->carries = stay || news;
	g->swept = passed;
	return text;
}

static void
on_commit(struct gate *g, uint64_t generation)
{
	struct link_message m = {
		.type = LINK_COMMITTED, .generation = generation};
	char why[TEXT_MAX], *text = NULL;
	bool first = g->generation == 0;
	int r;

	if (g->batch == NULL || gate_batch_generation(g->batch) != generation) {
		give_up(g, "COMMIT without its BEGIN");
		return;
	}
	r = gate_batch_apply(g->batch, &g->rules, why, sizeof(why));
	gate_batch_free(g->batch);
	g->batch = NULL;
	if (r < 0) {
		m.type = LINK_REFUSED;
		m.text.text = why;
	} else {
		g->generation = generation;
		packet_log_generation(g->log, generation);
		turnstile_forget(g->turnstile);
		text = end_forbidden(g);
		m.text.text = text;
		if (first)
			on_bind(g->loop, &g->bind, 0);
	}
	link_send(g->channel, &m);
	free(text);
}

static void
add_to_batch(struct gate *g, const struct link_message *m)
{
	int r = -EPROTO;

	if (g->batch == NULL) {
		give_up(g, "part of a batch outside of one");
		return;
	}
	if (m->type == LINK_DOCUMENT)
		r = gate_batch_document(g->batch, &m->document);
	else if (m->type == LINK_SANDBOX)
		r = gate_batch_sandbox(g->batch, &m->sandbox);
	else if (m->type == LINK_SANDBOX_GONE)
		r = gate_batch_gone(g->batch, m->sandbox_gone);
	if (r < 0)
		give_up(g, r == -EPROTO ? "that is not for the gate"
					: "out of memory");
}

/* ---- at once ------------------------------------------------------------ */

static void
on_self(struct gate *g, const struct link_self *self)
{
	if (!self->added)
		guard_remove_self(g->rules.guard, self->family, self->address);
	else if (guard_add_self(g->rules.guard, self->family, self->address) <
		 0)
		give_up(g, "out of memory"); /* never run with a gap */
}

static void
on_status_ask(struct gate *g)
{
	struct turnstile_counts counts = turnstile_counts(g->turnstile);
	struct link_message m = {.type = LINK_STATUS};
	char text[512];

	snprintf(text, sizeof(text),
		"{\"bound\":%d,\"generation\":%llu,\"sandboxes\":%zu,"
		"\"passed\":%llu,\"refused\":%llu,\"dropped\":%llu,"
		"\"overruns\":%llu}",
		g->bound, (unsigned long long)g->generation,
		g->rules.residents != NULL ? residents_count(g->rules.residents)
					   : 0,
		(unsigned long long)counts.passed,
		(unsigned long long)counts.refused,
		(unsigned long long)counts.dropped,
		(unsigned long long)nfqueue_overruns(g->queue));
	m.text.text = text;
	link_send(g->channel, &m);
}

static void
on_message(void *arg, const struct link_message *m)
{
	struct gate *g = arg;

	if (!g->serving && m->type != LINK_SETUP && m->type != LINK_STOP) {
		give_up(g, "the keeper did not begin with SETUP");
		return;
	}
	switch (m->type) {
	case LINK_SETUP:
		on_setup(g, &m->setup);
		break;
	case LINK_BEGIN:
		gate_batch_free(g->batch);
		g->batch = gate_batch_new(m->generation);
		if (g->batch == NULL)
			give_up(g, "out of memory");
		break;
	case LINK_COMMIT:
		on_commit(g, m->generation);
		break;
	case LINK_SELF:
		on_self(g, &m->self);
		break;
	case LINK_LOG:
		packet_log_reopen(g->log, m->log_fd);
		break;
	case LINK_STATUS_ASK:
		on_status_ask(g);
		break;
	case LINK_STOP:
		ev_break(g->loop, EVBREAK_ALL);
		break;
	default:
		add_to_batch(g, m);
		break;
	}
}

static void
on_closed(void *arg, const char *why)
{
	give_up(arg, why);
}

/* ---- life --------------------------------------------------------------- */

static void
close_everything(struct gate *g)
{
	gate_batch_free(g->batch);
	turnstile_free(g->turnstile);
	packet_log_free(g->log);
	residents_free(g->rules.residents);
	policy_unref(g->rules.policy);
	guard_free(g->rules.guard);
	conntrack_close(g->conntrack);
	nfqueue_close(g->queue);
	link_channel_free(g->channel);
}

int
gate_main(int link_fd)
{
	static const struct link_events events = {on_message, on_closed};
	/* Of a gate before us, perhaps. */
	struct gate g = {.carries = true};
	char why[TEXT_MAX];

	log_open("sbx-netd: gate", LOG_LEVEL_NOTICE);
	signal(SIGPIPE, SIG_IGN);
	if (isolate_gate_early(why, sizeof(why)) < 0) {
		log_error("privileges cannot be given up: %s", why);
		return 1;
	}
	g.loop = ev_loop_new(EVBACKEND_EPOLL);
	if (g.loop == NULL || link_channel_new(g.loop, link_fd, &events, &g,
				      &g.channel) < 0) {
		log_error("out of memory");
		return 1;
	}
	ev_io_init(&g.packets, on_packets, -1, EV_READ);
	ev_timer_init(&g.tick, on_tick, TICK, TICK);
	ev_timer_init(&g.bind, on_bind, BIND_AGAIN, BIND_AGAIN);
	g.packets.data = g.tick.data = g.bind.data = &g;
	ev_run(g.loop, 0);
	close_everything(&g);
	ev_loop_destroy(g.loop);
	return g.status;
}
