/*
 * What would be decided, by asking what enforces in the order in which a
 * connection would (session/opening.c, session/decide.c).  Pure.
 */
#ifndef SBX_JUDGEMENT_H
#define SBX_JUDGEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"
#include "policy_packet.h"
#include "record.h"

struct url_target;

struct judgement_question { /* all borrowed */
	const struct policy_set *set;
	bool tls;
	bool raw;                        /* neither TLS nor HTTP */
	const char *host;                /* normalised; "" for none */
	uint16_t port;                   /* that the sandbox dials */
	const char *method, *path;       /* path as in the request, no query */
	const char *query;               /* what follows '?'; NULL: none */
	policy_field_finder *find_field; /* NULL: it has no fields */
	const void *head;                /* for find_field */
	const struct sockaddr *dst; /* that the sandbox dials; NULL: unknown */
	/* Of packets it is UDP or ICMP, and only dst and quic are looked at. */
	enum policy_protocol protocol;
	bool quic; /* it looks like that */
};

struct judgement {
	bool allowed;
	bool audited, entitled; /* as in struct policy_verdict */
	enum record_reason reason;
	enum policy_via via;
	const char *rule, *source;        /* the policy's; never NULL */
	const struct policy_limit *limit; /* of that rule; NULL: none */
};

/* About what is at t, without fields; borrows from t. */
struct judgement_question judgement_question(const struct policy_set *set,
	const char *method, const struct url_target *t);

/* A request over a connection of its own, or a flow of packets. */
struct judgement judge_request(const struct judgement_question *q);

/*
 * The same, for who does not know its query and fields (they are not looked
 * at).  False: they would matter, *ret untouched.
 */
bool judge_bare_request(
	const struct judgement_question *q, struct judgement *ret);

/* The request as policy is asked about it, borrowed from q. */
struct policy_request judgement_request(const struct judgement_question *q);

/*
 * A connection, before anything is asked of it; method, path are not looked
 * at.  Of one that would be opened "allowed" says: some request may be.
 */
struct judgement judge_connection(const struct judgement_question *q);

/* A flow of packets: protocol is not POLICY_TCP. */
struct judgement judge_packet(const struct judgement_question *q);

/* A question for the name's address. */
struct judgement judge_name(const struct policy_set *set, const char *host);

#endif
