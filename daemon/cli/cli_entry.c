/*
 * cli_entry.c - policy add, policy rm, secret add, secret rm
 */
#include "cli_entry.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_document.h"
#include "cli_talk.h"
#include "control_client.h"

struct wish {
	const char *target; /* of a permanent change; of an ephemeral one */
	const char *ephemeral_target;
	const char *words[2]; /* name, file */
	const char *match;
	bool create, ephemeral;
};

#define FOR_A_WHILE \
	{ \
		.name = "ephemeral", .code = 'e', \
		.help = "until the daemon ends; what was kept holds again " \
			"then" \
	}
#define IF_MATCH \
	{ \
		.name = "if-match", .code = 'i', .value = "TAG", \
		.help = "only if it is the one of that tag, which show prints" \
	}

const struct usage_option cli_entry_add_usage[] = {
	FOR_A_WHILE,
	IF_MATCH,
	{.name = "new",
		.code = 'n',
		.help = "only if there is none of that name"},
	{.name = NULL},
};

const struct usage_option cli_entry_rm_usage[] = {
	FOR_A_WHILE,
	IF_MATCH,
	{.name = NULL},
};

const char *
cli_entry_end(const json_t *entry)
{
	return json_is_true(json_object_get(entry, "ephemeral"))
		       ? ", until sbx-netd ends"
		       : "";
}

/* count words, in any place between options. */
static int
read_wish(const struct usage_option *usage, int count, int argc, char **argv,
	struct wish *w)
{
	struct option options[USAGE_OPTIONS_MAX + 1];
	int option;

	usage_getopt(usage, options);
	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'e')
			w->ephemeral = true;
		else if (option == 'i')
			w->match = optarg;
		else if (option == 'n')
			w->create = true;
		else
			return CLI_USAGE;
	}
	if (argc - optind != count)
		return cli_complain(CLI_USAGE,
			count > 1 ? "which name, and which file?  See "
				    "sbx-netctl help"
				  : "which name?  See sbx-netctl help");
	for (int i = 0; i < count; i++)
		w->words[i] = argv[optind + i];
	return CLI_OK;
}

static int
make_it_so(const struct cli *cli, const struct wish *w, const char *body,
	const char *done)
{
	const struct control_question question = {
		.method = body != NULL ? "PUT" : "DELETE",
		.target = cli_target(
			w->ephemeral ? w->ephemeral_target : w->target,
			w->words[0]),
		.body = body,
		.body_len = body != NULL ? strlen(body) : 0,
		.if_match = w->match,
		.if_none_match = w->create ? "*" : NULL,
		.seconds = CLI_CHANGE_SECONDS,
	};

	return cli_submit(cli, &question, done);
}

static int
add(const struct cli *cli, int argc, char **argv, struct wish w)
{
	int status = read_wish(cli_entry_add_usage, 2, argc, argv, &w);
	char *document;

	if (status != CLI_OK)
		return status;
	document = cli_document_read(w.words[1]);
	if (document == NULL)
		return CLI_FAILED;
	status = make_it_so(cli, &w, document, "added");
	free(document);
	return status;
}

static int
rm(const struct cli *cli, int argc, char **argv, struct wish w)
{
	int status = read_wish(cli_entry_rm_usage, 1, argc, argv, &w);

	return status == CLI_OK ? make_it_so(cli, &w, NULL, "removed") : status;
}

static const struct wish policy = {
	.target = "/v1/policies/%s",
	.ephemeral_target = "/v1/policies/%s?ephemeral=1",
};

static const struct wish credential = {
	.target = "/v1/credentials/%s",
	.ephemeral_target = "/v1/credentials/%s?ephemeral=1",
};

int
cli_policy_add(const struct cli *cli, int argc, char **argv)
{
	return add(cli, argc, argv, policy);
}

int
cli_policy_rm(const struct cli *cli, int argc, char **argv)
{
	return rm(cli, argc, argv, policy);
}

int
cli_secret_add(const struct cli *cli, int argc, char **argv)
{
	return add(cli, argc, argv, credential);
}

int
cli_secret_rm(const struct cli *cli, int argc, char **argv)
{
	return rm(cli, argc, argv, credential);
}
