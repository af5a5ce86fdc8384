/*
 * What is known of one flow while it lives: who, from where, to where, under
 * which name; and the sandbox's end of it.  Session, exchange and tunnel share
 * it; none of them owns the others.
 */
#ifndef SBX_FLOW_H
#define SBX_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "host.h"
#include "record.h"
#include "stream.h"

struct daybook_entry;
struct lease;
struct policy_verdict;
struct sandbox;
struct services;

struct flow {
	struct services *services;
	struct sandbox *sandbox; /* a reference */
	struct sockaddr_storage source, original;
	uint16_t port;           /* of original */
	char host[HOST_MAX + 1]; /* normalised; "": none (yet) */
	/* What original was given to the sandbox for, the sandbox's; NULL:
	 * it is no synthetic address. */
	const char *named;
	bool secure;       /* TLS, opened by us */
	const char *proto; /* "tls", "http", "tcp", "dns" */
	struct stream client;
	struct lease *lease; /* a failed one, for the first request; or NULL */
	bool on_record;      /* something about this flow has been recorded */
};

/* A record with all that the flow knows, and a new id. */
void flow_record(const struct flow *f, enum record_kind kind,
	enum record_verdict verdict, enum record_reason reason,
	struct record *ret);

/* Names the rule; the strings are the policy's. */
void flow_record_rule(struct record *r, const struct policy_verdict *verdict);

/* What the record calls a verdict that lets something pass. */
enum record_verdict flow_passes(const struct policy_verdict *verdict);

/* Puts down that the flow as a whole is allowed; entry hears whether that
 * stands.  The decision's id. */
uint64_t flow_allowed(struct flow *f, const struct policy_verdict *verdict,
	struct daybook_entry *entry);

/* Says in one record that the flow as a whole was refused or failed. */
void flow_refused(struct flow *f, enum record_verdict verdict,
	enum record_reason reason, const char *detail);

/* Policy has changed, and that forbids what it had allowed: says so in a line.
 */
void flow_why_revoked(
	const struct policy_verdict *by, char *ret, size_t ret_size);

/* Whether upstream (may be NULL) is not what the sandbox dialled: that address,
 * or the name that it was given for. */
bool flow_dialled_elsewhere(
	const struct flow *f, const struct sockaddr *upstream);

const char *flow_via_name(int via); /* enum policy_via */

#endif
