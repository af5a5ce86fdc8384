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

enum outcome { DENIED, ALLOWED, AUDITED };

static enum outcome
outcome_of(const struct policy_verdict *v)
{
	if (v->audited)
		return AUDITED;
	return v->allowed ? ALLOWED : DENIED;
}

static enum outcome
decides(const struct policy_set *set, const char *host, unsigned port,
	const char *method, const char *path)
{
	const struct policy_request request = {.host = host,
		.port = (uint16_t)port,
		.method = method,
		.path = path};

	struct policy_verdict v = policy_decide_request(set, &request);

	if (v.allowed && !policy_decide_flow(set, host, (uint16_t)port).allowed)
		fail_msg("a request to %s is allowed, a flow is not", host);
	return outcome_of(&v);
}

static void
test_requests(void **state)
{
	static const struct {
		const char *preset, *method, *host;
		unsigned port;
		const char *path;
		enum outcome outcome;
		const char *why;
	} cases[] = {
		{"locked", "GET", "example.org", 443, "/", DENIED, "nothing"},
		{"locked", "GET", "localhost", 80, "/", DENIED, "nor that"},

		{"dev", "GET", "forge.example", 443, "/a/b", ALLOWED, "pages"},
		{"dev", "HEAD", "raw.forge.example", 443, "/x", ALLOWED,
			"files"},
		{"dev", "GET", "forge.example", 443, "/a/b.git/info/refs",
			ALLOWED, "git fetch asks"},
		{"dev", "POST", "forge.example", 443,
			"/a/b.git/git-upload-pack", ALLOWED, "git fetch gets"},
		{"dev", "POST", "forge.example", 443,
			"/a/sub/b.git/git-upload-pack", ALLOWED,
			"of a subgroup"},
		{"dev", "POST", "forge.example", 443,
			"/a/b.git/git-receive-pack", DENIED, "git push"},
		{"dev", "GET", "forge.example", 443, "/a/b/git-receive-pack",
			DENIED, "in no way"},
		{"dev", "POST", "forge.example", 443, "/session", DENIED,
			"POST"},
		{"dev", "PATCH", "api.forge.example", 443, "/repos/a", DENIED,
			"changing anything"},
		{"dev", "POST", "api.forge.example", 443, "/x/git-upload-pack",
			DENIED, "only the forge itself"},
		{"dev", "GET", "packages.example", 443, "/p", ALLOWED,
			"a package"},
		{"dev", "GET", "a.files.packages.example", 443, "/f", ALLOWED,
			"its files"},
		{"dev", "PUT", "packages.example", 443, "/p", DENIED,
			"publishing"},
		{"dev", "GET", "example.org", 443, "/", DENIED, "other hosts"},
		{"dev", "GET", "forge.example", 8443, "/", DENIED,
			"other ports"},

		{"audit", "GET", "example.org", 443, "/", AUDITED,
			"every host"},
		{"audit", "DELETE", "a.b.example", 80, "/x", AUDITED,
			"and method"},
		{"audit", "POST", "example.org", 8443, "/%2e%2e/", AUDITED,
			"and port and path"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct policy *p = load(cases[i].preset);
		const struct policy_set *set = policy_find(p, cases[i].preset);

		assert_non_null(set);
		if (decides(set, cases[i].host, cases[i].port, cases[i].method,
			    cases[i].path) != cases[i].outcome)
			fail_msg("%s: %s %s:%u%s (%s)", cases[i].preset,
				cases[i].method, cases[i].host, cases[i].port,
				cases[i].path, cases[i].why);
		policy_unref(p);
	}
}

/*
 * Without a name nothing is allowed, and what may not be reached has no
 * address; under audit it is on record.  Nothing is carried before its first
 * byte.
 */
static void
test_names_and_addresses(void **state)
{
	static const struct {
		const char *preset, *name;
		enum outcome name_outcome, address_outcome;
	} cases[] = {
		{"locked", "example.org", DENIED, DENIED},
		{"dev", "forge.example", ALLOWED, DENIED},
		{"dev", "example.org", DENIED, DENIED},
		{"audit", "example.org", AUDITED, AUDITED},
	};
	struct sockaddr_in dst = {.sin_family = AF_INET, .sin_port = htons(22)};

	(void)state;
	inet_pton(AF_INET, "192.0.2.1", &dst.sin_addr);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct policy *p = load(cases[i].preset);
		const struct policy_set *set = policy_find(p, cases[i].preset);
		const char *const *credentials;
		struct policy_verdict name =
			policy_decide_name(set, cases[i].name);
		struct policy_verdict address = policy_decide_address(
			set, (const struct sockaddr *)&dst);

		assert_int_equal(outcome_of(&name), cases[i].name_outcome);
		assert_int_equal(
			outcome_of(&address), cases[i].address_outcome);
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
