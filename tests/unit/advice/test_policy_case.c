#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "policy_case.h"

#define URL "https://a.test/"

static const struct {
	const char *line;
	int result;
	const char *wrong; /* part of it */
	const char *why;
} lines[] = {
	{"", 0, "", "empty"},
	{"  \t# agent GET x", 0, "", "a comment"},
	{"agent GET " URL " allowed", 1, "", "a case"},
	{"\tagent\tGET " URL "#x denied # why\n", 1, "",
		"a fragment is no comment"},
	{"agent GET " URL " allowed rule=agent.allow[0] reason=rule_allow "
	 "credential=a credential=b",
		1, "", "everything"},
	{"agent GET " URL " allowed credential=-", 1, "", "none goes"},
	{"agent GET " URL, -EINVAL, "want POLICY", "no verdict"},
	{"agent", -EINVAL, "want POLICY", "one word"},
	{"agent GET " URL " maybe", -EINVAL, "\"maybe\"", "verdict"},
	{"agent GET a.test allowed", -EINVAL, "must begin", "URL"},
	{"agent G@T " URL " allowed", -EINVAL, "no method", "method"},
	{"agent GET " URL " allowed rule", -EINVAL, "want rule=", "no value"},
	{"agent GET " URL " allowed rule=", -EINVAL, "want rule=", "empty"},
	{"agent GET " URL " denied reason=because", -EINVAL, "no reason",
		"reason"},
	{"agent GET " URL " denied by=x", -EINVAL, "unknown", "key"},
	{"agent GET " URL " denied rule=a rule=b", -EINVAL, "twice", "twice"},
	{"agent GET " URL " denied credential=a", -EINVAL, "denied",
		"nothing goes with it"},
	{"agent GET " URL " allowed credential=- credential=a", -EINVAL,
		"none goes", "none and one"},
};

static void
test_reads(void **state)
{
	char line[512], text[POLICY_CASE_TEXT];
	struct policy_case c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		int r;

		snprintf(line, sizeof(line), "%s", lines[i].line);
		text[0] = '\0';
		r = policy_case_read(line, &c, text);
		if (r != lines[i].result ||
			strstr(text, lines[i].wrong) == NULL)
			fail_msg("%s (%s): %d %s", lines[i].line, lines[i].why,
				r, text);
	}
}

static const struct {
	const char *expected; /* behind the URL */
	bool allowed;
	const char *reason, *credentials;
	const char *says; /* NULL: it agrees */
	const char *why;
} answers[] = {
	{"allowed", true, "rule_allow", "a", NULL, "as expected"},
	{"denied", false, "path", "", NULL, "as expected"},
	{"denied reason=path rule=p.r[0]", false, "path", "", NULL,
		"in all points"},
	{"allowed credential=b credential=a", true, "x", "a,b", NULL, "both"},
	{"allowed credential=-", true, "x", "", NULL, "none"},
	{"allowed", false, "path", "",
		"expected allowed, got denied (path) by rule p.r[0] (p.yaml:7)",
		"verdict"},
	{"denied reason=method", false, "path", "",
		"expected denied reason=method, got denied (path) by rule "
		"p.r[0] (p.yaml:7)",
		"reason"},
	{"denied rule=p.r[1]", false, "path", "",
		"expected denied rule=p.r[1], got denied (path) by rule p.r[0] "
		"(p.yaml:7)",
		"rule"},
	{"allowed credential=a", true, "x", "ab",
		"expected allowed credential=a, got allowed (x) by rule p.r[0] "
		"(p.yaml:7) with ab",
		"part of a name"},
	{"allowed credential=a", true, "x", "",
		"expected allowed credential=a, got allowed (x) by rule p.r[0] "
		"(p.yaml:7) with no credential",
		"none at all"},
	{"allowed credential=-", true, "x", "a",
		"expected allowed credential=-, got allowed (x) by rule p.r[0] "
		"(p.yaml:7) with a",
		"one too many"},
};

static void
test_compares(void **state)
{
	char line[512], text[POLICY_CASE_TEXT];
	static struct policy_answer a;
	struct policy_case c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		bool agrees;

		snprintf(line, sizeof(line), "p GET " URL " %s",
			answers[i].expected);
		assert_int_equal(policy_case_read(line, &c, text), 1);
		a = (struct policy_answer){.allowed = answers[i].allowed,
			.reason = answers[i].reason,
			.rule = "p.r[0]",
			.source = "p.yaml:7"};
		snprintf(a.credentials, sizeof(a.credentials), "%s",
			answers[i].credentials);
		text[0] = '\0';
		agrees = policy_case_agrees(&c, &a, text);
		if (agrees != (answers[i].says == NULL) ||
			(!agrees && strcmp(text, answers[i].says) != 0))
			fail_msg("%s: %s", answers[i].why, text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_compares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
