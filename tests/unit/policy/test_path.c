#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "path.h"

static const struct {
	const char *path;
	bool ambiguous;
	const char *reason;
} judged[] = {
	{"/", false, "root"},
	{"/a/b.c/d-e_f~", false, "plain"},
	{"/a/", false, "last slash"},
	{"/a%20b", false, "an escape"},
	{"/caf%C3%A9", false, "UTF-8 in escapes"},
	{"/caf\xc3\xa9", false, "UTF-8 as it is"},
	{"/C%23", false, "encoded hash is a letter like any other"},
	{"/100%25", false, "a percent sign"},
	{"/100%25zz", false, "a percent sign before no digits"},
	{"/...", false, "three dots"},
	{"/.git", false, "a dot in front"},
	{"/a..b", false, "dots inside"},
	{"", true, "empty"},
	{"*", true, "asterisk form"},
	{"http://x/", true, "absolute form"},
	{"a/b", true, "no leading slash"},
	{"/a/../b", true, "dot segment"},
	{"/a/..", true, "dot segment last"},
	{"/./a", true, "dot segment of one"},
	{"/a/.", true, "dot segment of one, last"},
	{"//a", true, "double slash in front"},
	{"/a//b", true, "double slash"},
	{"/a//", true, "double slash last"},
	{"/a/%2e%2e/b", true, "encoded dots"},
	{"/a/.%2E/b", true, "half encoded dots"},
	{"/%2egit", true, "an encoded dot anywhere"},
	{"/a%2fb", true, "encoded slash"},
	{"/a%2Fb", true, "encoded slash, upper case"},
	{"/a%5cb", true, "encoded backslash"},
	{"/a\\b", true, "backslash"},
	{"/a;b=c", true, "parameter"},
	{"/a%3bb", true, "encoded semicolon"},
	{"/a%00b", true, "NUL"},
	{"/a%0d%0ab", true, "line end"},
	{"/a\x7f", true, "control character"},
	{"/a b", true, "space"},
	{"/a?b", true, "query"},
	{"/a#b", true, "fragment"},
	{"/a%", true, "escape cut short"},
	{"/a%2", true, "escape cut short after a digit"},
	{"/a%zz", true, "no digits"},
	{"/a%2/b", true, "one digit"},
	{"/a%252e%252e/b", true, "double encoding"},
	{"/a%25%32%65", true, "double encoding in pieces"},
	{"/a%u002e", true, "an escape that is none"},
	{"/a%c0%ae", true, "overlong dot"},
	{"/a%c0%af", true, "overlong slash"},
	{"/a%e0%80%af", true, "overlong slash of three"},
	{"/a%ff", true, "not UTF-8"},
	{"/a%c3", true, "UTF-8 cut short"},
	{"/a%c3/b", true, "UTF-8 cut short by a slash"},
	{"/a%ed%a0%80", true, "surrogate"},
	{"/a%f4%90%80%80", true, "beyond Unicode"},
};

static void
test_ambiguous(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		if (path_is_ambiguous(judged[i].path) != judged[i].ambiguous)
			fail_msg(
				"\"%s\": %s", judged[i].path, judged[i].reason);
	}
}

static const struct {
	const char *pattern;
	bool good;
	const char *reason;
} patterns[] = {
	{"/repos/**", true, "globstar"},
	{"/**", true, "everything"},
	{"/a*b/*/c", true, "stars"},
	{"/a%20b", true, "escape"},
	{"/%2a", true, "a star that is meant"},
	{"repos/**", false, "no slash"},
	{"", false, "empty"},
	{"/a/../b", false, "dot segment"},
	{"/a//b", false, "double slash"},
	{"/a;b", false, "semicolon"},
	{"/a?b=c", false, "query"},
	{"/a**", false, "globstar with a letter before"},
	{"/**b", false, "globstar with a letter behind"},
	{"/a/***", false, "three stars"},
	{"/a/****", false, "four stars"},
};

static void
test_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if ((path_pattern_error(patterns[i].pattern) == NULL) !=
			patterns[i].good)
			fail_msg("\"%s\": %s", patterns[i].pattern,
				patterns[i].reason);
	}
}

static const struct {
	const char *pattern, *path;
	bool match;
	const char *reason;
} matched[] = {
	{"/a", "/a", true, "same"},
	{"/a", "/a/", false, "a last slash is one more segment"},
	{"/a", "/A", false, "case"},
	{"/a", "/ab", false, "not a prefix"},
	{"/a/*", "/a/b", true, "star"},
	{"/a/*", "/a/", false, "a star alone is not empty"},
	{"/a/*", "/a/b/c", false, "a star stays in its segment"},
	{"/a/*.js", "/a/x.js", true, "star in a segment"},
	{"/a/*.js", "/a/.js", true, "which may be nothing"},
	{"/a/*.js", "/a/x.jsx", false, "the end counts"},
	{"/a*c*e", "/abcde", true, "two stars"},
	{"/a*c*e", "/abcdecf", false, "the end counts with two"},
	{"/*aab", "/aaab", true, "the star takes one more"},
	{"/**", "/", true, "everything, the root"},
	{"/**", "/a/b/c", true, "everything, deep"},
	{"/a/**", "/a", true, "** may be no segment"},
	{"/a/**", "/a/", true, "or an empty one"},
	{"/a/**", "/ab", false, "but the segment before is whole"},
	{"/a/**/z", "/a/z", true, "** between, nothing"},
	{"/a/**/z", "/a/b/c/z", true, "** between, two"},
	{"/a/**/z", "/a/b/z/c", false, "the end counts"},
	{"/a/**/b/**/c", "/a/x/b/y/z/c", true, "two globstars"},
	{"/a/**/b/**/c", "/a/x/y/z/c", false, "the middle counts"},
	{"/**/a", "/b/a/a", true, "the last of two"},
	{"/*/b/**", "/a/b/c", true, "both kinds"},
	{"/a%20b", "/a%20b", true, "escape on both sides"},
	{"/caf\xc3\xa9", "/caf%c3%A9", true, "escape on one side"},
	{"/%61", "/a", true, "escape of a letter"},
	{"/a", "/%61", true, "escape of a letter in the path"},
	{"/%2a", "/x", false, "an escaped star is no star"},
	{"/%2a", "/*", true, "but that letter"},
	{"/*", "/%C3%A9", true, "a star takes escapes whole"},
	{"/*\xa9", "/%C3%A9", true, "byte by byte"},
};

static void
test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(matched) / sizeof(matched[0]); i++) {
		if (path_matches(matched[i].pattern, matched[i].path) !=
			matched[i].match)
			fail_msg("\"%s\" and \"%s\": %s", matched[i].pattern,
				matched[i].path, matched[i].reason);
	}
}

/* Would not return if the star's way back were exponential. */
static void
test_many_stars_and_a_long_path(void **state)
{
	enum { SEGMENTS = 20000 };
	char *path = malloc(SEGMENTS * 2 + 1);

	(void)state;
	for (int i = 0; i < SEGMENTS; i++)
		memcpy(path + (size_t)i * 2, "/a", 2);
	path[(size_t)SEGMENTS * 2] = '\0';
	assert_false(path_matches("/**/a/**/a/**/a/**/a/**/a/**/a/b", path));
	assert_true(path_matches("/**/a/**/a/**/a/**/a/**/a/**/a", path));
	memset(path + 1, 'a', (size_t)SEGMENTS * 2 - 1);
	assert_false(path_matches("/a*a*a*a*a*a*a*a*a*b", path));
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_many_stars_and_a_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
