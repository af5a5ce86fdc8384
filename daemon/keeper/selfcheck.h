/*
 * The keeper's look at itself and its host: what sbx-net-setup doctor finds,
 * and what becomes of a canary.  At the start, once a minute, and when a sysctl
 * that matters was written.  Changes nothing; says what is wrong and how to
 * mend it.
 */
#ifndef SBX_SELFCHECK_H
#define SBX_SELFCHECK_H

#include <stdbool.h>

#include <jansson.h>

struct ev_loop;
struct kernel_side;
struct selfcheck;

struct selfcheck_events {
	/* What was not found last time; what is not found any more.  {id,
	 * severity, what, mend}, to which a caller may add keys. */
	void (*found)(void *arg, json_t *finding);
	void (*over)(void *arg, const json_t *finding);
};

/* kernel and events are borrowed.  NULL: out of memory. */
struct selfcheck *selfcheck_new(struct ev_loop *loop,
	struct kernel_side *kernel, const struct selfcheck_events *events,
	void *arg);
void selfcheck_free(struct selfcheck *s); /* accepts NULL */

/* From now on.  v6: this host has IPv6. */
void selfcheck_start(struct selfcheck *s, bool v6);

/* Looks as soon as it can. */
void selfcheck_now(struct selfcheck *s);

/* No finding but warnings.  False before the first look. */
bool selfcheck_is_good(const struct selfcheck *s);

/* Seconds since the last look; < 0: there was none. */
double selfcheck_age(const struct selfcheck *s);

/* The findings of that: an array, borrowed until the loop turns. */
json_t *selfcheck_findings(const struct selfcheck *s);

/* "refused", "silent": what the last canary came to; for people. */
const char *selfcheck_canary(const struct selfcheck *s);

#endif
