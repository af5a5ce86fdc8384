/*
 * source_hold.c - until when
 *
 * Theory of operation
 *
 *	                 is used until
 *	yields           ends (ttl); what is watched: until it is read again
 *	fails            ends, or failing + failure_ttl, whichever is later
 *	either           expires, which the source itself said, is a wall
 *
 * A value that has ended is not taken away while its source is being asked for
 * the next one: the walk of source.c decides when there is an answer.  A source
 * that fails is asked again after half a minute.  One whose values are short is
 * asked when half of such a life is over at the earliest, and never more than
 * once a second.
 */
#include "source_hold.h"

#include <stdio.h>

#include "secret.h"

static const double RETRY = 30, BREATH = 1; /* seconds */

static double
earlier(double a, double b)
{
	return a < b ? a : b;
}

static double
later(double a, double b)
{
	return a > b ? a : b;
}

static double
when_to_ask(const struct source_hold *h, const struct source_terms *terms)
{
	double end = earlier(h->ends, h->expires);
	double ask =
		later(end - terms->refresh, h->since + (end - h->since) / 2);

	if (end >= SOURCE_HOLD_NEVER)
		return SOURCE_HOLD_NEVER;
	return later(terms->refresh > 0 ? ask : end, h->since + BREATH);
}

void
source_hold_take(struct source_hold *h, const struct source_terms *terms,
	struct secret *value, double left, double now)
{
	bool same = terms->watched && secret_equals(h->value, value);
	double since = same ? h->since : now;

	secret_unref(h->value);
	*h = (struct source_hold){
		.value = value,
		.since = since,
		.ends = !terms->watched && terms->ttl > 0 ? now + terms->ttl
							  : SOURCE_HOLD_NEVER,
		.expires = left > 0 ? now + left : SOURCE_HOLD_NEVER,
	};
	h->ask_again = when_to_ask(h, terms);
}

void
source_hold_fail(struct source_hold *h, const struct source_terms *terms,
	const char *fault, double now)
{
	if (h->failing == 0) {
		h->failing = now;
		if (terms->watched)
			h->ends = now;
	}
	h->ask_again = now + RETRY;
	snprintf(h->fault, sizeof(h->fault), "%s", fault);
	source_hold_tidy(h, terms, now);
}

void
source_hold_end(struct source_hold *h)
{
	h->ends = 0;
	h->ask_again = 0;
}

void
source_hold_done(struct source_hold *h)
{
	secret_unref(h->value);
	*h = (struct source_hold){.value = NULL};
}

double
source_hold_until(const struct source_hold *h, const struct source_terms *terms)
{
	double until = h->ends;

	if (h->failing > 0)
		until = later(until, h->failing + terms->failure_ttl);
	return earlier(until, h->expires);
}

void
source_hold_tidy(
	struct source_hold *h, const struct source_terms *terms, double now)
{
	if (h->value == NULL || now < source_hold_until(h, terms))
		return;
	secret_unref(h->value);
	h->value = NULL;
}

bool
source_hold_is_due(const struct source_hold *h, double now)
{
	return now >= h->ask_again;
}

double
source_hold_next(const struct source_hold *h, const struct source_terms *terms)
{
	double next = terms->watched ? SOURCE_HOLD_NEVER : h->ask_again;

	/* Without a failure it is asked before that, or then. */
	if (h->value != NULL)
		next = earlier(next, h->failing > 0
					     ? source_hold_until(h, terms)
					     : h->expires);
	return next;
}
