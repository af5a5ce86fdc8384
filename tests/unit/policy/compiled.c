#include "compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report.h"
#include "tree.h"

static struct policy *
compile(const char *text, char **ret_report)
{
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;
	int r;

	r = tree_parse("p.yaml", text, strlen(text), &tree, report);
	if (r == 0)
		r = policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report);
	tree_free(tree);
	assert_true((r == 0) == (report_count(report) == 0));
	assert_true((r == 0) == (policy != NULL));
	*ret_report = report_text(report);
	report_free(report);
	return policy;
}

struct policy *
compiled(const char *text)
{
	struct policy *policy;
	char *report;

	policy = compile(text, &report);
	if (policy == NULL)
		fail_msg("%s", report);
	free(report);
	return policy;
}

char *
refusal(const char *text)
{
	struct policy *policy;
	char *report;

	policy = compile(text, &report);
	if (policy != NULL)
		fail_msg("compiles: %s", text);
	return report;
}
