/*
 * control_overlay.c - a sandbox's overlay: shown, set, cleared
 *
 * Shown as JSON, which is what a program changes; set as JSON or YAML.  A
 * program that read it first says so with If-Match (RFC 9110, 13.1.1), and is
 * refused when somebody else was faster.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_condition.h"
#include "control_routes.h"
#include "keeper.h"
#include "report.h"
#include "scalar.h"
#include "tree.h"

/* ---- YAML as JSON ------------------------------------------------------- */

static json_t *
scalar(const struct tree_node *node)
{
	const char *text = node->text;

	if (!node->quoted && strcmp(text, "true") == 0)
		return json_true();
	if (!node->quoted && strcmp(text, "false") == 0)
		return json_false();
	if (!node->quoted && text[0] != '\0' && strlen(text) <= 5 &&
		strspn(text, "0123456789") == strlen(text))
		return json_integer(atoi(text));
	return control_reply_string(text);
}

/* As deep as the tree is, which is bounded. */
static json_t *
as_json(const struct tree_node *node)
{
	const struct tree_node *e;
	json_t *ret;

	if (node->kind == TREE_SCALAR)
		return scalar(node);
	ret = node->kind == TREE_LIST ? json_array() : json_object();
	for (e = node->first; e != NULL; e = e->next) {
		if (node->kind == TREE_LIST)
			json_array_append_new(ret, as_json(e));
		else
			json_object_set_new(ret, e->key->text, as_json(e));
	}
	return ret;
}

static json_t *
overlay_as_json(const char *text)
{
	struct report *report = report_new();
	struct tree *tree = NULL;
	json_t *ret = NULL;

	if (report != NULL &&
		tree_parse("overlay", text, strlen(text), &tree, report) == 0)
		ret = as_json(tree_root(tree));
	tree_free(tree);
	report_free(report);
	return ret;
}

void
control_show_overlay(
	const struct control_request *q, struct control_reply *reply)
{
	char tag[KEEPER_TAG], *text;
	int r = keeper_overlay_of(q->keeper, q->name, &text, tag);

	if (r == -ENOENT) {
		control_no_sandbox(reply);
		return;
	}
	if (r < 0) {
		control_reply_failure(reply, r, NULL);
		return;
	}
	control_reply_json(reply, 200,
		json_pack("{s:s, s:o}", "tag", tag, "overlay",
			overlay_as_json(text)));
	snprintf(reply->tag, sizeof(reply->tag), "\"%s\"", tag);
	free(text);
}

/* ---- changes ------------------------------------------------------------ */

static void
change(const struct control_request *q, const char *document,
	struct control_ticket *ticket)
{
	char match[CONTROL_VALUE_MAX], ephemeral[CONTROL_VALUE_MAX];
	const char *tag = control_condition_tag(q->if_match, match);
	struct keeper_overlay o = {
		.document = document,
		/* There is always one, if an empty one. */
		.match = tag != NULL && strcmp(tag, "*") == 0 ? NULL : tag,
		.ephemeral = control_query_get(q->query, "ephemeral", ephemeral,
				     sizeof(ephemeral)) > 0,
	};

	keeper_set_overlay(q->keeper, q->name, &o, control_ticket_done, ticket);
}

void
control_set_overlay(
	const struct control_request *q, struct control_ticket *ticket)
{
	change(q, q->body, ticket);
}

void
control_clear_overlay(
	const struct control_request *q, struct control_ticket *ticket)
{
	change(q, NULL, ticket);
}
