/*
 * path.c - one reading of a path
 *
 * Theory of operation
 *
 * A rule on a path holds only if the origin sees the path that we saw.  Servers
 * differ in what they decode, how often, and when they resolve dots; so a path
 * that leaves room for two readings is not read at all, but called ambiguous,
 * and whoever has a path rule denies it.  Of what remains there is one reading:
 * escapes stand for their byte.  Patterns and paths are read through the same
 * next_byte(), on the fly, so that there is no decoded copy and no limit on
 * the length; a slash is never the result of an escape, so segments are the
 * same before and after.
 */
#include "path.h"

#include "escape.h"

#include <stddef.h>
#include <string.h>

/* The next byte of *p, decoded; -1 for a bad escape. */
static int
next_byte(const char **p, bool *ret_escaped)
{
	const char *s = *p;
	int c;

	*ret_escaped = s[0] == '%';
	if (s[0] != '%') {
		*p = s + 1;
		return (unsigned char)s[0];
	}
	c = escape_value(s);
	if (c >= 0)
		*p = s + 3;
	return c;
}

/* ---- what cannot be judged ---------------------------------------------- */

/* A byte that no reading may hold, or that only some decode. */
static bool
is_doubtful(int c, bool escaped)
{
	if (c <= 0x1f || c == 0x7f || c == '\\' || c == ';')
		return true;
	if (escaped)
		return c == '.' || c == '/';
	return c == ' ' || c == '?' || c == '#';
}

/* %25 with two digits behind it: an escape to whoever decodes twice. */
static bool
makes_escape(int *state, int c)
{
	if (c == '%') {
		*state = 1;
		return false;
	}
	if (*state > 0 && escape_digit((char)c) >= 0) {
		(*state)++;
		return *state == 3;
	}
	*state = 0;
	return false;
}

/* "", "." and ".." between slashes; the last segment may be "". */
static bool
is_doubtful_segment(const char *segment)
{
	size_t len = strcspn(segment, "/");

	if (len == 0)
		return segment[0] == '/';
	return (len == 1 && segment[0] == '.') ||
	       (len == 2 && segment[0] == '.' && segment[1] == '.');
}

bool
path_is_ambiguous(const char *path)
{
	struct escape_utf8 utf8 = {0};
	int escape = 0;

	if (path[0] != '/')
		return true;
	while (*path != '\0') {
		const char *at = path;
		bool escaped;
		int c = next_byte(&path, &escaped);

		if (c < 0 || is_doubtful(c, escaped) ||
			makes_escape(&escape, c) ||
			!escape_utf8_accepts(&utf8, c))
			return true;
		if (*at == '/' && is_doubtful_segment(at + 1))
			return true;
	}
	return utf8.need > 0;
}

const char *
path_pattern_error(const char *pattern)
{
	if (pattern[0] != '/')
		return "a path begins with \"/\"";
	if (path_is_ambiguous(pattern))
		return "no path can match: dot segments, //, ;, \\, ?, #, "
		       "spaces and bad escapes are never allowed by a path "
		       "rule";
	for (const char *s = strstr(pattern, "**"); s != NULL;
		s = strstr(s + 2, "**")) {
		if (s[-1] != '/' || (s[2] != '/' && s[2] != '\0'))
			return "** stands for whole segments, as in "
			       "\"/repos/**\"";
	}
	return NULL;
}

/* ---- matching ----------------------------------------------------------- */

/* s is at a slash or at the end: so is the result, one segment on. */
static const char *
next_segment(const char *s)
{
	return s + 1 + strcspn(s + 1, "/");
}

static bool
is_globstar(const char *s)
{
	return strncmp(s, "/**", 3) == 0 && (s[3] == '/' || s[3] == '\0');
}

static bool
at_end(const char *s)
{
	return *s == '/' || *s == '\0';
}

/* One segment against one, both behind their slash. */
static bool
segment_matches(const char *pattern, const char *segment)
{
	const char *star = NULL, *resume = NULL;
	bool escaped;

	if (pattern[0] == '*' && at_end(pattern + 1))
		return !at_end(segment);
	while (!at_end(segment)) {
		const char *p = pattern, *s = segment;

		if (*pattern == '*') {
			star = ++pattern;
			resume = segment;
			continue;
		}
		if (!at_end(pattern) &&
			next_byte(&p, &escaped) == next_byte(&s, &escaped)) {
			pattern = p;
			segment = s;
			continue;
		}
		if (star == NULL)
			return false;
		next_byte(&resume, &escaped);
		pattern = star;
		segment = resume;
	}
	while (*pattern == '*')
		pattern++;
	return at_end(pattern);
}

bool
path_matches(const char *pattern, const char *path)
{
	const char *star = NULL, *resume = NULL;

	/* The same loop as within a segment, with segments for bytes. */
	while (true) {
		if (is_globstar(pattern)) {
			pattern = next_segment(pattern);
			star = pattern;
			resume = path;
			if (*pattern == '\0')
				return true;
		} else if (*pattern == '\0' && *path == '\0') {
			return true;
		} else if (*pattern != '\0' && *path != '\0' &&
			   segment_matches(pattern + 1, path + 1)) {
			pattern = next_segment(pattern);
			path = next_segment(path);
		} else if (star != NULL && *resume != '\0') {
			resume = next_segment(resume);
			pattern = star;
			path = resume;
		} else {
			return false;
		}
	}
}
