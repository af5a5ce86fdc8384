/*
 * The query of a request: pairs of name and value, and queries that cannot be
 * judged.  Pure.
 */
#ifndef SBX_PARAMETER_H
#define SBX_PARAMETER_H

#include "wildcard.h"

struct parameter { /* as received; decoded as it is read */
	struct wildcard_text name, value;
};

/*
 * Whether different servers may read different pairs out of it: a broken
 * escape, ";" (not encoded), an encoded NUL, what is not UTF-8 once decoded.
 */
bool parameter_ambiguous(const char *query);

/*
 * The next pair of a query that is not ambiguous; *rest is the query at first.
 * False at the end.  What stands between two "&" is a pair; nothing is none.
 */
bool parameter_next(const char **rest, struct parameter *ret);

enum parameter_name {
	PARAMETER_OTHER, /* nobody takes it for the wanted one */
	PARAMETER_SAME,
	PARAMETER_ALIKE, /* not the same, but some servers take it for that */
};

/*
 * What a pair's name is to the one that a rule wants, which begins with no
 * blank and is not empty.  Alike are names in
 * another case, with blanks before, with "_" for ".", a blank or "[", and with
 * an index behind ("name[]", "name[x]").
 */
enum parameter_name parameter_compare(
	struct wildcard_text name, const char *wanted);

#endif
