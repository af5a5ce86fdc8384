/* Any bytes as somebody's document: what comes out loads, and is plain text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "policy.h"
#include "report.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const char *document)
{
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;
	size_t len = strlen(document);

	for (size_t i = 0; i < len; i++) {
		if (document[i] != '\n' &&
			(document[i] < ' ' || document[i] > '~'))
			abort();
	}
	if (tree_parse("f", document, len, &tree, report) < 0 ||
		policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report) < 0)
		abort();
	policy_unref(policy);
	tree_free(tree);
	report_free(report);
}

/* Each part is a tree. */
static void
check_parts(const struct import *import)
{
	char *part;

	for (size_t n = 0; import_part(import, "p", n, &part) == 0; n++) {
		struct report *report = report_new();
		struct tree *tree = NULL;

		if (part == NULL && n < 2)
			abort();
		if (part != NULL &&
			tree_parse("f", part, strlen(part), &tree, report) < 0)
			abort();
		tree_free(tree);
		report_free(report);
		if (part == NULL)
			break;
		free(part);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report *report = report_new();
	struct import *import = NULL;
	char *text;

	if (size > 0) {
		struct import_text source = {
			"f", (const char *)data + 1, size - 1};

		if (import_run(data[0] % 3, &source, &import, report) == 0) {
			check(import_document(import));
			check_parts(import);
		}
	}
	/* What would not load must be known before it is printed. */
	text = report_text(report);
	if (strncmp(text, "f: what came", strlen("f: what came")) == 0)
		abort();
	free(text);
	import_free(import);
	report_free(report);
	return 0;
}
