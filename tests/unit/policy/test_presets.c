#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiled.h"
#include "policy.h"

enum { TEXT_MAX = 16 * 1024 };

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct policy *
load(const char *name)
{
	static char text[TEXT_MAX];
	char path[256];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "../policy/presets/%s.yaml", name);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("there is no %s", path);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return compiled(text);
}

static bool
allows(const struct policy_set *set, const char *host, unsigned port,
	const char *method, const char *path)
{
	const struct policy_request request = {.host = host,
		.port = (uint16_t)port,
		.method = method,
		.path = path};

	return policy_decide_flow(set, host, (uint16_t)port).allowed &&
	       policy_decide_request(set, &request).allowed;
}

static void
test_requests(void **state)
{
	static const struct {
		const char *preset, *method, *host;
		unsigned port;
		const char *path;
		bool allowed;
		const char *why;
	} cases[] = {
		{"locked", "GET", "example.org", 443, "/", false, "nothing"},
		{"locked", "GET", "localhost", 80, "/", false, "nor that"},

		{"dev", "GET", "forge.example", 443, "/a/b", true, "pages"},
		{"dev", "HEAD", "raw.forge.example", 443, "/x", true, "files"},
		{"dev", "GET", "forge.example", 443, "/a/b.git/info/refs", true,
			"git fetch asks"},
		{"dev", "POST", "forge.example", 443,
			"/a/b.git/git-upload-pack", true, "git fetch gets"},
		{"dev", "POST", "forge.example", 443,
			"/a/sub/b.git/git-upload-pack", true, "of a subgroup"},
		{"dev", "POST", "forge.example", 443,
			"/a/b.git/git-receive-pack", false, "git push"},
		{"dev", "GET", "forge.example", 443, "/a/b/git-receive-pack",
			false, "in no way"},
		{"dev", "POST", "forge.example", 443, "/session", false,
			"POST"},
		{"dev", "PATCH", "api.forge.example", 443, "/repos/a", false,
			"changing anything"},
		{"dev", "POST", "api.forge.example", 443, "/x/git-upload-pack",
			false, "only the forge itself"},
		{"dev", "GET", "packages.example", 443, "/p", true,
			"a package"},
		{"dev", "GET", "a.files.packages.example", 443, "/f", true,
			"its files"},
		{"dev", "PUT", "packages.example", 443, "/p", false,
			"publishing"},
		{"dev", "GET", "example.org", 443, "/", false, "other hosts"},
		{"dev", "GET", "forge.example", 8443, "/", false,
			"other ports"},

		{"audit", "GET", "example.org", 443, "/", true, "every host"},
		{"audit", "DELETE", "a.b.example", 80, "/x", true,
			"and method"},
		{"audit", "POST", "example.org", 8443, "/%2e%2e/", true,
			"and port and path"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct policy *p = load(cases[i].preset);
		const struct policy_set *set = policy_find(p, cases[i].preset);

		assert_non_null(set);
		if (allows(set, cases[i].host, cases[i].port, cases[i].method,
			    cases[i].path) != cases[i].allowed)
			fail_msg("%s: %s %s:%u%s (%s)", cases[i].preset,
				cases[i].method, cases[i].host, cases[i].port,
				cases[i].path, cases[i].why);
		policy_unref(p);
	}
}

/* Without a name nothing goes, and what may not be reached has no address. */
static void
test_names_and_addresses(void **state)
{
	static const struct {
		const char *preset, *name;
		bool resolved;
	} cases[] = {
		{"locked", "example.org", false},
		{"dev", "forge.example", true},
		{"dev", "example.org", false},
		{"audit", "example.org", true},
	};
	struct sockaddr_in dst = {.sin_family = AF_INET, .sin_port = htons(22)};

	(void)state;
	inet_pton(AF_INET, "192.0.2.1", &dst.sin_addr);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct policy *p = load(cases[i].preset);
		const struct policy_set *set = policy_find(p, cases[i].preset);
		const char *const *credentials;

		assert_int_equal(policy_decide_name(set, cases[i].name).allowed,
			cases[i].resolved);
		assert_false(policy_decide_address(
			set, (const struct sockaddr *)&dst)
				     .allowed);
		assert_false(policy_decides_early(
			set, (const struct sockaddr *)&dst));
		assert_int_equal(policy_credential_names(set, &credentials), 0);
		policy_unref(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_names_and_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
