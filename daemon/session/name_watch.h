/*
 * Whether the names that one sandbox asks for look like data: too many
 * different ones below what somebody registered, a label too long, too much in
 * a name.  Asked about names that no rule has written out, for only those can
 * carry something.  Pure: time is a parameter.
 */
#ifndef SBX_NAME_WATCH_H
#define SBX_NAME_WATCH_H

#include <stddef.h>

struct name_watch;

struct name_bounds {
	unsigned names_per_minute; /* different ones, of one domain */
	unsigned label_bytes;      /* of the longest label */
	unsigned bits; /* of what stands before the domain, at most so many */
};

/* NULL: out of memory. */
struct name_watch *name_watch_new(const struct name_bounds *bounds);
void name_watch_free(struct name_watch *w); /* accepts NULL */

/*
 * A question about host (normalised), of which domain is the part that was
 * registered, inside host.  NULL: it may be asked; else which bound it breaks,
 * in static words.  now: seconds, on a clock that does not go back.
 */
const char *name_watch_see(
	struct name_watch *w, const char *host, const char *domain, double now);

/* The bits in len letters: how many, times what each says (Shannon). */
double name_bits(const char *text, size_t len);

#endif
