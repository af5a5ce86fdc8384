#include "cli_policy.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_talk.h"
#include "policy_files.h"

#define DOCUMENTS \
	{.name = "policy-file", \
		.code = 'p', \
		.value = "FILE", \
		.help = "these documents; may be given again"}, \
		{.name = "config", \
			.code = 'c', \
			.value = "PATH", \
			.help = "what this main file and its neighbours say"}, \
	{ \
		.name = "json", .code = 'j', .help = "print answers as JSON" \
	}

const struct usage_option cli_policy_test_usage[] = {
	DOCUMENTS,
	{.name = NULL},
};

const struct usage_option cli_policy_replay_usage[] = {
	{.name = "log",
		.code = 'l',
		.value = "FILE",
		.help = "the decisions (- for standard input)"},
	DOCUMENTS,
	{.name = NULL},
};

bool
cli_policy_options_parse(const struct cli *cli, int argc, char **argv,
	bool takes_log, struct cli_policy_options *ret)
{
	struct option options[USAGE_OPTIONS_MAX + 1];
	int option;

	usage_getopt(
		takes_log ? cli_policy_replay_usage : cli_policy_test_usage,
		options);
	*ret = (struct cli_policy_options){
		.config = cli->config, .json = cli->json};
	optind = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 'p' && ret->file_count < CLI_POLICY_FILES)
			ret->files[ret->file_count++] = optarg;
		else if (option == 'c')
			ret->config = optarg;
		else if (option == 'l')
			ret->log = optarg;
		else if (option == 'j')
			ret->json = true;
		else
			return false;
	}
	if (optind + 1 != argc || takes_log != (ret->log != NULL))
		return false;
	ret->argument = argv[optind];
	return ret->config == NULL || ret->file_count == 0;
}

int
cli_policy_load(const struct cli *cli, const struct cli_policy_options *o,
	struct policy **ret)
{
	char *report = NULL;
	int r;

	if (o->file_count > 0)
		r = policy_files_compile(o->files, o->file_count, ret, &report);
	else
		r = policy_files_load(
			o->config, cli->runtime_dir, ret, &report);
	if (r == -EINVAL)
		fputs(report, stderr);
	free(report);
	if (r == 0)
		return CLI_OK;
	return r == -EINVAL ? CLI_USAGE
			    : cli_complain(CLI_USAGE, "%s", strerror(-r));
}
