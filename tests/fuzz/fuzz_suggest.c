/* Any bytes as a decision log: what is suggested for it always compiles. */
#include <stdio.h>
#include <stdlib.h>

#include "logline.h"
#include "netlog_suggest.h"
#include "policy.h"
#include "report.h"
#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netlog_suggest *s = netlog_suggest_new();
	struct span rest = {(const char *)data, size};
	struct logline line, none = {0};
	struct report *report = report_new();
	struct policy *policy = NULL;
	struct tree *tree = NULL;
	char *text;
	FILE *out = open_memstream(&text, &size);

	while (rest.len > 0) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;

		if (logline_parse((struct span){rest.ptr, len}, &line) == 0) {
			if (netlog_suggest_add(s, &line, &none) < 0)
				abort();
			logline_done(&line);
		}
		len += end != NULL;
		rest = (struct span){rest.ptr + len, rest.len - len};
	}
	fputs("version: 1\n", out);
	if (netlog_suggest_print(s, out) < 0 || fclose(out) != 0 ||
		tree_parse("s", text, size, &tree, report) < 0 ||
		policy_compile((const struct tree *const *)&tree, 1, NULL,
			&policy, report) < 0)
		abort();
	policy_unref(policy);
	tree_free(tree);
	report_free(report);
	netlog_suggest_free(s);
	free(text);
	return 0;
}
