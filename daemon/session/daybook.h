/*
 * The decision log of this process as a gate: what is decided goes on record
 * first, and whoever decided it goes on only when the record stands.
 *
 * Lines of one turn of the loop are written together at its end.
 */
#ifndef SBX_DAYBOOK_H
#define SBX_DAYBOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct daybook;
struct record;
struct turn;
struct writer;

/* One who waits for his record; embed it. */
struct daybook_entry {
	TAILQ_ENTRY(daybook_entry) link;
	/* false: the record could not be written: refuse. */
	void (*recorded)(struct daybook_entry *entry, bool ok);
	uint64_t batch; /* which flush it waits for */
	bool waiting;
};

/* Takes writer.  NULL: out of memory. */
struct daybook *daybook_new(struct turn *turn, struct writer *writer);
void daybook_free(struct daybook *d); /* accepts NULL; writes what is left */

/* A number for a new decision, unique among all processes. */
uint64_t daybook_id(struct daybook *d);

/*
 * Puts the record down, stamped with the time; entry (may be NULL) hears at
 * the end of this turn whether it stands.
 */
void daybook_add(
	struct daybook *d, struct record *r, struct daybook_entry *entry);

/* The entry will not hear; no effect when it is not waiting. */
void daybook_cancel(struct daybook *d, struct daybook_entry *entry);

struct writer *daybook_writer(struct daybook *d);

#endif
