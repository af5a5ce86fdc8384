/*
 * What one source yielded last, and for how long it may be used.  Pure: all
 * times are seconds of one clock that nobody sets, and now is a parameter.
 */
#ifndef SBX_SOURCE_HOLD_H
#define SBX_SOURCE_HOLD_H

#include <stdbool.h>

struct secret;

enum { SOURCE_FAULT = 256 };

struct source_terms {
	/*
	 * It is read whenever it may have changed, and so a value ends when it
	 * is there no more.  Else the value ends after ttl seconds (0: never),
	 * and is asked for again `refresh` seconds before.
	 */
	bool watched;
	double ttl, refresh;
	double failure_ttl; /* a value holds so long after the first failure */
};

struct source_hold {          /* all zeros: nothing, and due */
	struct secret *value; /* NULL: none */
	double since;         /* it came then; watched: or became another */
	double ends;          /* by the terms */
	double expires;       /* as the source said; for nothing used longer */
	double failing;       /* since when it fails; 0: it does not */
	double ask_again;
	char fault[SOURCE_FAULT]; /* of the last failure; "": none since */
};

/* It yielded: takes the reference.  left: seconds until the source says that it
 * ends; 0: it did not say. */
void source_hold_take(struct source_hold *h, const struct source_terms *terms,
	struct secret *value, double left, double now);

/* It did not.  The value goes, unless it may still be used. */
void source_hold_fail(struct source_hold *h, const struct source_terms *terms,
	const char *fault, double now);

/* Somebody wants it asked at once: no ttl holds any more. */
void source_hold_end(struct source_hold *h);

/* Wipes what may not be used any more. */
void source_hold_tidy(
	struct source_hold *h, const struct source_terms *terms, double now);

void source_hold_done(struct source_hold *h); /* wipes the value */

/* Whether it has to be asked.  What is watched always has. */
bool source_hold_is_due(const struct source_hold *h, double now);

/* The next moment at which something of this changes: a time far away if there
 * is none. */
double source_hold_next(
	const struct source_hold *h, const struct source_terms *terms);

/* Until when the value may be used, if nothing comes after it. */
double source_hold_until(
	const struct source_hold *h, const struct source_terms *terms);

#define SOURCE_HOLD_NEVER 1e12 /* later than any clock of ours */

#endif
