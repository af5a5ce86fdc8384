/*
 * What sandboxes were denied and could be allowed, and the narrowest rules that
 * would: gathered one by one, printed as a fragment of a document.  Whatever
 * a wish holds, the fragment compiles and allows what was asked for; where a
 * rule lets more through, a comment beside it says so.  Pure.
 */
#ifndef SBX_WISHES_H
#define SBX_WISHES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct wishes;

enum {
	WISHES_MAX = 4096,    /* different ones; sandboxes choose them */
	WISHES_PATHS = 16,    /* patterns of one rule */
	WISHES_METHODS = 16,  /* methods of one rule */
	WISHES_SANDBOXES = 4, /* named in a comment */
};

struct wish { /* borrowed */
	const char *policy, *sandbox;
	const char *host; /* NULL: by address */
	const char *address;
	/* 0 with a host: only its name was asked for; else without a method:
	 * what is neither TLS nor HTTP was. */
	uint16_t port;
	const char *method, *path; /* of a request; else NULL */
	uint64_t count;
};

struct wishes *wishes_new(void);    /* NULL: out of memory */
void wishes_free(struct wishes *w); /* accepts NULL */

/* NULL, or why no narrow rule can say it, in static words. */
const char *wish_hopeless(const struct wish *wish);

/* One that is not hopeless; copied.  0; -ENOMEM; -ENOSPC when there are too
 * many others. */
int wishes_add(struct wishes *w, const struct wish *wish);

/* "policies: …", nothing for nothing.  0 or -ENOMEM, with half of it out. */
int wishes_print(struct wishes *w, FILE *out);

#endif
