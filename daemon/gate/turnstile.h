/*
 * From packet to verdict: identifies, judges, puts on record, once a flow, and
 * says what the queue is to be told.  Knows no socket: packets are given, and
 * verdicts asked for.  Time is a parameter.
 */
#ifndef SBX_TURNSTILE_H
#define SBX_TURNSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge.h"

struct gate_rules;
struct packet_log;
struct turnstile;

/* rules and log are borrowed.  NULL: out of memory. */
struct turnstile *turnstile_new(
	const struct gate_rules *rules, struct packet_log *log);
void turnstile_free(struct turnstile *t); /* accepts NULL */

/* false: whoever is let pass could not be stopped again, so nobody is. */
void turnstile_can_end(struct turnstile *t, bool can);

/* The rules have changed: nothing that was said before is known any more.  What
 * still waited for a name is told of with others. */
void turnstile_forget(struct turnstile *t);

struct turnstile_packet {
	uint32_t ifindex;
	const uint8_t *data;
	size_t len;
	double now;
};

/* JUDGE_PASS holds only when packet_log_write() then returns 0; if it does not,
 * call turnstile_forget(). */
enum judge_verdict turnstile_enter(
	struct turnstile *t, const struct turnstile_packet *p);

/* Puts on record what has waited in vain, for a name or for its turn.  Whether
 * there is anything left to wait for. */
bool turnstile_tick(struct turnstile *t, double now);

struct turnstile_counts {
	uint64_t passed, refused, dropped;
};
struct turnstile_counts turnstile_counts(const struct turnstile *t);

#endif
