/* When names look like data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "name_watch.h"

/* As settings have them. */
static const struct name_bounds usual = {60, 60, 320};

static const char *
see(struct name_watch *w, const char *host, double now)
{
	const char *domain = strstr(host, "example.");

	return name_watch_see(w, host, domain != NULL ? domain : host, now);
}

/* broken: what the words begin with, NULL for none. */
static const struct {
	const char *host, *broken, *why;
} contents[] = {
	{"example.org", NULL, "the domain itself"},
	{"www.example.org", NULL, "a word"},
	{"d111111abcdef8.cloudfront.example.net", NULL, "of a CDN"},
	{"e3b0c44298fc1c149afbf4c8996fb924.safeframe.example.com", NULL,
		"a digest of 128 bits"},
	{"3fa85f64-5717-4562-b3fc-2c963f66afa6.example.org", NULL, "a UUID"},
	{"rr3---sn-4g5e6nsz.c.example.com", NULL, "of a video"},
	{"dualstack.k8s-default-web-0a1b2c3d4e-1234567890.elb.us-east-1."
	 "example.com",
		NULL, "a load balancer"},
	{"vpce-0a1b2c3d4e5f60718-ab12cd34.execute-api.us-east-1.vpce."
	 "example.com",
		NULL, "an end point"},
	{"my-project-git-feature-login-page-some-team.example.app", NULL,
		"a preview of a branch"},
	{"0123456789012345678901234567890123456789012345678901234567890."
	 "example.org",
		"limits.dns_label_bytes:", "61 bytes"},
	{"012345678901234567890123456789012345678901234567890123456789."
	 "example.org",
		NULL, "60 bytes"},
	{"nbswy3dpeb3w64tmmqqho2dfebxw42lpnztsa5dpebxxk5dtnfsgkidu."
	 "nbuxgidjomqgc3ramvxhi2lsmuqg2zltonqwozjamfxgiid.t.example.org",
		"limits.dns_name_bits:", "base32, two labels"},
	{"a1.b2.c3.d4.e5.f6.g7.h8.i9.j0.k1.l2.m3.n4.o5.p6.q7.r8.s9.t0."
	 "u1.v2.w3.x4.y5.z6.a7.b8.c9.d0.e1.f2.example.org",
		"limits.dns_name_bits:", "in many short labels"},
};

static void
test_threat_15_content(void **state)
{
	const char *broken;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
		struct name_watch *w = name_watch_new(&usual);

		broken = see(w, contents[i].host, 0);
		if ((broken == NULL) != (contents[i].broken == NULL) ||
			(broken != NULL &&
				strncmp(broken, contents[i].broken,
					strlen(contents[i].broken)) != 0))
			fail_msg("%s (%s): %s", contents[i].host,
				contents[i].why,
				broken != NULL ? broken : "may be asked");
		name_watch_free(w);
	}
}

static const char *
see_number(struct name_watch *w, int domain, int name, double now)
{
	char host[64];

	snprintf(host, sizeof(host), "n%d.example.d%d", name, domain);
	return see(w, host, now);
}

static void
test_threat_15_different_names_of_a_domain(void **state)
{
	struct name_watch *w = name_watch_new(&usual);
	const char *broken;

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_null(see_number(w, 0, i, 1));
	/* Those that were seen may be asked on. */
	for (int i = 0; i < 60; i++)
		assert_null(see_number(w, 0, i, 2));
	broken = see_number(w, 0, 60, 3);
	assert_non_null(broken);
	assert_non_null(strstr(broken, "limits.dns_names_per_minute"));
	assert_null(see_number(w, 1, 60, 3));
	assert_non_null(see_number(w, 0, 60, 60.5));
	assert_null(see_number(w, 0, 60, 61));
	name_watch_free(w);
	name_watch_free(NULL);
}

/* One who asks about very many domains pushes out the oldest only. */
static void
test_many_domains(void **state)
{
	struct name_watch *w = name_watch_new(&usual);

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_null(see_number(w, 0, i, 1));
	for (int d = 1; d < 256; d++)
		assert_null(see_number(w, d, 0, 1));
	assert_non_null(see_number(w, 0, 60, 1));
	assert_null(see_number(w, 256, 0, 1));
	assert_null(see_number(w, 0, 60, 1));
	name_watch_free(w);
}

static void
test_bits(void **state)
{
	(void)state;
	assert_true(name_bits("", 0) == 0);
	assert_true(name_bits("aaaa", 4) == 0);
	assert_true(name_bits("abab", 4) == 4);
	assert_true(name_bits("abcd", 4) == 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threat_15_content),
		cmocka_unit_test(test_threat_15_different_names_of_a_domain),
		cmocka_unit_test(test_many_domains),
		cmocka_unit_test(test_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
