/*
 * One row of a credential's list: a spec, checked and copied, with what the
 * row knows between two questions.
 */
#ifndef SBX_SOURCE_ITEM_H
#define SBX_SOURCE_ITEM_H

#include <stddef.h>

#include "source.h"
#include "source_watch.h"

enum {
	SOURCE_WHY = 512, /* bytes of any reason */
};

struct source_item {
	enum secret_source_kind kind;
	char **words; /* NULL after the last */
	size_t word_count;
	unsigned cache_seconds;
	unsigned timeout_seconds;
	struct source_watch watch; /* file */
	struct secret *cached;     /* command: what it said last, or NULL */
	double ask_again;          /* command: when it has to run again */
};

/*
 * item is all zeros.  0, -ENOMEM, or -EINVAL with the reason in reterr.
 * source_item_done() is due either way.
 */
int source_item_init(struct source_item *item,
	const struct secret_source_spec *spec, char *reterr,
	size_t reterr_size);

/* Stops the watch, wipes the cache.  May be all zeros. */
void source_item_done(struct source_item *item);

/* "file /etc/x", "command /usr/bin/x": which source this is. */
void source_item_describe(
	const struct source_item *item, char *ret, size_t ret_size);

/*
 * Asks any source but a command: a new reference and in why which source it
 * was, or NULL and in why what is wrong with it.
 */
struct secret *source_item_read(
	const struct source_item *item, char why[SOURCE_WHY]);

#endif
