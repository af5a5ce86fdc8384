/*
 * An allow rule as one line of YAML, as narrow as it can be said.  Hosts,
 * methods and paths may be any bytes of a stranger's: what comes out is one
 * entry of a list, whatever they hold.  Pure.
 */
#ifndef SBX_RULE_LINE_H
#define SBX_RULE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct rule_line {        /* borrowed */
	const char *host; /* NULL: by address */
	const char *address;
	uint16_t port;              /* 0: it has none */
	const char *const *methods; /* none: any */
	size_t method_count;
	const char *const *paths; /* patterns; none: any */
	size_t path_count;
	const char *protocol; /* NULL: TLS and HTTP, or TCP to an address */
};

/* "- {host: ..., port: ..., ...}", without indent and newline. */
void rule_line_put(FILE *out, const struct rule_line *line);

/*
 * Whether a rule can name this method: an upper-case token.  A document's
 * methods are upper-cased, so that "get" cannot be said in one.
 */
bool rule_line_takes_method(const char *method);

/* The same for a path, as it was received. */
bool rule_line_takes_path(const char *path);

/* And for a host name, as it was normalised. */
bool rule_line_takes_host(const char *host);

/*
 * One segment of a path (or a whole one) as a pattern that matches it and
 * nothing else, in plain ASCII: stars and all that is not letter, digit or
 * plain punctuation become escapes.
 */
void rule_line_put_pattern(FILE *out, const char *path, size_t len);

/* The whole path so, malloc'd; NULL: no memory. */
char *rule_line_pattern(const char *path);

#endif
