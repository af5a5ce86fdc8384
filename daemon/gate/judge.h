/*
 * What becomes of a packet, and why.  Pure: knows no queue, no log, no time.
 *
 * Whatever no allow rule with its protocol speaks of is dropped, and QUIC is
 * refused, which clients understand.  Fragments that the kernel has not put
 * together, bad packets and protocols without a rule of their own never pass.
 */
#ifndef SBX_JUDGE_H
#define SBX_JUDGE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "record.h"

struct guard;
struct packet;
struct resident;

enum judge_verdict { JUDGE_DROP, JUDGE_REFUSE, JUDGE_PASS };

struct judgement {
	enum judge_verdict verdict;
	enum record_verdict said; /* allowed, denied, audited */
	enum record_reason reason;
	const char *rule, *source; /* NULL: no rule has decided */
	const char *detail;        /* or NULL */
};

/* resident: whose packet it is, NULL: nobody's.  is_quic: it looks like it. */
struct judgement judge(const struct guard *guard,
	const struct resident *resident, const struct packet *p, bool is_quic);

/* UDP that could be the beginning of a QUIC connection. */
bool judge_is_quic(const struct packet *p);

/* Where it goes to, or comes from, with its port. */
void judge_destination(const struct packet *p, struct sockaddr_storage *ret);
void judge_source(const struct packet *p, struct sockaddr_storage *ret);

#endif
