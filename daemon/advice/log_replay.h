/*
 * Decisions that were made, held against another policy: what it would have
 * changed.  Pure; who reads the log gives one decision at a time.
 */
#ifndef SBX_LOG_REPLAY_H
#define SBX_LOG_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct policy_set;
struct log_replay;

enum { LOG_REPLAY_MAX = 8192 }; /* different changes; more are only counted */

enum log_replay_kind {
	LOG_REPLAY_REQUEST,
	LOG_REPLAY_CONNECT,
	LOG_REPLAY_NAME,
	LOG_REPLAY_PACKET
};

struct log_replay_decision { /* as it was recorded; borrowed, "" for none */
	enum log_replay_kind kind;
	const char *sandbox, *proto, *host, *dst;
	const char *method, *path; /* of a request; method is told, if any */
	uint64_t port, count;
	bool allowed;
	bool overlay; /* an overlay's rule decided, and is still there */
	bool cut;     /* something in the record is not as it was */
	const char *reason, *rule, *source;
};

struct log_replay_change {
	enum log_replay_kind kind;
	/* owned; "" for none */
	char *sandbox, *host, *method, *path;
	char *old_reason, *old_rule, *old_source;
	char *new_reason, *new_rule, *new_source;
	uint64_t port, count;
	bool allowed; /* by the new policy */
};

struct log_replay_totals {
	uint64_t decisions, same, allowed, denied; /* the last two: changed */
	uint64_t unclear;  /* cannot be judged by what is in the record */
	uint64_t unlisted; /* changes that found no room */
};

struct log_replay *log_replay_new(void);    /* NULL: out of memory */
void log_replay_free(struct log_replay *r); /* accepts NULL */

/* A decision that no policy has a say in stays as it is. */
void log_replay_keep(struct log_replay *r, uint64_t count);

/* set NULL: the new documents do not say which policy it would be.  0 or
 * -ENOMEM. */
int log_replay_judge(struct log_replay *r, const struct policy_set *set,
	const struct log_replay_decision *d);

struct log_replay_totals log_replay_totals(const struct log_replay *r);

/* What changed, denials first, then the most frequent; valid until the next
 * call of any but log_replay_totals(). */
const struct log_replay_change *log_replay_changes(
	struct log_replay *r, size_t *ret);

#endif
