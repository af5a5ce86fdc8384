/*
 * Changes to what the workers know, one at a time and in order: each is made
 * in the keeper's own state first, told to all workers, and is done when all
 * have it; or it is taken back.
 */
#ifndef SBX_CHANGE_H
#define SBX_CHANGE_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keeper.h"
#include "policy_entry.h"

struct change;
struct documents;
struct sandbox;

struct change_kind {
	const char *name;
	/*
	 * Makes the change; 0, or -errno and *ret_text malloc'd (or NULL) with
	 * nothing changed.  -EAGAIN: it is asked again at change_resume(), and
	 * no other change is begun before that.
	 */
	int (*begin)(struct keeper *k, struct change *c, char **ret_text);
	/* All workers have it.  0, or as begin(): then it is undone. */
	int (*commit)(struct keeper *k, struct change *c, char **ret_text);
	/* Marks the way back, or just lets go if nobody was told. */
	void (*undo)(struct keeper *k, struct change *c);
	/* begin() said -EAGAIN, and is not asked again. */
	void (*abandon)(struct keeper *k, struct change *c);
};

/* The way back for those workers that had taken what another refused. */
extern const struct change_kind change_again;

struct change {
	const struct change_kind *kind;
	struct change *next;
	keeper_done *done; /* may be NULL */
	void *arg;
	uint64_t generation;
	unsigned crashes;   /* of workers while they were told */
	char *name, *entry; /* of a sandbox, policy or credential; its document,
			       or its overlay's */
	char *match;        /* the ETag that it must have, or NULL */
	bool ephemeral;     /* not kept over a restart */
	enum policy_entry_kind entry_kind; /* policy or credential */
	bool create;                 /* entry, sandbox: that is not there yet */
	struct documents *documents; /* reload: the new ones, then the old */
	bool opened;                 /* … and their sources of secrets */
	char note[256];              /* said on success */
	json_t *receipt;             /* what the workers closed */
};

struct change_queue {
	struct keeper *keeper;
	struct change *first, **end; /* waiting */
	size_t count;
	struct change *held;   /* its begin() waits for something */
	struct change *flight; /* told to the workers */
	bool pumping;
	ev_timer deadline, resume;
};

void change_queue_init(struct change_queue *q, struct keeper *k);

/* Tells everybody who still waits that we end. */
void change_queue_done(struct change_queue *q);

/* Takes it (made with calloc); done() is called in any case, once. */
void change_submit(struct change_queue *q, struct change *c);

void change_free(struct change *c); /* accepts NULL */

/* What begin() waited for may have come; it is asked when the loop turns. */
void change_resume(struct change_queue *q);

/* Whether one of that kind waits for its turn. */
bool change_is_waiting(
	const struct change_queue *q, const struct change_kind *kind);

/* The workers' answers; the receipt, if any, comes first. */
void change_receipt(
	struct change_queue *q, uint64_t generation, const char *receipt);
void change_committed(struct change_queue *q);
void change_refused(struct change_queue *q, uint32_t index, uint64_t generation,
	const char *text);
void change_crashed(struct change_queue *q, uint32_t index, const char *how);

#endif
