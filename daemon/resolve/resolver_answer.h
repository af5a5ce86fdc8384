/*
 * A name server's reply as a struct resolver_answer: its addresses or records,
 * and the least TTL of the whole CNAME chain, clamped.  Believes nothing but
 * the chain from the name that was asked and the records at its end.  Pure.
 */
#ifndef SBX_RESOLVER_ANSWER_H
#define SBX_RESOLVER_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "resolver.h"
#include "span.h"

struct resolver_records { /* what an answer's records point into */
	uint8_t bytes[RESOLVER_RECORD_BYTES];
	size_t len;
};

struct resolver_asked {
	const char *name;
	uint16_t type;
};

/*
 * reply: a whole message whose question was compared already, with NOERROR or
 * NXDOMAIN.
 */
void resolver_answer_read(const struct resolver_asked *asked, struct span reply,
	struct resolver_records *room, struct resolver_answer *ret);

/* An answer without records; text is static.  status < 0. */
void resolver_answer_fail(uint16_t type, int status, const char *text,
	struct resolver_answer *ret);

/* AF_INET or AF_INET6 for addresses, else AF_UNSPEC. */
int resolver_family(uint16_t type);

#endif
