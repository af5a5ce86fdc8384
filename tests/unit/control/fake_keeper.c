#include "fake_keeper.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "keeper_entry.h"
#include "policy.h"
#include "report.h"
#include "tree.h"

static const char document[] =
	"version: 1\n"
	"credentials:\n"
	"  api:\n"
	"    source: {env: [API_TOKEN, OTHER_TOKEN]}\n"
	"    inject:\n"
	"      - {host: api.example.org, header: Authorization,\n"
	"         format: \"Bearer ${value}\"}\n"
	"policies:\n"
	"  agent:\n"
	"    default: deny\n"
	"    allow:\n"
	"      - {host: api.example.org, method: [GET], path: \"/repos/**\"}\n"
	"      - {host: example.org}\n"
	"      - {host: q.example.org, query: {a: \"1*\"}, "
	"header: {X-A: b}}\n"
	"      - {host: db.example.org, port: 5432, tls: passthrough}\n"
	"      - {address: 192.0.2.0/24, port: 22}\n"
	"      - {host: few.example.org,\n"
	"         limit: {requests: 60/m, up: 1500B/h, down: 20MB/d}}\n"
	"    credentials: [api]\n"
	"  open:\n"
	"    default: allow\n";

void
fake_keeper_init(struct keeper *k)
{
	struct report *report = report_new();
	const struct tree *trees[1];
	struct tree *tree;
	int e;

	*k = (struct keeper){.text = ""};
	e = tree_parse(
		"agent.yaml", document, sizeof(document) - 1, &tree, report);
	assert(e == 0);
	trees[0] = tree;
	e = policy_compile(trees, 1, NULL, &k->policy, report);
	assert(e == 0);
	tree_free(tree);
	report_free(report);
}

void
fake_keeper_done(struct keeper *k)
{
	policy_unref(k->policy);
}

void
fake_keeper_finish(struct keeper *k)
{
	keeper_done *done = k->done;

	k->done = NULL;
	done(k->done_arg, k->result, k->text, NULL);
}

static void
change(struct keeper *k, const char *name, const char *text, keeper_done *done,
	void *arg)
{
	snprintf(k->name, sizeof(k->name), "%s", name);
	snprintf(k->document, sizeof(k->document), "%s", text);
	k->changes++;
	k->done = done;
	k->done_arg = arg;
	if (!k->later)
		fake_keeper_finish(k);
}

void
keeper_reload(struct keeper *k, keeper_done *done, void *arg)
{
	change(k, "reload", "", done, arg);
}

void
keeper_add_sandbox(struct keeper *k, const char *name, const char *text,
	keeper_done *done, void *arg)
{
	char created[sizeof(k->document)];

	snprintf(created, sizeof(created), "new %s", text);
	snprintf(k->kind, sizeof(k->kind), "sandbox");
	change(k, name, created, done, arg);
}

void
keeper_put_sandbox(struct keeper *k, const char *name, const char *text,
	keeper_done *done, void *arg)
{
	snprintf(k->kind, sizeof(k->kind), "sandbox");
	change(k, name, text, done, arg);
}

void
keeper_remove_sandbox(
	struct keeper *k, const char *name, keeper_done *done, void *arg)
{
	change(k, name, "", done, arg);
}

void
keeper_set_overlay(struct keeper *k, const char *name,
	const struct keeper_overlay *o, keeper_done *done, void *arg)
{
	char text[sizeof(k->document)];

	snprintf(text, sizeof(text), "%s%s if %s",
		o->ephemeral ? "for now " : "",
		o->document != NULL ? o->document : "nothing",
		o->match != NULL ? o->match : "any");
	change(k, name, text, done, arg);
}

int
keeper_overlay_of(struct keeper *k, const char *name, char **ret_text,
	char ret_tag[KEEPER_TAG])
{
	(void)k;
	if (strcmp(name, "one") != 0)
		return -ENOENT;
	snprintf(ret_tag, KEEPER_TAG, "0123456789abcdef");
	*ret_text = strdup("mode: policy\n"
			   "allow:\n"
			   "  - host: [b.test]\n"
			   "    port: [443, 8000-9000]\n"
			   "    broad: true\n");
	return *ret_text != NULL ? 0 : -ENOMEM;
}

void
keeper_set_entry(struct keeper *k, const struct keeper_entry *e,
	keeper_done *done, void *arg)
{
	char text[sizeof(k->document)];

	snprintf(text, sizeof(text), "%s%s%s if %s",
		e->ephemeral ? "for now " : "", e->create ? "new " : "",
		e->document != NULL ? e->document : "nothing",
		e->match != NULL ? e->match : "any");
	snprintf(k->kind, sizeof(k->kind), "%s", policy_entry_noun(e->kind));
	change(k, e->name, text, done, arg);
}

int
keeper_entry_of(struct keeper *k, enum policy_entry_kind kind, const char *name,
	char **ret_text, char ret_tag[KEEPER_TAG])
{
	struct report_mark at;

	if (!policy_entry_find(k->policy, kind, name, &at))
		return -ENOENT;
	snprintf(ret_tag, KEEPER_TAG, "0123456789abcdef");
	*ret_text = policy_entry_print(k->policy, kind, name);
	return *ret_text != NULL ? 0 : -ENOMEM;
}

json_t *
keeper_entry_place(
	struct keeper *k, enum policy_entry_kind kind, const char *name)
{
	struct report_mark at;

	if (!policy_entry_find(k->policy, kind, name, &at))
		return NULL;
	return json_pack("{s:s, s:b}", "source", "socket", "ephemeral", 1);
}

struct overlay *
keeper_overlay_rules(struct keeper *k, const char *name)
{
	(void)k, (void)name;
	return NULL;
}

void
keeper_refresh_credentials(
	struct keeper *k, const char *name, keeper_done *done, void *arg)
{
	change(k, name != NULL ? name : "all", "", done, arg);
}

json_t *
keeper_credential(struct keeper *k, const char *name)
{
	(void)k;
	if (strcmp(name, "api") != 0)
		return NULL;
	return json_pack("{s:s, s:s}", "state", "available", "from", "env");
}

const struct policy *
keeper_policy(const struct keeper *k)
{
	return k->policy;
}

json_t *
keeper_status(struct keeper *k)
{
	(void)k;
	return json_pack("{s:s, s:b, s:{s:b, s:s}, s:[{s:s, s:b, s:s}]}",
		"version", "0", "ready", 1, "kernel", "ok", k->result == 0,
		"text", k->text, "credentials", "name", "api", "available",
		!k->no_value, "why", "it is not set");
}

json_t *
keeper_health(struct keeper *k)
{
	return json_pack("{s:b, s:s, s:[]}", "ok", k->result == 0, "text",
		k->text, "findings");
}

char *
keeper_metrics(struct keeper *k)
{
	(void)k;
	return strdup("sbx_net_selfcheck_ok 1\n");
}

json_t *
keeper_sandboxes(struct keeper *k)
{
	return json_pack("[o]", keeper_sandbox(k, "one"));
}

json_t *
keeper_sandbox(struct keeper *k, const char *name)
{
	(void)k;
	if (strcmp(name, "one") != 0)
		return NULL;
	return json_pack("{s:s, s:s}", "name", "one", "interface", "veth-1");
}

json_t *
keeper_environment(struct keeper *k, const char *name)
{
	(void)k;
	if (strcmp(name, "one") != 0)
		return NULL;
	return json_pack("{s:{s:s}, s:{s:s}}", "environment", "GH_TOKEN",
		"looks-like-it", "stand_ins", "github", "looks-like-it");
}

const char *
keeper_sandbox_policy(struct keeper *k, const char *name)
{
	(void)k;
	return strcmp(name, "one") == 0 || strcmp(name, "two") == 0 ? "agent"
								    : NULL;
}

const struct policy_limit *
keeper_sandbox_limit(
	struct keeper *k, const char *name, const char **ret_source)
{
	static const struct policy_limit limit = {
		.amounts[POLICY_REQUESTS] = {100, 3600}};

	(void)k;
	if (strcmp(name, "two") != 0)
		return NULL;
	*ret_source = "boxes.yaml:7";
	return &limit;
}

const char *
keeper_sandbox_ca(struct keeper *k, const char *name)
{
	(void)k;
	return strcmp(name, "one") == 0 ? "-----BEGIN one\n" : NULL;
}

json_t *
keeper_guard(struct keeper *k, const char *addresses)
{
	(void)k;
	return json_pack("{s:[s], s:[], s:[{s:s, s:s?}]}", "resolver",
		"192.0.2.53", "allowed", "addresses", "address", addresses,
		"refused", strstr(addresses, "10.") != NULL ? "private" : NULL);
}

const char *
keeper_trust_pem(struct keeper *k)
{
	return k->result == 0 ? "-----BEGIN roots\n" : NULL;
}
