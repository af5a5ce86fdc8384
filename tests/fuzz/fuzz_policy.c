/* Any bytes as a document; what compiles prints, and prints the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "report.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
print(const char *text, size_t size)
{
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;
	char *result = NULL;

	if (tree_parse("f", text, size, &tree, report) == 0 &&
		policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report) == 0)
		result = policy_print(policy);
	policy_unref(policy);
	tree_free(tree);
	report_free(report);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *first = print((const char *)data, size);
	char *again = first != NULL ? print(first, strlen(first)) : NULL;

	if (first != NULL && (again == NULL || strcmp(first, again) != 0))
		abort();
	free(first);
	free(again);
	return 0;
}
