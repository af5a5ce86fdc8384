/*
 * What the parts of an exchange share: exchange.c walks the states, decide.c
 * makes the decision, send.c sends the head, relay.c moves the bodies. Internal
 * to them.
 */
#ifndef SBX_EXCHANGE_PART_H
#define SBX_EXCHANGE_PART_H

#include <ev.h>

#include "allowance.h"
#include "array.h"
#include "body_swap.h"
#include "daybook.h"
#include "exchange.h"
#include "flow.h"
#include "grounds.h"
#include "inject.h"
#include "lease.h"
#include "message.h"
#include "policy.h"
#include "record.h"
#include "resend.h"
#include "swap_plan.h"
#include "websocket.h"

enum step {
	STEP_DECIDE,  /* ask policy; never waits */
	STEP_RECORD,  /* wait for the decision to be on record */
	STEP_LEASE,   /* take or open a connection to the origin */
	STEP_CONNECT, /* wait for it */
	STEP_SEND,    /* the request's head; waits for nothing */
	STEP_RELAY,   /* bodies both ways, heads down */
	STEP_REPLY,   /* our own answer */
	STEP_END,
	STEP_COUNT
};

struct exchange {
	enum step step;
	struct flow *flow;
	struct http_conn *server;
	struct http_stream *down; /* NULL once closed */
	void (*wake)(void *arg);
	void *arg;

	struct grounds grounds; /* hold the strings of verdict and plan */
	struct policy_verdict verdict;
	struct inject_plan plan;
	struct swap_plan swaps;
	struct body_swap body_swap;
	const char *misplaced; /* the credential of a stand-in that came late,
				  and must not go there */
	struct allowance allowance;
	bool overspent; /* … of what a body may use */
	struct daybook_entry entry;
	bool recorded, record_failed;
	bool owes_outcome; /* it was put down as allowed */
	uint64_t id;
	char *method, *path; /* for the records */
	char *query;         /* never on record */

	struct lease *lease;
	struct http_stream *up; /* the lease's */
	bool retried, body_begun;
	bool was_stale;  /* … because the origin had closed the connection */
	bool only_http1; /* the origin wants this one so */
	bool only_http2; /* … or may want this */
	bool upgrade;    /* another protocol is asked for */
	bool tunnelled;  /* … and spoken, both ways */
	struct websocket websocket;
	struct resend resend;
	const char *fault; /* the origin's; NULL: see its connection */
	bool no_memory;    /* … but it was we who could not pass it on */
	bool broken;       /* half an answer, or half a request */

	struct http_head head; /* being built: ours to the origin or down */
	struct buf body;       /* of our own answer */
	bool head_built;
	enum record_reason reason; /* how it ended */
	enum record_verdict ended;
	char why[400];
	int status;
	uint64_t bytes_up, bytes_down;
	double began, first_byte, expires;
};

enum next { NEXT_WAIT, NEXT_STEP };

/* decide.c: sets the verdict, records it; the next step. */
enum step exchange_decide(struct exchange *x);

/* Whether it could be asked a second time (RFC 9110 9.2.2). */
bool exchange_is_idempotent(const struct exchange *x);

/* decide.c: what policy says of it now. */
bool exchange_is_allowed(
	const struct exchange *x, struct policy_verdict *ret_verdict);

/* decide.c: a stand-in that must not go there has come behind the head: says
 * so, or breaks off; nothing more of the request goes out. */
void exchange_misplaced(struct exchange *x);

/* exchange.c: its stream is closed, the connection back in the pool. */
void exchange_leave_origin(struct exchange *x);

/* send.c: the request's head to the origin, with what is put into it. */
enum next exchange_send(struct exchange *x);

/* relay.c: moves what can be moved. */
enum next exchange_relay(struct exchange *x, bool *ret_moved);

/*
 * exchange.c: answer ourselves, if nothing was answered yet, else break off.
 * refusal: built by the caller; reason and why for the outcome.
 */
struct refusal;
void exchange_answer(struct exchange *x, const struct refusal *refusal);

/* exchange.c: nothing is left of a budget for what is under way. */
void exchange_overspent(struct exchange *x);

/* The request cannot be carried out after all: 502 and the like. */
void exchange_fail(struct exchange *x, int status, enum record_reason reason,
	const char *why);

#endif
