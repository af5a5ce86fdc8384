/*
 * What c-ares hands over, as a struct resolver_answer: status in our words,
 * the addresses, the least TTL of the whole CNAME chain, clamped.  Pure.
 */
#ifndef SBX_RESOLVER_ANSWER_H
#define SBX_RESOLVER_ANSWER_H

#include <stddef.h>
#include <stdint.h>

struct resolver_answer;

/* status: c-ares's; the reply is looked at only if that is ARES_SUCCESS. */
void resolver_answer_read(int family, int status, const uint8_t *reply,
	size_t len, struct resolver_answer *ret);

/* An answer without addresses; text is static.  status < 0. */
void resolver_answer_fail(
	int family, int status, const char *text, struct resolver_answer *ret);

#endif
