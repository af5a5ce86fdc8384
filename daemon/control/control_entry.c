/*
 * control_entry.c - one policy or credential: shown, put, removed
 *
 * Shown as the YAML that may be put there again, behind three lines of comment:
 * as many as stand before an entry in a document of its own, so that a line
 * that a record names is the line that is shown here.
 */
#include "control_entry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_condition.h"
#include "control_routes.h"
#include "keeper.h"
#include "keeper_entry.h"
#include "yaml_text.h"

/* ---- shown ----------------------------------------------------------------
 */

static char *
comments(const struct control_request *q, enum policy_entry_kind kind,
	const char *tag)
{
	json_t *place = keeper_entry_place(q->keeper, kind, q->name);
	const char *source =
		json_string_value(json_object_get(place, "source"));
	bool ephemeral = json_is_true(json_object_get(place, "ephemeral"));
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out != NULL) {
		fprintf(out, "# %s %s\n# from: ", policy_entry_noun(kind),
			q->name);
		yaml_put_comment(out, source != NULL ? source : "");
		fprintf(out, "%s\n# tag: %s\n",
			ephemeral ? ", until sbx-netd ends" : "", tag);
		if (fclose(out) != 0) {
			free(text);
			text = NULL;
		}
	}
	json_decref(place);
	return text;
}

static void
show(const struct control_request *q, enum policy_entry_kind kind,
	struct control_reply *reply)
{
	char tag[KEEPER_TAG], why[64], *document, *head, *text = NULL;
	int r = keeper_entry_of(q->keeper, kind, q->name, &document, tag);

	if (r == -ENOENT) {
		snprintf(why, sizeof(why), "there is no such %s",
			policy_entry_noun(kind));
		control_reply_error(reply, 404, "not_found", why,
			kind == POLICY_ENTRY_POLICY
				? "see sbx-netctl policy ls"
				: "see sbx-netctl secret ls");
		return;
	}
	if (r < 0) {
		control_reply_failure(reply, r, NULL);
		return;
	}
	head = comments(q, kind, tag);
	if (head != NULL)
		text = policy_entry_text(document, head);
	if (text == NULL) {
		control_reply_failure(reply, -ENOMEM, NULL);
	} else {
		control_reply_text(reply, "application/yaml", text);
		snprintf(reply->tag, sizeof(reply->tag), "\"%s\"", tag);
	}
	free(text);
	free(head);
	free(document);
}

void
control_show_policy(
	const struct control_request *q, struct control_reply *reply)
{
	show(q, POLICY_ENTRY_POLICY, reply);
}

void
control_show_credential(
	const struct control_request *q, struct control_reply *reply)
{
	show(q, POLICY_ENTRY_CREDENTIAL, reply);
}

/* ---- changed --------------------------------------------------------------
 */

static void
change(const struct control_request *q, enum policy_entry_kind kind,
	const char *document, struct control_ticket *ticket)
{
	char match[CONTROL_VALUE_MAX], ephemeral[CONTROL_VALUE_MAX];
	struct keeper_entry e = {
		.kind = kind,
		.name = q->name,
		.document = document,
		.match = control_condition_tag(q->if_match, match),
		.create = q->if_none_match.len > 0,
		.ephemeral = control_query_get(q->query, "ephemeral", ephemeral,
				     sizeof(ephemeral)) > 0,
	};

	/* With a tag it is a question for GET; nobody knows what a change
	 * would mean by it. */
	if (e.create && !span_equals(q->if_none_match, span_of("*"))) {
		control_ticket_done(ticket, -EINVAL,
			"If-None-Match takes * alone here", NULL);
		return;
	}
	keeper_set_entry(q->keeper, &e, control_ticket_done, ticket);
}

void
control_set_policy(
	const struct control_request *q, struct control_ticket *ticket)
{
	change(q, POLICY_ENTRY_POLICY, q->body, ticket);
}

void
control_remove_policy(
	const struct control_request *q, struct control_ticket *ticket)
{
	change(q, POLICY_ENTRY_POLICY, NULL, ticket);
}

void
control_set_credential(
	const struct control_request *q, struct control_ticket *ticket)
{
	change(q, POLICY_ENTRY_CREDENTIAL, q->body, ticket);
}

void
control_remove_credential(
	const struct control_request *q, struct control_ticket *ticket)
{
	change(q, POLICY_ENTRY_CREDENTIAL, NULL, ticket);
}
