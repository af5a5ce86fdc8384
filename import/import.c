/*
 * import.c - from text to text
 *
 * Theory of operation
 *
 *	tree     the text, with the place of everything in it
 *	intake   what it says in our words: the dialect's reader
 *	rules    printed without credentials and compiled: that is asked which
 *	         bindings can fire
 *	settle   the bindings that can be carried over become credentials
 *	print    the whole document, compiled once more: nothing is handed out
 *	         that would not load
 */
#include "import.h"

#include "bindings.h"
#include "dialects.h"
#include "import_document.h"
#include "import_part.h"
#include "intake.h"
#include "policy.h"
#include "region.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct import {
	struct region *region;
	char *document, *notes;
	const char *policy;
	const struct intake *intake;
	const struct intake_variables *secrets, *stand_ins;
};

static const struct dialect {
	const char *name;
	dialect_reader *read;
} dialects[] = {
	[IMPORT_DOCKER_KIT] = {"docker-kit", kit_read},
	[IMPORT_DOCKER_PROXY_CONFIG] = {"docker-proxy-config",
		proxy_config_read},
	[IMPORT_CLOUDFLARE] = {"cloudflare", cloudflare_read},
};

enum { DIALECTS = sizeof(dialects) / sizeof(dialects[0]) };

bool
import_dialect_find(const char *name, enum import_dialect *ret)
{
	for (size_t i = 0; i < DIALECTS; i++) {
		if (strcmp(dialects[i].name, name) != 0)
			continue;
		*ret = (enum import_dialect)i;
		return true;
	}
	return false;
}

const char *
import_dialect_name(size_t n)
{
	return n < DIALECTS ? dialects[n].name : NULL;
}

/* ---- what was printed must load ----------------------------------------- */

static void
report_refusal(struct intake *in, struct report *inner)
{
	char *text = report_text(inner);

	if (text != NULL)
		text[strcspn(text, "\n")] = '\0';
	report_add(in->schema.report, (struct report_mark){in->source, 0, 0},
		"what came of it would not load: %s", text != NULL ? text : "");
	free(text);
}

static int
compile(struct intake *in, const char *text, struct policy **ret)
{
	struct report *report = report_new();
	struct tree *tree = NULL;
	int r = -ENOMEM;

	if (report == NULL)
		return r;
	r = tree_parse("imported", text, strlen(text), &tree, report);
	if (r == 0)
		r = policy_compile((const struct tree *const *)&tree, 1, NULL,
			ret, report);
	if (r == -EINVAL)
		report_refusal(in, report);
	tree_free(tree);
	report_free(report);
	return r;
}

static int
settle(struct intake *in)
{
	char *rules = import_document_print(in, false);
	struct policy *policy = NULL;
	int r = -ENOMEM;

	if (rules != NULL)
		r = compile(in, rules, &policy);
	free(rules);
	if (r < 0)
		return r;
	r = bindings_settle(in, policy_find(policy, in->policy));
	policy_unref(policy);
	return region_failed(in->schema.region) < 0 ? -ENOMEM : r;
}

static int
finish(struct import *i, struct intake *in)
{
	struct policy *policy = NULL;
	int r;

	i->document = import_document_print(in, true);
	i->notes = import_document_notes(in);
	if (i->document == NULL || i->notes == NULL)
		return -ENOMEM;
	r = compile(in, i->document, &policy);
	policy_unref(policy);
	i->policy = in->policy;
	i->intake = in;
	i->secrets = &in->secrets;
	i->stand_ins = &in->stand_ins;
	return r;
}

/* ---- from text to text --------------------------------------------------- */

static int
take_in(enum import_dialect dialect, struct intake *in,
	const struct import_text *source)
{
	struct report *report = in->schema.report;
	size_t before = report_count(report);
	struct tree *tree;
	int r = tree_parse(
		source->name, source->text, source->len, &tree, report);

	if (r < 0)
		return r;
	dialects[dialect].read(in, tree_root(tree));
	if (region_failed(in->schema.region) < 0)
		r = -ENOMEM;
	else if (report_count(report) > before)
		r = -EINVAL;
	else
		r = settle(in);
	tree_free(tree);
	return r;
}

int
import_run(enum import_dialect dialect, const struct import_text *source,
	struct import **ret, struct report *report)
{
	struct import *i = calloc(1, sizeof(*i));
	struct intake *in;
	int r = -ENOMEM;

	if (i == NULL)
		return r;
	i->region = region_new();
	if (i->region == NULL)
		goto fail;
	in = region_alloc(i->region, 1, sizeof(*in));
	if (in == NULL)
		goto fail;
	intake_init(in, report, i->region);
	in->source = region_copy(i->region, source->name, strlen(source->name));
	if (in->source == NULL)
		goto fail;
	r = take_in(dialect, in, source);
	if (r == 0)
		r = finish(i, in);
	if (r < 0)
		goto fail;
	*ret = i;
	return 0;
fail:
	import_free(i);
	return r;
}

void
import_free(struct import *i)
{
	if (i == NULL)
		return;
	region_free(i->region);
	free(i->document);
	free(i->notes);
	free(i);
}

const char *
import_document(const struct import *i)
{
	return i->document;
}

const char *
import_policy(const struct import *i)
{
	return i->policy;
}

const char *
import_notes(const struct import *i)
{
	return i->notes;
}

int
import_part(const struct import *i, const char *policy, size_t n, char **ret)
{
	*ret = NULL;
	if (n >= import_part_count(i->intake))
		return 0;
	*ret = import_part_print(i->intake, policy, n);
	return *ret != NULL ? 0 : -ENOMEM;
}

size_t
import_secrets(const struct import *i, const char *const **ret)
{
	*ret = i->secrets->names;
	return i->secrets->count;
}

size_t
import_stand_ins(const struct import *i, const char *const **ret)
{
	*ret = i->stand_ins->names;
	return i->stand_ins->count;
}
