/*
 * What the keeper has said between BEGIN and COMMIT: held until all of it is
 * here, then applied as a whole or not at all.
 */
#ifndef SBX_HANDOVER_H
#define SBX_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handover;
struct link_document;
struct link_sandbox;
struct link_secret;
struct policy;
struct services;

struct handover *handover_new(uint64_t generation); /* NULL: out of memory */
void handover_free(struct handover *h);             /* accepts NULL */

uint64_t handover_generation(const struct handover *h);

/* Each copies what it is given: 0 or -ENOMEM. */
int handover_add_document(struct handover *h, const struct link_document *d);
int handover_add_sandbox(struct handover *h, const struct link_sandbox *s);
int handover_add_gone(struct handover *h, const char *name);
int handover_add_secret(struct handover *h, const struct link_secret *s);

/*
 * Makes it all so.  *policy: the one in force, replaced when there are
 * documents; NULL before the first, and then no sandbox may come without some.
 * 0; or -errno with a line in reterr, and nothing has changed.
 */
int handover_apply(struct handover *h, struct services *services,
	struct policy **policy, char *reterr, size_t reterr_size);

#endif
