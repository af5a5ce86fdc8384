/*
 * Path patterns, and paths that cannot be judged.  Pure.
 *
 * A pattern begins with "/".  In a segment * stands for any bytes (alone: for
 * at least one); a segment ** stands for any number of segments, also none.
 */
#ifndef SBX_PATH_H
#define SBX_PATH_H

#include <stdbool.h>

/* NULL when the pattern is good, else what is wrong with it. */
const char *path_pattern_error(const char *pattern);

/*
 * Whether different servers may read different paths out of it: %2e, %2f, %5c,
 * a backslash, //, ; (encoded or not), dot segments, control characters, bad
 * or double escapes, what is not UTF-8 once decoded, no leading slash.
 */
bool path_is_ambiguous(const char *path);

/* path: as received, not ambiguous; escapes count as what they stand for. */
bool path_matches(const char *pattern, const char *path);

#endif
