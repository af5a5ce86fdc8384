/*
 * cli_policy_replay.c - policy replay FILE --log LOG: what would a new policy
 * have changed?
 *
 * Reads decisions, as sbx-netlog does, and puts those that policy made to the
 * policy of FILE: of the sandbox, if FILE declares it, else of the name that is
 * on record.  What others decided (HTTP's rules, limits, the kernel) no policy
 * changes, and what an overlay decided only by its deny rules.  Everything in
 * the log may be a stranger's, and is escaped.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "cli.h"
#include "cli_policy.h"
#include "cli_talk.h"
#include "log_replay.h"
#include "logline.h"
#include "policy.h"
#include "policy_files.h"
#include "reader.h"
#include "yaml_text.h"

static bool
is(const struct logline *l, const char *key, const char *value)
{
	return strcmp(logline_text(l, key), value) == 0;
}

/* Whether policy decided it, or its not saying anything did. */
static bool
is_of_policy(const struct logline *l, bool packets)
{
	int reason = logline_reason(l);

	if (reason < 0 || reason == (int)RECORD_LOCKDOWN)
		return false;
	/* With a detail it is what no rule can allow: a fragment, say. */
	if (packets && reason == (int)RECORD_PROTOCOL)
		return logline_text(l, "detail")[0] == '\0';
	/* The list of reasons begins with policy's. */
	return reason <= (int)RECORD_NOT_RAW ||
	       (packets && reason == (int)RECORD_QUIC);
}

/* Whether an overlay decided, which stays: it was set, or FILE, which would
 * say what the sandbox starts with, does not declare the sandbox. */
static bool
is_of_overlay(const struct logline *l, bool declared)
{
	static const char set[] = "overlay of ";
	const char *policy = logline_text(l, "policy");
	const char *rule = logline_text(l, "rule");
	size_t len = strlen(policy);

	if (strncmp(logline_text(l, "source"), set, strlen(set)) == 0)
		return true;
	return !declared && rule[0] != '\0' && len > 0 &&
	       (strncmp(rule, policy, len) != 0 || rule[len] != '.');
}

/* Which question it was; false: policy has no say in it. */
static bool
read_kind(const struct logline *l, enum log_replay_kind *ret)
{
	static const struct {
		enum record_kind from;
		enum log_replay_kind to;
	} kinds[] = {
		{RECORD_REQUEST, LOG_REPLAY_REQUEST},
		{RECORD_CONNECT, LOG_REPLAY_CONNECT},
		{RECORD_DNS, LOG_REPLAY_NAME},
		{RECORD_PACKET, LOG_REPLAY_PACKET},
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		*ret = kinds[i].to;
		if (is(l, "kind", record_kind_name(kinds[i].from)))
			return is_of_policy(l, *ret == LOG_REPLAY_PACKET);
	}
	return false;
}

static int
take_decision(struct log_replay *replay, const struct policy *policy,
	const struct logline *l)
{
	uint64_t count = logline_number(l, "count");
	struct log_replay_decision d = {
		.sandbox = logline_text(l, "sandbox"),
		.proto = logline_text(l, "proto"),
		.host = logline_text(l, "host"),
		.dst = logline_text(l, "dst"),
		.method = logline_text(l, "method"),
		.path = logline_text(l, "path"),
		.port = logline_number(l, "dport"),
		.count = count > 1 ? count : 1,
		.allowed = logline_passed(l),
		.reason = logline_text(l, "reason"),
		.rule = logline_text(l, "rule"),
		.source = logline_text(l, "source"),
	};
	const struct policy_set *set;

	if (!read_kind(l, &d.kind)) {
		log_replay_keep(replay, d.count);
		return 0;
	}
	if (d.kind == LOG_REPLAY_PACKET)
		d.method = d.proto;
	d.cut = logline_flag(l, "truncated") ||
		strstr(d.path, "\xef\xbf\xbd") != NULL;
	set = policy_files_find_sandbox(policy, d.sandbox);
	d.overlay = is_of_overlay(l, set != NULL);
	if (set == NULL)
		set = policy_find(policy, logline_text(l, "policy"));
	return log_replay_judge(replay, set, &d);
}

/* CLI_OK, or how to exit. */
static int
read_log(struct log_replay *replay, const struct policy *policy,
	const char *path)
{
	const struct logline *l;
	struct reader *reader;
	char text[512];
	int r;

	if (reader_open(path, false, &reader, text, sizeof(text)) < 0)
		return cli_complain(CLI_FAILED, "%s", text);
	while ((r = reader_next(reader, &l)) > 0) {
		if (logline_is_outcome(l) ||
			is(l, "kind", record_kind_name(RECORD_CONTROL)))
			continue;
		r = take_decision(replay, policy, l);
		if (r < 0)
			break;
	}
	if (reader_broken(reader) > 0)
		fprintf(stderr,
			"sbx-netctl: %" PRIu64 " lines of %s are no records "
			"and were skipped\n",
			reader_broken(reader), path);
	reader_free(reader);
	return r < 0 ? cli_complain(CLI_FAILED, "%s: %s", path, strerror(-r))
		     : CLI_OK;
}

/* ---- telling ------------------------------------------------------------ */

static void
put_verdict(
	bool allowed, const char *reason, const char *rule, const char *source)
{
	printf("%s (", allowed ? "allowed" : "denied");
	yaml_put_comment(stdout, reason);
	fputs(") by ", stdout);
	yaml_put_comment(stdout, rule[0] != '\0' ? rule : "-");
	fputs(" (", stdout);
	yaml_put_comment(stdout, source[0] != '\0' ? source : "-");
	fputc(')', stdout);
}

static const char *const kind_names[] = {
	[LOG_REPLAY_REQUEST] = "request",
	[LOG_REPLAY_CONNECT] = "connect",
	[LOG_REPLAY_NAME] = "dns",
	[LOG_REPLAY_PACKET] = "packet",
};

static void
print_change(const struct log_replay_change *c)
{
	bool v6 = strchr(c->host, ':') != NULL;

	printf("%6" PRIu64 "x ", c->count);
	yaml_put_comment(stdout, c->sandbox);
	fputc(' ', stdout);
	yaml_put_comment(
		stdout, c->method[0] != '\0' ? c->method : kind_names[c->kind]);
	fputs(v6 ? " [" : " ", stdout);
	yaml_put_comment(stdout, c->host);
	fputs(v6 ? "]" : "", stdout);
	if (c->port != 0 && c->kind != LOG_REPLAY_NAME)
		printf(":%" PRIu64 "", c->port);
	yaml_put_comment(stdout, c->path);
	fputs("\n        ", stdout);
	put_verdict(!c->allowed, c->old_reason, c->old_rule, c->old_source);
	fputs("\n     -> ", stdout);
	put_verdict(c->allowed, c->new_reason, c->new_rule, c->new_source);
	fputc('\n', stdout);
}

static void
print_text(struct log_replay *replay)
{
	const struct log_replay_totals t = log_replay_totals(replay);
	const struct log_replay_change *changes;
	size_t count;

	changes = log_replay_changes(replay, &count);
	for (size_t i = 0; i < count; i++)
		print_change(&changes[i]);
	if (t.unlisted > 0)
		printf("and %" PRIu64 " more that change\n", t.unlisted);
	printf("%" PRIu64 " decisions, %" PRIu64 " the same, %" PRIu64
	       " would be allowed, %" PRIu64 " would be denied",
		t.decisions, t.same, t.allowed, t.denied);
	if (t.unclear > 0)
		printf(", %" PRIu64 " cannot be judged", t.unclear);
	fputc('\n', stdout);
}

static json_t *
json_verdict(
	bool allowed, const char *reason, const char *rule, const char *source)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "verdict",
		allowed ? "allowed" : "denied", "reason", reason, "rule", rule,
		"source", source);
}

static json_t *
json_change(const struct log_replay_change *c)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:s, s:o, s:o}",
		"count", (json_int_t)c->count, "kind", kind_names[c->kind],
		"sandbox", c->sandbox, "method", c->method, "host", c->host,
		"port", (json_int_t)c->port, "path", c->path, "old",
		json_verdict(
			!c->allowed, c->old_reason, c->old_rule, c->old_source),
		"new",
		json_verdict(
			c->allowed, c->new_reason, c->new_rule, c->new_source));
}

static void
print_json(struct log_replay *replay)
{
	const struct log_replay_totals t = log_replay_totals(replay);
	const struct log_replay_change *changes;
	json_t *list = json_array(), *all;
	size_t count;

	changes = log_replay_changes(replay, &count);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_change(&changes[i]));
	all = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "decisions",
		(json_int_t)t.decisions, "same", (json_int_t)t.same, "allowed",
		(json_int_t)t.allowed, "denied", (json_int_t)t.denied,
		"unclear", (json_int_t)t.unclear, "unlisted",
		(json_int_t)t.unlisted, "changes", list);
	json_dumpf(all, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(all);
}

int
cli_policy_replay(const struct cli *cli, int argc, char **argv)
{
	struct log_replay *replay = NULL;
	struct policy *policy = NULL;
	struct cli_policy_options o;
	int status;

	if (!cli_policy_options_parse(cli, argc, argv, true, &o) ||
		o.config != NULL || o.file_count == CLI_POLICY_FILES)
		return cli_complain(CLI_USAGE,
			"usage: policy replay FILE --log LOG [--json] "
			"[--policy-file DOC...]");
	o.files[o.file_count++] = o.argument;
	status = cli_policy_load(cli, &o, &policy);
	if (status == CLI_OK) {
		replay = log_replay_new();
		status = replay != NULL
				 ? read_log(replay, policy, o.log)
				 : cli_complain(CLI_FAILED, "out of memory");
	}
	if (status == CLI_OK)
		(o.json ? print_json : print_text)(replay);
	log_replay_free(replay);
	policy_unref(policy);
	return status;
}
