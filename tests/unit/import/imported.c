#include "imported.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report.h"
#include "tree.h"

static struct import *
try(enum import_dialect dialect, const char *text, char **ret_report)
{
	struct import_text source = {"in", text, strlen(text)};
	struct report *report = report_new();
	struct import *import = NULL;
	int r = import_run(dialect, &source, &import, report);

	assert_true((r == 0) == (import != NULL));
	assert_true((r == 0) == (report_count(report) == 0));
	*ret_report = report_text(report);
	report_free(report);
	return import;
}

struct import *
imported(enum import_dialect dialect, const char *text)
{
	struct import *import;
	char *report;

	import = try(dialect, text, &report);
	if (import == NULL)
		fail_msg("%s\n%s", text, report);
	free(report);
	return import;
}

char *
import_refusal(enum import_dialect dialect, const char *text)
{
	struct import *import;
	char *report;

	import = try(dialect, text, &report);
	if (import != NULL)
		fail_msg("is imported: %s", text);
	return report;
}

struct policy *
import_loaded(const struct import *import)
{
	const char *text = import_document(import);
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;

	if (tree_parse("document", text, strlen(text), &tree, report) < 0 ||
		policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report) < 0)
		fail_msg("%s\n%s", report_text(report), text);
	tree_free(tree);
	report_free(report);
	return policy;
}
