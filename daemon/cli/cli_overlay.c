/*
 * cli_overlay.c - policy set, policy clear, lockdown, open
 *
 * `policy set` adds to what is there: it reads the overlay, adds, and sets it
 * on condition that nobody else has changed it meanwhile; if so, it begins
 * again.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_ask.h"
#include "cli_overlay.h"
#include "cli_talk.h"
#include "control_client.h"

enum { TRIES = 8, TEXT = 64 * 1024 };

struct wish {
	const char *sandbox;
	json_t *allow, *deny; /* rules to add */
	const char *mode;     /* NULL: as it is */
	const char *match;    /* NULL: what it is when we look */
	bool ephemeral;
	bool has_options; /* for rules and mode: of policy set */
};

static char text[TEXT]; /* what went wrong */

/* ---- options ------------------------------------------------------------ */

#define FOR_A_WHILE \
	{ \
		.name = "ephemeral", .code = 'e', \
		.help = "until the daemon ends; what was kept holds again " \
			"then" \
	}
#define IF_MATCH \
	{ \
		.name = "if-match", .code = 'i', .value = "TAG", \
		.help = "only if the overlay is the one of that tag" \
	}

const struct usage_option cli_policy_set_usage[] = {
	{.name = "allow",
		.code = 'a',
		.value = "HOST[:PORT]",
		.help = "one rule more; may be given again"},
	{.name = "deny",
		.code = 'd',
		.value = "HOST[:PORT]",
		.help = "one rule more; may be given again"},
	{.name = "mode",
		.code = 'm',
		.value = "policy|lockdown|open",
		.help = "its rules and the policy's; nothing; all but what is "
			"denied"},
	FOR_A_WHILE,
	IF_MATCH,
	{.name = NULL},
};

const struct usage_option cli_overlay_usage[] = {
	FOR_A_WHILE,
	IF_MATCH,
	{.name = NULL},
};

/* HOST or HOST:PORT as a rule. */
static json_t *
rule_of(const char *place)
{
	const char *colon = strrchr(place, ':');
	char *end;
	long port;

	if (colon == NULL)
		return json_pack("{s:s}", "host", place);
	port = strtol(colon + 1, &end, 10);
	if (*end != '\0' || end == colon + 1 || port < 1 || port > 65535)
		return NULL;
	return json_pack("{s:o, s:i}", "host",
		json_stringn(place, (size_t)(colon - place)), "port",
		(int)port);
}

static int
add_rule(json_t *list, const char *place)
{
	json_t *rule = rule_of(place);

	if (rule == NULL)
		return cli_complain(CLI_USAGE,
			"'%s' is not HOST or HOST:PORT (a port is 1 to 65535)",
			place);
	json_array_append_new(list, rule);
	return CLI_OK;
}

static int
read_wish(struct wish *w, int argc, char **argv)
{
	struct option options[USAGE_OPTIONS_MAX + 1];
	int option, status = CLI_OK;

	/* The mode is the command's, or an option. */
	usage_getopt(w->has_options ? cli_policy_set_usage : cli_overlay_usage,
		options);
	optind = 0;
	while (status == CLI_OK &&
		(option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			status = add_rule(w->allow, optarg);
			break;
		case 'd':
			status = add_rule(w->deny, optarg);
			break;
		case 'm':
			w->mode = optarg;
			break;
		case 'e':
			w->ephemeral = true;
			break;
		case 'i':
			w->match = optarg;
			break;
		default:
			status = CLI_USAGE;
		}
	}
	if (status == CLI_OK && optind != argc - 1)
		return cli_complain(
			CLI_USAGE, "which sandbox?  See sbx-netctl help");
	w->sandbox = argv[optind];
	return status;
}

/* ---- the talk ----------------------------------------------------------- */

static const char *
target_of(const struct wish *w)
{
	return cli_target(w->ephemeral ? "/v1/sandboxes/%s/overlay?ephemeral=1"
				       : "/v1/sandboxes/%s/overlay",
		w->sandbox);
}

static void
extend(json_t *overlay, const char *key, json_t *rules)
{
	json_t *list = json_object_get(overlay, key);

	if (json_array_size(rules) == 0)
		return;
	if (list == NULL)
		json_object_set(overlay, key, rules);
	else
		json_array_extend(list, rules);
}

/* The overlay with what is wished, as a document; NULL: no memory. */
static char *
combine(json_t *overlay, const struct wish *w)
{
	extend(overlay, "allow", w->allow);
	extend(overlay, "deny", w->deny);
	if (w->mode != NULL)
		json_object_set_new(overlay, "mode", json_string(w->mode));
	return json_dumps(overlay, JSON_COMPACT);
}

/* 0, or -errno with a line in text; -ESTALE: somebody was faster. */
static int
ask(struct control_client *client, struct control_question *q, json_t **ret)
{
	q->seconds = CLI_CHANGE_SECONDS;
	q->body_len = q->body != NULL ? strlen(q->body) : 0;
	return cli_ask_json(client, q, ret, text, sizeof(text));
}

/* Reads, adds, sets. */
static int
set_once(struct control_client *client, const struct wish *w, json_t **ret)
{
	json_t *now = NULL;
	char *body;
	int r;

	r = ask(client,
		&(struct control_question){
			.method = "GET", .target = target_of(w)},
		&now);
	if (r < 0)
		return r;
	body = combine(json_object_get(now, "overlay"), w);
	r = -ENOMEM;
	snprintf(text, sizeof(text), "out of memory");
	if (body != NULL)
		r = ask(client,
			&(struct control_question){
				.method = "PUT",
				.target = target_of(w),
				.body = body,
				.if_match = w->match != NULL
						    ? w->match
						    : cli_text(now, "tag"),
			},
			ret);
	free(body);
	json_decref(now);
	return r;
}

static int
clear_once(struct control_client *client, const struct wish *w, json_t **ret)
{
	return ask(client,
		&(struct control_question){
			.method = "DELETE",
			.target = target_of(w),
			.if_match = w->match,
		},
		ret);
}

static int
make_it_so(const struct cli *cli, const struct wish *w,
	int (*once)(struct control_client *, const struct wish *, json_t **),
	const char *done)
{
	struct control_client *client = NULL;
	int status = cli_connect(cli, &client), r = -ESTALE;
	json_t *answer = NULL;

	if (status != CLI_OK)
		return status;
	for (int i = 0; r == -ESTALE && i < (w->match != NULL ? 1 : TRIES); i++)
		r = once(client, w, &answer);
	status = cli_hang_up(client, r, text);
	if (status == CLI_OK)
		cli_print_done(cli, answer, done);
	json_decref(answer);
	return status;
}

static int
with_wish(const struct cli *cli, int argc, char **argv, const char *mode,
	int (*once)(struct control_client *, const struct wish *, json_t **),
	const char *done)
{
	struct wish w = {
		.allow = json_array(),
		.deny = json_array(),
		.mode = mode,
		.has_options = once == set_once && mode == NULL,
	};
	int status = read_wish(&w, argc, argv);

	if (status == CLI_OK)
		status = make_it_so(cli, &w, once, done);
	json_decref(w.allow);
	json_decref(w.deny);
	return status;
}

int
cli_policy_set(const struct cli *cli, int argc, char **argv)
{
	return with_wish(cli, argc, argv, NULL, set_once, "set");
}

int
cli_policy_clear(const struct cli *cli, int argc, char **argv)
{
	return with_wish(cli, argc, argv, NULL, clear_once,
		"cleared: its policy holds alone");
}

int
cli_lockdown(const struct cli *cli, int argc, char **argv)
{
	return with_wish(cli, argc, argv, "lockdown", set_once,
		"locked down: nothing leaves it");
}

int
cli_open(const struct cli *cli, int argc, char **argv)
{
	return with_wish(cli, argc, argv, "open", set_once,
		"open: what no rule denies leaves it");
}
