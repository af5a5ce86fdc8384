/*
 * cli_policy_test.c - policy test FILE: does policy decide as a file expects?
 *
 * The cases are put to files, through the functions that enforce, or to the
 * running daemon, one by one, as `explain` does.  A case that names nobody, or
 * that cannot be read, is a mistake in the file and not a failed expectation.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cli.h"
#include "cli_explain.h"
#include "cli_policy.h"
#include "cli_talk.h"
#include "control_client.h"
#include "judgement.h"
#include "policy_case.h"
#include "policy_files.h"
#include "url_target.h"
#include "would_inject.h"
#include "would_swap.h"

struct test {
	const char *path;
	unsigned line;
	struct policy *policy;         /* of files; else NULL */
	struct control_client *client; /* of the daemon; else NULL */
	json_t *held;                  /* what an answer points into */
	unsigned cases, failed, broken;
	json_t *failures; /* for --json; else NULL */
};

/* By either way in. */
static bool
goes(const struct policy_answer *a, const char *name)
{
	const char *at = strstr(a->credentials, name);
	size_t len = strlen(name);

	while (at != NULL && ((at > a->credentials && at[-1] != ',') ||
				     (at[len] != ',' && at[len] != '\0')))
		at = strstr(at + 1, name);
	return at != NULL;
}

static void
add_name(struct policy_answer *a, const char *name)
{
	size_t len = strlen(a->credentials);

	snprintf(a->credentials + len, sizeof(a->credentials) - len, "%s%s",
		len > 0 ? "," : "", name);
}

static void
add_credentials(struct policy_answer *a, const struct would_inject_question *q)
{
	static struct would_inject injects[WOULD_INJECT_MAX];
	static struct would_swap swaps[WOULD_INJECT_MAX];
	size_t count = would_inject(q, injects);

	for (size_t i = 0; i < count; i++)
		if (injects[i].goes)
			add_name(a, injects[i].name);
	count = would_swap(q, swaps);
	for (size_t i = 0; i < count; i++)
		if (swaps[i].places != 0 && !goes(a, swaps[i].name))
			add_name(a, swaps[i].name);
}

static int
ask_files(struct test *t, const struct policy_case *c,
	struct policy_answer *ret, char reterr[POLICY_CASE_TEXT])
{
	static struct url_target target;
	const struct policy_set *set = policy_files_find(t->policy, c->subject);
	struct would_inject_question w = {.set = set};
	struct judgement_question q;
	struct judgement j;

	if (set == NULL) {
		snprintf(reterr, POLICY_CASE_TEXT,
			"there is no sandbox and no policy \"%.64s\"",
			c->subject);
		return -ENOENT;
	}
	(void)url_target_read(c->url, &target); /* it was read before */
	q = judgement_question(set, c->method, &target);
	w.tls = target.tls;
	w.host = target.name;
	w.port = target.port;
	j = judge_request(&q);
	*ret = (struct policy_answer){.allowed = j.allowed,
		.reason = record_reason_name(j.reason),
		.rule = j.rule,
		.source = j.source};
	if (j.entitled && j.via == POLICY_VIA_INSPECT)
		add_credentials(ret, &w);
	return 0;
}

static int
ask_daemon(struct test *t, const struct policy_case *c,
	struct policy_answer *ret, char reterr[POLICY_CASE_TEXT])
{
	const char *pairs[] = {
		"name", c->subject, "method", c->method, "url", c->url, NULL};
	const json_t *name;
	size_t i;
	int e;

	json_decref(t->held);
	t->held = NULL;
	e = cli_explain_ask(
		t->client, pairs, &t->held, reterr, POLICY_CASE_TEXT);
	if (e < 0)
		return e;
	*ret = (struct policy_answer){
		.allowed = strcmp(cli_text(t->held, "verdict"), "denied") != 0,
		.reason = cli_text(t->held, "reason"),
		.rule = cli_text(t->held, "rule"),
		.source = cli_text(t->held, "source"),
	};
	json_array_foreach(json_object_get(t->held, "credentials"), i, name)
	{
		add_name(ret, json_string_value(name));
	}
	return 0;
}

static void
note_failure(struct test *t, const struct policy_answer *a, const char *text)
{
	t->failed++;
	if (t->failures == NULL) {
		printf("%s:%u: %s\n", t->path, t->line, text);
		return;
	}
	json_array_append_new(t->failures,
		json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "file",
			t->path, "line", (int)t->line, "text", text, "got",
			a->allowed ? "allowed" : "denied", "reason", a->reason,
			"rule", a->rule, "source", a->source));
}

/* 0, or -errno when there is no going on. */
static int
run_line(struct test *t, char *line)
{
	char text[POLICY_CASE_TEXT];
	static struct policy_answer answer;
	struct policy_case c;
	int r = policy_case_read(line, &c, text);

	if (r == 0)
		return 0;
	if (r > 0)
		r = t->policy != NULL ? ask_files(t, &c, &answer, text)
				      : ask_daemon(t, &c, &answer, text);
	if (r < 0) {
		t->broken++;
		fprintf(stderr, "%s:%u: %s\n", t->path, t->line, text);
		return r == -EINVAL || r == -ENOENT ? 0 : r;
	}
	t->cases++;
	if (!policy_case_agrees(&c, &answer, text))
		note_failure(t, &answer, text);
	return 0;
}

static int
run_lines(struct test *t, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	while (r == 0 && getline(&line, &size, file) >= 0) {
		t->line++;
		r = run_line(t, line);
	}
	free(line);
	return r;
}

static void
print_end(struct test *t)
{
	json_t *all;

	if (t->failures == NULL) {
		printf("%u cases, %u as expected, %u not\n", t->cases,
			t->cases - t->failed, t->failed);
		return;
	}
	all = json_pack("{s:i, s:i, s:O}", "cases", (int)t->cases, "failed",
		(int)t->failed, "failures", t->failures);
	json_dumpf(all, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(all);
}

static int
run_file(struct test *t)
{
	bool standard = strcmp(t->path, "-") == 0;
	FILE *file = standard ? stdin : fopen(t->path, "re");
	int r;

	if (file == NULL)
		return cli_complain(
			CLI_USAGE, "%s: %s", t->path, strerror(errno));
	r = run_lines(t, file);
	if (!standard)
		fclose(file);
	if (r < 0)
		return CLI_NO_DAEMON;
	print_end(t);
	if (t->broken > 0)
		return CLI_USAGE;
	return t->failed > 0 ? CLI_FAILED : CLI_OK;
}

int
cli_policy_test(const struct cli *cli, int argc, char **argv)
{
	struct cli_policy_options o;
	struct test t = {.line = 0};
	int status;

	if (!cli_policy_options_parse(cli, argc, argv, false, &o))
		return cli_complain(CLI_USAGE,
			"usage: policy test FILE [--json] [--config PATH | "
			"--policy-file DOC...]");
	t.path = o.argument;
	if (o.json)
		t.failures = json_array();
	if (o.config != NULL || o.file_count > 0)
		status = cli_policy_load(cli, &o, &t.policy);
	else
		status = cli_connect(cli, &t.client);
	if (status == CLI_OK)
		status = run_file(&t);
	control_client_close(t.client);
	policy_unref(t.policy);
	json_decref(t.held);
	json_decref(t.failures);
	return status;
}
