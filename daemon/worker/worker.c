/*
 * worker.c - an unprivileged worker
 *
 * Theory of operation
 *
 *	FRESH    privileges are given up; waits for SETUP
 *	SERVING  services are made, the last doors are shut, READY is said; from
 *	         here on batches come, and sandboxes
 *	STOPPING no new connection is accepted; open exchanges may finish until
 *	         a deadline
 *
 * When the channel to the keeper closes, the worker ends: it has nobody to
 * tell it who is a sandbox and who no longer is.
 */
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ev.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "array.h"
#include "ca.h"
#include "channel.h"
#include "context.h"
#include "daybook.h"
#include "guard.h"
#include "handover.h"
#include "isolate.h"
#include "keyring.h"
#include "link_message.h"
#include "listener.h"
#include "log.h"
#include "monotonic.h"
#include "name_link.h"
#include "policy.h"
#include "receipt.h"
#include "record_memory.h"
#include "resolver.h"
#include "sandbox.h"
#include "secret.h"
#include "services.h"
#include "session.h"
#include "splice_pipe.h"
#include "turn.h"
#include "udp_questions.h"
#include "writer.h"

static const double stop_look_seconds = 0.05;
static const double strangers_per_second = 1, origin_idle_seconds = 30;

enum { TEXT_MAX = 4096 };

struct worker {
	struct ev_loop *loop;
	struct link_channel *channel;
	struct services services;
	struct listener *listeners[2];
	struct udp_questions *questions;
	struct handover *handover;
	struct policy *policy;
	struct ev_timer stop;
	ev_tstamp stop_at; /* 0: not stopping */
	bool serving;
	int status; /* of the process */
	char name[32];
};

static void
give_up(struct worker *w, const char *why)
{
	log_error("%s", why);
	w->status = 1;
	ev_break(w->loop, EVBREAK_ALL);
}

static void
on_arrived(void *arg, const struct arrival *a)
{
	struct worker *w = arg;

	session_start(&w->services, a);
}

/* ---- SETUP -------------------------------------------------------------- */

static struct limits
limits_of(const struct link_limits *l)
{
	return (struct limits){
		.hello_seconds = l->hello_seconds,
		.head_seconds = l->head_seconds,
		.idle_seconds = l->idle_seconds,
		.connect_seconds = l->connect_seconds,
		.connections = l->connections,
		.connections_per_second = l->connections_per_second,
		.mints_per_second = l->mints_per_second,
		.dns_per_second = l->dns_per_second,
		.names = {l->dns_names_per_minute, l->dns_label_bytes,
			l->dns_name_bits},
	};
}

static int
make_services(struct worker *w, const struct link_setup *setup, char *reterr,
	size_t reterr_size)
{
	struct services *s = &w->services;
	struct writer *writer = writer_new(setup->log);
	int r;

	s->loop = w->loop;
	s->limits = limits_of(&setup->limits);
	budget_init(&s->strangers, strangers_per_second, 1, monotonic_now());
	s->turn = turn_new(w->loop);
	s->guard = guard_new();
	s->sandboxes = sandboxes_new();
	s->keyring = keyring_new();
	s->pipes = splice_pipes_new();
	s->names = name_link_giver(w->channel);
	if (writer != NULL && s->turn != NULL)
		s->daybook = daybook_new(s->turn, writer);
	if (s->daybook == NULL || s->guard == NULL || s->sandboxes == NULL ||
		s->keyring == NULL || s->pipes == NULL) {
		snprintf(reterr, reterr_size, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < setup->range_count; i++) {
		r = guard_allow(s->guard, setup->ranges[i]);
		if (r < 0) {
			snprintf(reterr, reterr_size,
				"upstream.allow_addresses: %s",
				setup->ranges[i]);
			return r;
		}
	}
	r = resolver_new(w->loop, setup->servers, setup->server_count,
		&s->resolver, reterr, reterr_size);
	if (r < 0)
		return r;
	s->upstream = (struct upstream){
		.loop = w->loop,
		.turn = s->turn,
		.dialler = {w->loop, s->resolver, s->guard,
			s->limits.connect_seconds, NULL},
		.handshake_seconds = s->limits.connect_seconds,
		.idle_seconds = origin_idle_seconds,
	};
	r = context_connect(
		setup->trust, &s->upstream.context, reterr, reterr_size);
	if (r < 0)
		return r;
	upstream_init(&s->upstream);
	resolver_set_tls(s->resolver, s->upstream.context);
	return 0;
}

static int
listen_on(struct worker *w, const struct link_setup *setup)
{
	const int tcp[2] = {setup->tcp4, setup->tcp6};
	const int udp[2] = {setup->udp4, setup->udp6};

	w->questions = udp_questions_new(&w->services);
	if (w->questions == NULL)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		if (tcp[i] >= 0) {
			w->listeners[i] =
				listener_new(w->loop, tcp[i], on_arrived, w);
			if (w->listeners[i] == NULL)
				return -ENOMEM;
		}
		if (udp[i] >= 0 && udp_questions_add(w->questions, udp[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void
on_setup(struct worker *w, const struct link_setup *setup)
{
	struct link_message ready = {.type = LINK_READY};
	const struct isolate_shared shared = {
		{setup->tcp4, setup->tcp6}, {setup->udp4, setup->udp6}};
	char why[TEXT_MAX];
	int r;

	if (w->serving) {
		give_up(w, "a second SETUP");
		return;
	}
	snprintf(w->name, sizeof(w->name), "sbx-netd: worker %u",
		(unsigned)setup->index);
	r = make_services(w, setup, why, sizeof(why));
	secret_reserve();
	if (r == 0)
		r = isolate_late(&shared, why, sizeof(why));
	if (r < 0) {
		give_up(w, why);
		return;
	}
	if (listen_on(w, setup) < 0) {
		give_up(w, "out of memory");
		return;
	}
	w->serving = true;
	link_send(w->channel, &ready);
}

/* ---- batches ------------------------------------------------------------ */

static void
on_begin(struct worker *w, uint64_t generation)
{
	handover_free(w->handover);
	w->handover = handover_new(generation);
	if (w->handover == NULL)
		give_up(w, "out of memory");
}

static void
on_commit(struct worker *w, uint64_t generation)
{
	struct link_message answer = {
		.type = LINK_COMMITTED,
		.generation = generation,
	};
	struct receipt receipt = {0};
	char why[TEXT_MAX], *text = NULL;
	int r;

	if (w->handover == NULL ||
		handover_generation(w->handover) != generation) {
		give_up(w, "COMMIT without its BEGIN");
		return;
	}
	w->services.receipt = &receipt;
	r = handover_apply(
		w->handover, &w->services, &w->policy, why, sizeof(why));
	w->services.receipt = NULL;
	if (r < 0) {
		answer.type = LINK_REFUSED;
		answer.text.text = why;
	} else {
		/* Without memory for it, the change holds all the same. */
		answer.text.text = text = receipt_text(&receipt);
	}
	receipt_done(&receipt);
	handover_free(w->handover);
	w->handover = NULL;
	link_send(w->channel, &answer);
	free(text);
}

static void
add_to_batch(struct worker *w, const struct link_message *m)
{
	int r = -EPROTO;

	if (w->handover == NULL) {
		give_up(w, "part of a handover outside of one");
		return;
	}
	switch (m->type) {
	case LINK_DOCUMENT:
		r = handover_add_document(w->handover, &m->document);
		break;
	case LINK_SANDBOX:
		r = handover_add_sandbox(w->handover, &m->sandbox);
		break;
	case LINK_SANDBOX_GONE:
		r = handover_add_gone(w->handover, m->sandbox_gone);
		break;
	case LINK_SECRET:
		r = handover_add_secret(w->handover, &m->secret);
		break;
	default:
		break;
	}
	if (r < 0)
		give_up(w, "out of memory");
}

/* ---- at once ------------------------------------------------------------ */

static void
on_self(struct worker *w, const struct link_self *self)
{
	struct guard *g = w->services.guard;

	if (!self->added)
		guard_remove_self(g, self->family, self->address);
	else if (guard_add_self(g, self->family, self->address) < 0)
		give_up(w, "out of memory"); /* never run with a gap */
}

static void
on_rsa_key(struct worker *w, struct span der)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)der.len);

	if (key == NULL) {
		log_warning("the RSA key for leaves could not be read");
		return;
	}
	EVP_PKEY_free(w->services.rsa_key);
	w->services.rsa_key = key;
	for (struct sandbox *s = sandboxes_next(w->services.sandboxes, NULL);
		s != NULL; s = sandboxes_next(w->services.sandboxes, s))
		sandbox_set_rsa_key(s, key);
}

static void
on_status_ask(struct worker *w)
{
	struct link_message answer = {.type = LINK_STATUS};
	size_t connections = 0, sandboxes = 0;
	struct sandbox *s = NULL;
	json_t *status;
	char *text;

	while ((s = sandboxes_next(w->services.sandboxes, s)) != NULL) {
		sandboxes++;
		connections += s->connections;
	}
	status = json_pack("{s:I, s:I, s:I}", "connections",
		(json_int_t)connections, "sandboxes", (json_int_t)sandboxes,
		"generation", (json_int_t)w->services.generation);
	text = status != NULL ? json_dumps(status, JSON_COMPACT) : NULL;
	json_decref(status);
	if (text == NULL)
		return;
	answer.text.text = text;
	link_send(w->channel, &answer);
	free(text);
}

static size_t
open_connections(const struct worker *w)
{
	struct sandbox *s = NULL;
	size_t n = 0;

	while ((s = sandboxes_next(w->services.sandboxes, s)) != NULL)
		n += s->connections;
	return n;
}

static void
on_stop_look(struct ev_loop *loop, struct ev_timer *t, int revents)
{
	struct worker *w = t->data;

	(void)revents;
	if (open_connections(w) == 0 || monotonic_now() >= w->stop_at)
		ev_break(loop, EVBREAK_ALL);
}

static void
on_stop(struct worker *w)
{
	struct sandbox *s = NULL;

	for (int i = 0; i < 2; i++) {
		if (w->listeners[i] != NULL)
			listener_stop(w->listeners[i]);
	}
	if (w->serving) {
		while ((s = sandboxes_next(w->services.sandboxes, s)) != NULL)
			session_finish_all(s);
	}
	w->stop_at = monotonic_now() + LINK_STOP_SECONDS;
	ev_timer_set(&w->stop, 0, stop_look_seconds);
	ev_timer_start(w->loop, &w->stop);
}

static void
on_message(void *arg, const struct link_message *m)
{
	struct worker *w = arg;

	if (!w->serving && m->type != LINK_SETUP && m->type != LINK_STOP) {
		give_up(w, "the keeper did not begin with SETUP");
		return;
	}
	switch (m->type) {
	case LINK_SETUP:
		on_setup(w, &m->setup);
		break;
	case LINK_BEGIN:
		on_begin(w, m->generation);
		break;
	case LINK_COMMIT:
		on_commit(w, m->generation);
		break;
	case LINK_SELF:
		on_self(w, &m->self);
		break;
	case LINK_RSA_KEY:
		on_rsa_key(w, m->rsa_key);
		break;
	case LINK_LOG:
		writer_reopen(daybook_writer(w->services.daybook), m->log_fd);
		break;
	case LINK_NAME:
		name_link_heard(&w->services, &m->name);
		break;
	case LINK_STATUS_ASK:
		on_status_ask(w);
		break;
	case LINK_STOP:
		on_stop(w);
		break;
	default:
		add_to_batch(w, m);
		break;
	}
}

static void
on_closed(void *arg, const char *why)
{
	struct worker *w = arg;

	if (w->stop_at <= 0)
		give_up(w, why);
	else
		ev_break(w->loop, EVBREAK_ALL);
}

static void
close_everything(struct worker *w)
{
	struct services *s = &w->services;
	struct sandbox *sandbox = NULL;

	for (int i = 0; i < 2; i++)
		listener_free(w->listeners[i]);
	udp_questions_free(w->questions);
	while (s->sandboxes != NULL &&
		(sandbox = sandboxes_next(s->sandboxes, sandbox)) != NULL)
		session_close_all(sandbox);
	turn_reap(s->turn);
	sandboxes_free(s->sandboxes);
	handover_free(w->handover);
	policy_unref(w->policy);
	daybook_free(s->daybook);
	turn_free(s->turn);
	resolver_free(s->resolver);
	guard_free(s->guard);
	keyring_free(s->keyring);
	splice_pipes_free(s->pipes);
	EVP_PKEY_free(s->rsa_key);
	SSL_CTX_free(s->upstream.context);
	link_channel_free(w->channel);
}

int
worker_main(int link_fd)
{
	static const struct link_events events = {on_message, on_closed};
	struct worker w = {.name = "sbx-netd: worker"};
	char why[TEXT_MAX];

	log_open(w.name, LOG_LEVEL_NOTICE);
	signal(SIGPIPE, SIG_IGN);
	record_memory_keep();
	if (isolate_early(why, sizeof(why)) < 0) {
		log_error("privileges cannot be given up: %s", why);
		return 1;
	}
	w.loop = ev_loop_new(EVBACKEND_EPOLL);
	if (w.loop == NULL || link_channel_new(w.loop, link_fd, &events, &w,
				      &w.channel) < 0) {
		log_error("out of memory");
		return 1;
	}
	ev_timer_init(&w.stop, on_stop_look, 0, stop_look_seconds);
	w.stop.data = &w;
	ev_run(w.loop, 0);
	close_everything(&w);
	ev_loop_destroy(w.loop);
	return w.status;
}
