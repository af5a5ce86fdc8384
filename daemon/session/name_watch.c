/*
 * name_watch.c - names as a way to carry data
 *
 * Theory of operation
 *
 * Of each domain that was asked about lately we keep hashes of the names, for a
 * minute from the first; the next minute begins empty.  A name that was seen in
 * this minute costs nothing, so that retries and both families count once.  A
 * hash is keyed: nobody can choose names that look like one another.
 *
 * There are places for so many domains.  The one whose minute began first gives
 * its place away: whoever owns more domains than that, all allowed by a pattern
 * or the default, gets around the number of names, but not around the others.
 *
 * Content is measured as Shannon does, over the letters of the part that the
 * asker chose: as many as there are, times what one of them says given how
 * often each occurs.  Words and numbers of machines stay well below what a
 * tunnel needs to be worth its while.
 */
#include "name_watch.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "keyed_hash.h"

enum {
	DOMAINS = 256,
	NAMES_FIRST = 8, /* room for so many names at first */
};

static const double minute = 60;

struct domain {
	STAILQ_ENTRY(domain) link;
	uint64_t hash;
	double since;
	size_t count, room;
	uint64_t *names;
};

struct name_watch {
	struct name_bounds bounds;
	struct keyed_hash hash;
	STAILQ_HEAD(, domain) domains; /* the oldest minute first */
	size_t count;
};

struct name_watch *
name_watch_new(const struct name_bounds *bounds)
{
	struct name_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	STAILQ_INIT(&w->domains);
	w->bounds = *bounds;
	if (keyed_hash_init(&w->hash) < 0) {
		free(w);
		return NULL;
	}
	return w;
}

static void
forget_first(struct name_watch *w)
{
	struct domain *d = STAILQ_FIRST(&w->domains);

	STAILQ_REMOVE_HEAD(&w->domains, link);
	w->count--;
	free(d->names);
	free(d);
}

void
name_watch_free(struct name_watch *w)
{
	if (w == NULL)
		return;
	while (!STAILQ_EMPTY(&w->domains))
		forget_first(w);
	free(w);
}

/* The domain, with the minute that now is in; NULL: out of memory. */
static struct domain *
domain_of(struct name_watch *w, uint64_t hash, double now)
{
	struct domain *d;

	while ((d = STAILQ_FIRST(&w->domains)) != NULL &&
		d->since + minute <= now)
		forget_first(w);
	STAILQ_FOREACH(d, &w->domains, link) {
		if (d->hash == hash)
			return d;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	if (w->count == DOMAINS)
		forget_first(w);
	d->hash = hash;
	d->since = now;
	STAILQ_INSERT_TAIL(&w->domains, d, link);
	w->count++;
	return d;
}

static bool
grow(struct domain *d)
{
	size_t room = d->room > 0 ? 2 * d->room : NAMES_FIRST;
	uint64_t *names = reallocarray(d->names, room, sizeof(*names));

	if (names == NULL)
		return false;
	d->names = names;
	d->room = room;
	return true;
}

/* False: one name too many, or nowhere to note it. */
static bool
note(struct name_watch *w, struct domain *d, uint64_t name)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->names[i] == name)
			return true;
	}
	if (d->count >= w->bounds.names_per_minute)
		return false;
	if (d->count == d->room && !grow(d))
		return false;
	d->names[d->count++] = name;
	return true;
}

double
name_bits(const char *text, size_t len)
{
	unsigned counts[256] = {0};
	double bits = 0;

	for (size_t i = 0; i < len; i++)
		counts[(uint8_t)text[i]]++;
	for (size_t i = 0; i < 256; i++) {
		if (counts[i] > 0)
			bits += counts[i] * log2((double)len / counts[i]);
	}
	return bits;
}

static size_t
longest_label(const char *host)
{
	size_t longest = 0, len;

	for (;; host += len + 1) {
		len = strcspn(host, ".");
		if (len > longest)
			longest = len;
		if (host[len] == '\0')
			return longest;
	}
}

const char *
name_watch_see(
	struct name_watch *w, const char *host, const char *domain, double now)
{
	struct domain *d;

	if (longest_label(host) > w->bounds.label_bytes)
		return "limits.dns_label_bytes: a label is too long";
	if (name_bits(host, (size_t)(domain - host)) > w->bounds.bits)
		return "limits.dns_name_bits: the name holds too much";
	d = domain_of(w, keyed_hash_of(&w->hash, domain, strlen(domain)), now);
	if (d == NULL ||
		!note(w, d, keyed_hash_of(&w->hash, host, strlen(host))))
		return "limits.dns_names_per_minute: too many names of one "
		       "domain";
	return NULL;
}
