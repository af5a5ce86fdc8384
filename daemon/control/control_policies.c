/*
 * control_policies.c - what the loaded documents say, for people
 *
 * Everything is taken from the compiled policy, which is what is enforced, and
 * not from the files, which may have changed since.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_routes.h"
#include "keeper.h"
#include "keeper_entry.h"
#include "policy.h"
#include "report.h"
#include "settings.h"
#include "tree.h"

/* With where it is from. */
static json_t *
placed(struct keeper *keeper, enum policy_entry_kind kind, const char *name,
	json_t *object)
{
	json_t *place = keeper_entry_place(keeper, kind, name);

	json_object_update(object, place);
	json_decref(place);
	return object;
}

void
control_list_policies(
	const struct control_request *q, struct control_reply *reply)
{
	const struct policy *p = keeper_policy(q->keeper);
	const struct policy_set *set;
	json_t *list = json_array();

	for (size_t i = 0; (set = policy_at(p, i)) != NULL; i++)
		json_array_append_new(list,
			placed(q->keeper, POLICY_ENTRY_POLICY, policy_name(set),
				json_pack("{s:s}", "name", policy_name(set))));
	control_reply_json(reply, 200, list);
}

static json_t *
variables(const struct policy_credential *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->source_count; i++) {
		const struct policy_source *s = &c->sources[i];

		for (size_t j = 0;
			s->kind == POLICY_SOURCE_ENV && j < s->word_count; j++)
			json_array_append_new(
				list, control_reply_string(s->words[j]));
	}
	return list;
}

static json_t *
hosts(const struct policy_credential *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->host_count; i++)
		json_array_append_new(list, control_reply_string(c->hosts[i]));
	return list;
}

/* Those that list it. */
static json_t *
policies(const struct policy *p, const struct policy_credential *c)
{
	json_t *list = json_array();
	const struct policy_set *set;

	for (size_t i = 0; (set = policy_at(p, i)) != NULL; i++) {
		const char *const *names;
		size_t count = policy_credential_names(set, &names);

		for (size_t k = 0; k < count; k++)
			if (strcmp(names[k], c->name) == 0)
				json_array_append_new(
					list, json_string(policy_name(set)));
	}
	return list;
}

static json_t *
credential(struct keeper *keeper, const struct policy_credential *c)
{
	json_t *state = keeper_credential(keeper, c->name);
	json_t *ret = json_pack("{s:s, s:o, s:o, s:o, s:b}", "name", c->name,
		"env", variables(c), "hosts", hosts(c), "policies",
		policies(keeper_policy(keeper), c), "required",
		(int)c->required);

	if (state == NULL)
		state = json_pack("{s:s}", "state", "unlisted");
	json_object_update(ret, state);
	json_decref(state);
	return placed(keeper, POLICY_ENTRY_CREDENTIAL, c->name, ret);
}

void
control_list_credentials(
	const struct control_request *q, struct control_reply *reply)
{
	const struct policy_credential *credentials;
	size_t count =
		policy_credentials(keeper_policy(q->keeper), &credentials);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			list, credential(q->keeper, &credentials[i]));
	control_reply_json(reply, 200, list);
}

/* Compiles and forgets: what is wrong goes to the report. */
static int
try_document(const char *name, const struct control_request *q,
	struct report *report)
{
	struct policy *policy = NULL;
	struct settings *settings = NULL;
	const struct tree *trees[1];
	struct tree *tree;
	int e = tree_parse(name, q->body, q->body_len, &tree, report);

	if (e < 0)
		return e;
	trees[0] = tree;
	e = settings_read(trees, 1, &settings, report);
	if (e == 0 || e == -EINVAL)
		e = policy_compile(trees, 1, settings_keys(), &policy, report);
	policy_unref(policy);
	settings_free(settings);
	tree_free(tree);
	return e;
}

void
control_check(const struct control_request *q, struct control_reply *reply)
{
	char name[CONTROL_VALUE_MAX] = "document";
	struct report *report = report_new();
	char *text = NULL;
	int e = -ENOMEM;

	if (control_query_get(q->query, "name", name, sizeof(name)) < 0) {
		report_free(report);
		control_reply_error(reply, 400, "bad_request",
			"the query cannot be decoded", NULL);
		return;
	}
	if (report != NULL)
		e = try_document(name, q, report);
	if (e == 0 || e == -EINVAL)
		text = report_text(report);
	if (text == NULL)
		control_reply_failure(reply, -ENOMEM, NULL);
	else
		control_reply_json(reply, 200,
			json_pack("{s:b, s:o}", "ok", report_count(report) == 0,
				"report", control_reply_string(text)));
	free(text);
	report_free(report);
}
