/*
 * One row of a credential's list: a spec, checked and copied, with what the
 * row knows between two questions.
 */
#ifndef SBX_SOURCE_ITEM_H
#define SBX_SOURCE_ITEM_H

#include <stdbool.h>
#include <stddef.h>

#include "source.h"
#include "source_hold.h"
#include "source_watch.h"

enum {
	SOURCE_WHY = 512, /* bytes of any reason */
};

struct source_item {
	enum secret_source_kind kind;
	char **words; /* NULL after the last */
	size_t word_count;
	size_t word; /* env: the variable that the value came from */
	struct secret_format format;
	char *field, *input; /* the format's, a program's; or NULL */
	unsigned timeout_seconds;
	struct source_watch watch; /* file */
	struct source_terms terms;
	struct source_hold hold;
};

/*
 * item is all zeros.  0, -ENOMEM, or -EINVAL with the reason in reterr.
 * source_item_done() is due either way.
 */
int source_item_init(struct source_item *item,
	const struct secret_source_spec *spec, char *reterr,
	size_t reterr_size);

/* Stops the watch, wipes the value.  May be all zeros. */
void source_item_done(struct source_item *item);

/* "file /etc/x", "command /usr/bin/x": which source this is. */
void source_item_describe(
	const struct source_item *item, char *ret, size_t ret_size);

const char *source_item_kind(const struct source_item *item); /* "file" */

struct source_command_order;

/* Whether a program has to run, and which: all of the order but who is told. */
bool source_item_runs(const struct source_item *item);
void source_item_order(
	const struct source_item *item, struct source_command_order *ret);

/* Asks any other source, and puts into its hold what came of it. */
void source_item_read(struct source_item *item, double now);

/* Seconds until then, by the clock on the wall; 0: it was not said (0). */
double source_item_left(int64_t expires);

#endif
