/*
 * What the keeper has said between BEGIN and COMMIT: held until all of it is
 * here, then applied as a whole or not at all.  As a worker's handover, without
 * whatever is secret.
 */
#ifndef SBX_GATE_BATCH_H
#define SBX_GATE_BATCH_H

#include <stddef.h>
#include <stdint.h>

struct gate_batch;
struct guard;
struct link_document;
struct link_sandbox;
struct policy;
struct residents;

/* What a batch changes.  All zero before the first. */
struct gate_rules {
	struct policy *policy;
	struct residents *residents;
	struct guard *guard;     /* has the addresses of all residents */
	double flows_per_second; /* that a sandbox may begin */
};

/* NULL: out of memory. */
struct gate_batch *gate_batch_new(uint64_t generation);
void gate_batch_free(struct gate_batch *b); /* accepts NULL */
uint64_t gate_batch_generation(const struct gate_batch *b);

/* Each copies what it is given: 0 or -ENOMEM. */
int gate_batch_document(struct gate_batch *b, const struct link_document *d);
int gate_batch_sandbox(struct gate_batch *b, const struct link_sandbox *s);
int gate_batch_gone(struct gate_batch *b, const char *name);

/* 0; or -errno with a line in reterr, and nothing has changed. */
int gate_batch_apply(struct gate_batch *b, struct gate_rules *rules,
	char *reterr, size_t reterr_size);

#endif
