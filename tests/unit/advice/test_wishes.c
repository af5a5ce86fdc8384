/*
 * test_wishes.c - what is suggested compiles, allows what was asked for, and
 * nothing else but what its stars say
 *
 * Wishes at random, made of words that meet each other and of bytes that would
 * like to break out of the YAML.  A second opinion keeps the list of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_raw.h"
#include "random_policy.h"
#include "report.h"
#include "tree.h"
#include "wishes.h"

enum { ROUNDS = 600, WISHES = 40, TEXT = 64, QUESTIONS = 100 };

#define PICK(list) (list)[random_below(sizeof(list) / sizeof((list)[0]))]

/* Often the same, so that wishes meet; sometimes what no rule can say. */
#define MOSTLY(usual, good, bad) \
	(random_below(15) == 0 \
			? PICK(bad) \
			: (random_below(3) == 0 ? PICK(good) : (usual)))

struct asked {
	char policy[TEXT], host[TEXT], address[TEXT], method[TEXT], path[TEXT];
	uint16_t port;
	bool by_name, request, raw;
	bool kept;
};

static const char *const policies[] = {"p", "agent", "no", "1e3", "a.b-c"};
static const char *const bad_policies[] = {"", "P", "-a", "a: b", "x\ny"};
static const char *const hosts[] = {
	"a.test", "1.2.test", "no", "null", "x-_y.test"};
static const char *const bad_hosts[] = {"a.test}", "*", "A.test", "a\ntest",
	"127.1", "a.test\"", "# x", "\302\205", "*.test", "a..b"};
static const char *const methods[] = {
	"GET", "POST", "NO", "M-SEARCH", "1E3", "X#Y", "*", "A'B", "`", "TRUE"};
static const char *const bad_methods[] = {
	"get", "G ET", "", "G\nET", "G}", "Pa", "\"", "\342\200\250"};
static const char *const parts[] = {"/", "/a", "/1", "/42", "/v2", "/x", "*",
	"**", "'", "\"", "}", "]", ",", ": ", " #", "\n- {host: b.test}", "%41",
	"%2A", "%", "\303\244", "\302\205", "\342\200\250", "\357\277\275",
	"\\", "//", "..", ";", "~", "&", "!", "|", "\001", "\377"};
static const char *const safe_parts[] = {
	"/a", "/1", "/2", "/3", "/44", "/x", "*", "'", "\303\244", "%41"};
static const char *const addresses[] = {"192.0.2.1", "2001:db8::1",
	"198.51.100.9", "192.0.2.0/24", "1.2.3", "::ffff:192.0.2.1", ""};

static void
make(struct asked *a)
{
	bool wild = random_below(3) == 0;

	*a = (struct asked){.by_name = random_below(8) != 0,
		.request = random_below(8) != 0};
	strcpy(a->policy, MOSTLY("p", policies, bad_policies));
	strcpy(a->host, MOSTLY("a.test", hosts, bad_hosts));
	strcpy(a->method, MOSTLY("GET", methods, bad_methods));
	strcpy(a->address, PICK(addresses));
	a->port = (uint16_t)(random_below(3) == 0 ? 8443 : 443);
	if (!a->by_name)
		a->request = false;
	a->raw = a->by_name && !a->request && random_below(2) == 0;
	if (a->by_name && !a->request && !a->raw)
		a->port = 0;
	strcpy(a->path, "/");
	for (unsigned n = random_below(4); n > 0; n--)
		strcat(a->path, wild ? PICK(parts) : PICK(safe_parts));
	if (!wild && random_below(2) == 0)
		snprintf(a->path, TEXT, "/u/%u%s", random_below(6),
			random_below(3) == 0 ? "/k" : "");
	/* "//" would be one of those that no rule can name. */
	if (!wild && strncmp(a->path, "//", 2) == 0)
		memmove(a->path, a->path + 1, strlen(a->path));
}

static void
keep(struct wishes *wishes, struct asked *a)
{
	const struct wish wish = {
		.policy = a->policy,
		.sandbox = "s\n- {host: evil.test}",
		.host = a->by_name ? a->host : NULL,
		.address = a->address,
		.port = a->port,
		.method = a->request ? a->method : NULL,
		.path = a->request ? a->path : NULL,
		.count = 1,
	};

	a->kept = wish_hopeless(&wish) == NULL;
	if (a->kept)
		assert_int_equal(wishes_add(wishes, &wish), 0);
}

static struct policy *
compile(struct wishes *wishes, char **ret_text)
{
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;
	size_t size;
	FILE *out = open_memstream(ret_text, &size);
	int r;

	fputs("version: 1\n", out);
	assert_int_equal(wishes_print(wishes, out), 0);
	assert_int_equal(fclose(out), 0);
	r = tree_parse("w.yaml", *ret_text, size, &tree, report);
	if (r == 0)
		r = policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report);
	if (r < 0)
		fail_msg("%s%s", *ret_text, report_text(report));
	tree_free(tree);
	report_free(report);
	return policy;
}

static bool
is_allowed(const struct policy *policy, const struct asked *a)
{
	const struct policy_set *set = policy_find(policy, a->policy);
	const struct policy_request request = {.host = a->host,
		.port = a->port,
		.method = a->method,
		.path = a->path};
	struct sockaddr_storage dst = {.ss_family = AF_INET};
	struct sockaddr_in *in = (struct sockaddr_in *)&dst;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&dst;

	if (set == NULL)
		return false;
	if (a->by_name && a->request)
		return policy_decide_request(set, &request).allowed;
	if (a->raw)
		return policy_decide_raw(set, a->host, a->port).at_once;
	if (a->by_name)
		return policy_decide_name(set, a->host).allowed;
	in->sin_port = htons(a->port);
	if (inet_pton(AF_INET, a->address, &in->sin_addr) != 1) {
		dst.ss_family = AF_INET6;
		assert_int_equal(
			inet_pton(AF_INET6, a->address, &in6->sin6_addr), 1);
	}
	return policy_decide_address(set, (struct sockaddr *)&dst).allowed;
}

/* In bytes, as policy reads them: %41 is A, %2A a star. */
static void
decode(const char *path, char ret[TEXT])
{
	while (*path != '\0') {
		unsigned c = (unsigned char)*path++;

		if (c == '%') {
			sscanf(path, "%2x", &c);
			path += 2;
		}
		*ret++ = (char)c;
	}
	*ret = '\0';
}

/* The same path, or one that differs in a segment behind the first. */
static bool
is_near(const char *a, const char *b)
{
	unsigned differ = 0, segment = 0;

	while (*a != '\0' && *b != '\0') {
		size_t la = strcspn(a + 1, "/"), lb = strcspn(b + 1, "/");

		if (la != lb || strncmp(a + 1, b + 1, la) != 0)
			differ += segment == 0 ? 2 : 1;
		a += la + 1;
		b += lb + 1;
		segment++;
	}
	return *a == *b && differ <= 1;
}

/* Whether something that was asked for explains that this is allowed. */
static bool
was_asked(const struct asked *list, size_t count, const struct asked *a)
{
	char path[TEXT], other[TEXT];

	decode(a->path, path);
	for (size_t i = 0; i < count; i++) {
		const struct asked *b = &list[i];

		if (!b->kept || !b->by_name ||
			strcmp(a->policy, b->policy) != 0 ||
			strcmp(a->host, b->host) != 0)
			continue;
		if (b->raw && a->port == b->port)
			return true;
		if (!b->request && !b->raw && a->port == 443 &&
			(strcmp(a->method, "GET") == 0 ||
				strcmp(a->method, "HEAD") == 0))
			return true;
		if (!b->request || a->port != b->port ||
			strcmp(a->method, b->method) != 0)
			continue;
		decode(b->path, other);
		if (is_near(path, other))
			return true;
	}
	return false;
}

static void
check_others(
	const struct policy *policy, const struct asked *list, const char *text)
{
	for (int i = 0; i < QUESTIONS; i++) {
		struct asked a;

		do
			make(&a);
		while (!a.request);
		if (is_allowed(policy, &a) && !was_asked(list, WISHES, &a))
			fail_msg("%s %s:%u %s %s is allowed, though nobody "
				 "asked:\n%s",
				a.policy, a.host, a.port, a.method, a.path,
				text);
	}
}

static void
test_suggests_what_was_asked(void **state)
{
	static struct asked list[WISHES];
	unsigned kept = 0, stars = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct wishes *wishes = wishes_new();
		struct policy *policy;
		char *text;

		for (size_t k = 0; k < WISHES; k++) {
			make(&list[k]);
			keep(wishes, &list[k]);
			kept += list[k].kept;
		}
		policy = compile(wishes, &text);
		for (size_t k = 0; k < WISHES; k++) {
			if (list[k].kept && !is_allowed(policy, &list[k]))
				fail_msg("%s %s%s:%u %s %s is not allowed:\n%s",
					list[k].policy, list[k].host,
					list[k].address, list[k].port,
					list[k].method, list[k].path, text);
		}
		check_others(policy, list, text);
		stars += strstr(text, "wider than") != NULL;
		assert_null(strstr(text, "passthrough"));
		assert_null(strstr(text, "broad"));
		free(text);
		policy_unref(policy);
		wishes_free(wishes);
	}
	assert_true(kept > ROUNDS * WISHES / 2 && stars > 50);
}

static void
test_has_a_bound(void **state)
{
	struct wishes *wishes = wishes_new();
	char path[TEXT], method[TEXT], *text;
	struct wish wish = {.policy = "p",
		.sandbox = "s",
		.host = "a.test",
		.address = "",
		.port = 443,
		.method = method,
		.path = path};
	struct policy *policy;

	(void)state;
	strcpy(path, "/");
	for (int i = 0; i < WISHES_MAX; i++) {
		/* Many methods of one path: more than a rule can hold. */
		snprintf(method, sizeof(method), "M%d", i);
		assert_int_equal(wishes_add(wishes, &wish), 0);
	}
	snprintf(method, sizeof(method), "GET");
	assert_int_equal(wishes_add(wishes, &wish), -ENOSPC);
	snprintf(method, sizeof(method), "M7");
	assert_int_equal(wishes_add(wishes, &wish), 0);
	policy = compile(wishes, &text);
	assert_true(policy_decide_request(policy_find(policy, "p"),
		&(const struct policy_request){.host = "a.test",
			.port = 443,
			.method = "M4000",
			.path = "/"})
			    .allowed);
	free(text);
	policy_unref(policy);
	wishes_free(wishes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suggests_what_was_asked),
		cmocka_unit_test(test_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
