#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host_pattern.h"
#include "region.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct region *region;

static int
set_up(void **state)
{
	(void)state;
	region = region_new();
	return region == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	region_free(region);
	return 0;
}

static struct host_pattern
pattern(const char *text)
{
	char why[HOST_PATTERN_ERROR];
	struct host_pattern p;

	if (host_pattern_compile(region, text, true, &p, why) < 0)
		fail_msg("%s: %s", text, why);
	return p;
}

static const struct {
	const char *text;
	int result; /* without broad */
	const char *canonical, *reason;
} compiled[] = {
	{"Example.ORG.", 0, "example.org", "normalised"},
	{"*.Example.org", 0, "*.example.org", "one label"},
	{"**.example.org", 0, "**.example.org", "one or more"},
	{".example.org.", 0, ".example.org", "apex and below"},
	{"API-*.Example.org", 0, "api-*.example.org", "glob, normalised"},
	{"a*b*c.example.org", 0, "a*b*c.example.org", "glob of two stars"},
	{"*.b\xc3\xbc"
	 "cher.example.org",
		0, "*.xn--bcher-kva.example.org", "U-label behind the star"},
	{"github.io", 0, "github.io", "exact is never too wide"},
	{"com", 0, "com", "exact, one label"},
	{"*", -EPERM, "*", "everything"},
	{"*.com", -EPERM, "*.com", "top level"},
	{"**.co.uk", -EPERM, "**.co.uk", "public suffix"},
	{".github.io", -EPERM, ".github.io", "private public suffix"},
	{"my-*.github.io", -EPERM, "my-*.github.io", "glob below one"},
	{"**.internal", -EPERM, "**.internal", "any top level"},
	{"**.corp.internal", 0, "**.corp.internal", "below a top level"},
	{"", -EINVAL, NULL, "nothing"},
	{".", -EINVAL, NULL, "a dot"},
	{"**", -EINVAL, NULL, "two stars alone"},
	{"*.", -EINVAL, NULL, "a star and a dot"},
	{"*x", -EINVAL, NULL, "a glob needs more behind"},
	{"***.example.org", -EINVAL, NULL, "three stars"},
	{"a**b.example.org", -EINVAL, NULL, "two stars inside"},
	{"a.*.example.org", -EINVAL, NULL, "star in the second label"},
	{"*.*.example.org", -EINVAL, NULL, "two labels of stars"},
	{"example.*", -EINVAL, NULL, "star last"},
	{"*-\xc3\xbc.example.org", -EINVAL, NULL, "U-label with a star"},
	{"127.0.0.1", -EINVAL, NULL, "address"},
	{"*.0.0.1", -EINVAL, NULL, "address behind the star"},
	{"https://example.org", -EINVAL, NULL, "scheme"},
	{"example.org:443", -EINVAL, NULL, "port"},
	{"example.org/x", -EINVAL, NULL, "path"},
};

static void
test_compile(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(compiled); i++) {
		char why[HOST_PATTERN_ERROR] = "";
		struct host_pattern p = {.text = ""};
		int r;

		r = host_pattern_compile(
			region, compiled[i].text, false, &p, why);
		if (r != compiled[i].result || (r < 0) != (why[0] != '\0'))
			fail_msg("\"%s\" (%s): %d %s", compiled[i].text,
				compiled[i].reason, r, why);
		if (r == -EINVAL)
			continue;
		assert_string_equal(
			pattern(compiled[i].text).text, compiled[i].canonical);
	}
}

static const struct {
	const char *pattern, *host;
	bool match;
	const char *reason;
} matched[] = {
	{"example.org", "example.org", true, "same name"},
	{"example.org", "www.example.org", false, "below"},
	{"example.org", "badexample.org", false, "not a suffix match"},
	{"example.org", "example.org.evil.test", false, "not a prefix match"},
	{"*.example.org", "api.example.org", true, "one label"},
	{"*.example.org", "example.org", false, "star is not empty"},
	{"*.example.org", "a.b.example.org", false, "star is one label"},
	{"*.example.org", "badexample.org", false, "a label ends at its dot"},
	{"**.example.org", "a.example.org", true, "one"},
	{"**.example.org", "a.b.c.example.org", true, "three"},
	{"**.example.org", "example.org", false, "not the apex"},
	{"**.example.org", "badexample.org", false, "not a suffix match"},
	{".example.org", "example.org", true, "the apex"},
	{".example.org", "a.b.example.org", true, "and below"},
	{".example.org", "badexample.org", false, "not a suffix match"},
	{"*-api.example.org", "x-api.example.org", true, "star in front"},
	{"*-api.example.org", "api.example.org", false, "all of the rest"},
	{"*-api.example.org", "a.x-api.example.org", false, "one label"},
	{"api-*.example.org", "api-x.example.org", true, "star behind"},
	{"api*.example.org", "api.example.org", true, "star may be nothing"},
	{"a*b*c.example.org", "axbxc.example.org", true, "two stars"},
	{"a*b*c.example.org", "abxbxd.example.org", false, "the end counts"},
	{"b*.example.org", "b1.example.org", true, "a letter and a star"},
	{"b*.example.org", "x.example.org", false, "are not two stars"},
	{"*aab.example.org", "aaab.example.org", true, "one more try"},
	{"*", "anything", true, "everything"},
	{"*", "a.b.c", true, "everything deep"},
	{"*.com", "example.com", true, "broad"},
	{"*.com", "www.example.com", false, "but one label"},
};

static void
test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(matched); i++) {
		const struct host_pattern p = pattern(matched[i].pattern);

		if (host_pattern_matches(&p, matched[i].host) !=
			matched[i].match)
			fail_msg("%s and %s: %s", matched[i].pattern,
				matched[i].host, matched[i].reason);
	}
}

static const struct {
	const char *a, *b;
	bool common;
	const char *reason;
} overlaps[] = {
	{"example.org", "example.org", true, "same"},
	{"example.org", "example.com", false, "different names"},
	{"example.org", ".example.org", true, "the apex"},
	{"example.org", "**.example.org", false, "not the apex"},
	{"*.example.org", "**.example.org", true, "one is one or more"},
	{"*.example.org", "**.a.example.org", false, "two labels at least"},
	{"**.example.org", "**.a.example.org", true, "one below the other"},
	{"**.a.example.org", "**.b.example.org", false, "side by side"},
	{"*.example.org", "*-api.example.org", true, "glob"},
	{"a*.example.org", "*b.example.org", true, "begin and end"},
	{"a*.example.org", "b*.example.org", false, "two beginnings"},
	{"a*x.example.org", "a*y.example.org", false, "two ends"},
	{"ab*c.example.org", "a*bc.example.org", true, "longer of each"},
	{"a*m*z.example.org", "a*n*z.example.org", true, "two middles"},
	{"a*.example.org", "a*.example.com", false, "other base"},
	{"a*.example.org", "abc.example.org", true, "glob and name"},
	{"*", "example.org", true, "everything"},
	{"*", "*", true, "everything twice"},
	{"*", "**.example.org", true, "everything and below"},
};

static void
test_common(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(overlaps); i++) {
		const struct host_pattern a = pattern(overlaps[i].a);
		const struct host_pattern b = pattern(overlaps[i].b);
		char host[HOST_MAX + 1], back[HOST_MAX + 1];

		if (host_pattern_common(&a, &b, host) != overlaps[i].common ||
			host_pattern_common(&b, &a, back) != overlaps[i].common)
			fail_msg("%s and %s: %s", overlaps[i].a, overlaps[i].b,
				overlaps[i].reason);
		if (!overlaps[i].common)
			continue;
		assert_true(host_pattern_matches(&a, host));
		assert_true(host_pattern_matches(&b, host));
		assert_true(host_pattern_matches(&a, back));
		assert_true(host_pattern_matches(&b, back));
	}
}

static const struct {
	const char *outer, *inner;
	bool covers;
	const char *reason;
} coverings[] = {
	{"a.test", "a.test", true, "the same"},
	{"a.test", "*.a.test", false, "a name is no wildcard"},
	{"*.a.test", "b.a.test", true, "a name that matches"},
	{"*.a.test", "c.b.a.test", false, "one label"},
	{"*.a.test", "*.a.test", true, "the same, one label"},
	{"*.a.test", "b*.a.test", true, "a glob is one label"},
	{"*.a.test", "**.a.test", false, "more labels"},
	{"*.a.test", ".a.test", false, "the apex"},
	{"**.a.test", "a.test", false, "not the apex"},
	{"**.a.test", "*.a.test", true, "one of more labels"},
	{"**.a.test", "*.b.a.test", true, "below"},
	{"**.a.test", "**.a.test", true, "the same, more labels"},
	{"**.a.test", ".a.test", false, "it has the apex"},
	{"**.a.test", ".b.a.test", true, "an apex below"},
	{"**.b.a.test", "**.a.test", false, "above"},
	{"**.a.test", "**.ba.test", false, "no label's end"},
	{".a.test", "a.test", true, "the apex itself"},
	{".a.test", "**.a.test", true, "all below"},
	{".a.test", ".b.a.test", true, "a part of it"},
	{".a.test", "b*.a.test", true, "globs below"},
	{"b*.a.test", "b*.a.test", true, "the same glob"},
	{"b*.a.test", "bc*.a.test", true, "a narrower glob"},
	{"b*.a.test", "*b.a.test", false, "they only overlap"},
	{"b*c.a.test", "b*.a.test", false, "a wider glob"},
	{"b*.a.test", "*.a.test", false, "any label"},
	{"*", ".test", true, "everything"},
	{".test", "*", false, "not everything"},
	{"*", "*", true, "everything is everything"},
};

static void
test_covers(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(coverings); i++) {
		struct host_pattern outer = pattern(coverings[i].outer);
		struct host_pattern inner = pattern(coverings[i].inner);

		if (host_pattern_covers(&outer, &inner) != coverings[i].covers)
			fail_msg("%s, %s: %s", coverings[i].outer,
				coverings[i].inner, coverings[i].reason);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compile),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_common),
		cmocka_unit_test(test_covers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
