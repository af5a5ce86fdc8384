/*
 * Stand-ins out of a text and values in, while the text goes by in pieces of
 * any size: a stand-in may be cut at any byte.  What a stand-in is, see
 * swap_set.h; one that has no value here is only looked for, and stays.  Pure;
 * allocates nothing.
 *
 * Like a pump: it takes from one span and writes to another as far as both go.
 * Held back is only what may be the beginning of a stand-in, and that is not
 * stored, for the set has it.  What was written may hold values: whoever owns
 * the memory wipes it.
 *
 *	swap_init(&s, set, SWAP_JSON);
 *	swap_give(&s, 0, secret);
 *	while (in.len > 0)                      // for each piece
 *		send(out, swap_run(&s, &in, out, sizeof(out)));
 *	while ((n = swap_end(&s, out, sizeof(out))) > 0)
 *		send(out, n);                   // after the last one
 *	swap_done(&s);
 */
#ifndef SBX_SWAP_H
#define SBX_SWAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "span.h"
#include "swap_set.h"

struct secret;

/* How a value is written so that whoever reads the place reads the value. */
enum swap_spelling {
	SWAP_PLAIN,   /* as it is: a field of a head */
	SWAP_PERCENT, /* all but letters, digits and "-._~" as %XX: path,
		       * query, form */
	SWAP_JSON,    /* inside of a string of JSON */
};

struct swap { /* embedded; only swap.c looks inside */
	struct swap_set *set;
	struct secret *values[SWAP_MAX];
	enum swap_spelling spelling;
	uint32_t found;
	size_t work;     /* looks into the set's tables so far */
	swap_node node;  /* its text is held back */
	struct span due; /* of the set; goes out next … */
	int value;       /* … and then this one's, or -1 */
	size_t value_at;
	unsigned letter_at; /* in the spelling of one byte */
};

/* Takes a reference to set. */
void swap_init(
	struct swap *s, struct swap_set *set, enum swap_spelling spelling);

/* Gives the references back.  Accepts one that is all zeros. */
void swap_done(struct swap *s);

/* From now on the value of that stand-in, of which a reference is taken.
 * Before the text begins. */
void swap_give(struct swap *s, size_t entry, struct secret *value);

/* Whether these are the values that it has, and no others. */
bool swap_gives(const struct swap *s, struct secret *const values[SWAP_MAX]);

/*
 * Reads from *in, which goes forward, writes to out and returns how many bytes
 * are there: less than room only when *in was read to its end.
 */
size_t swap_run(struct swap *s, struct span *in, char *out, size_t room);

/* The text has ended: what was held back.  0: that was all, and another text
 * may begin. */
size_t swap_end(struct swap *s, char *out, size_t room);

/* The next piece of a text that is only looked at, and goes as it is.  No value
 * may have been given. */
void swap_look(struct swap *s, struct span piece);

/* Which have been found so far, in this text and all before: bit n for the
 * stand-in with that number. */
uint32_t swap_found(const struct swap *s);

/* Whether no text gets longer or shorter by it. */
bool swap_keeps_length(const struct swap *s);

/* A whole text: how many bytes are in out, or -EMSGSIZE, and then none. */
ssize_t swap_text(struct swap *s, struct span text, char *out, size_t size);

/*
 * A field's value that is "Basic" and base64: the same with what is inside
 * swapped.  How many bytes, 0 when it is no such value or nothing was found
 * inside, or -EMSGSIZE.  For a SWAP_PLAIN one.
 */
ssize_t swap_basic(struct swap *s, struct span value, char *out, size_t size);

#endif
