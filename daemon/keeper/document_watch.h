/*
 * Tells when what the documents are read from has changed: the main file, its
 * neighbours policies.d and sandboxes.d, the sandboxes.d of the runtime
 * directory (documents.h), and whatever these are links to.
 */
#ifndef SBX_DOCUMENT_WATCH_H
#define SBX_DOCUMENT_WATCH_H

#include <stddef.h>
#include <stdint.h>

struct document_watch;
struct ev_loop;

struct document_watch_options {
	const char *config, *runtime_dir; /* borrowed, as long as the watch */
	uint64_t state;                   /* what was read last */
	void (*changed)(void *arg);
	void *arg;
};

/*
 * What there is to read, as a number that is another when any of it has
 * changed.  To be taken before it is read.
 */
uint64_t document_watch_state(const char *config, const char *runtime_dir);

/*
 * Calls changed() whenever that state is not the last one any more: a tenth of
 * a second after the last sign of it, a second after the first at most.  0 and
 * *ret, which the caller frees, or -errno with a line in reterr.
 */
int document_watch_new(struct ev_loop *loop,
	const struct document_watch_options *options,
	struct document_watch **ret, char *reterr, size_t reterr_size);
void document_watch_free(struct document_watch *w); /* accepts NULL */

#endif
