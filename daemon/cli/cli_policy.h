/*
 * What `policy test` and `policy replay` share: whose policy is asked.
 */
#ifndef SBX_CLI_POLICY_H
#define SBX_CLI_POLICY_H

#include <stdbool.h>
#include <stddef.h>

struct cli;
struct policy;

enum { CLI_POLICY_FILES = 64 };

struct cli_policy_options {                  /* borrowed from argv */
	const char *files[CLI_POLICY_FILES]; /* --policy-file */
	size_t file_count;
	const char *config; /* --config, here or before the command */
	const char *log;    /* --log */
	bool json;          /* --json, here or before the command */
	const char *argument;
};

/*
 * False: they cannot be understood.  takes_log: --log has to be there, else it
 * must not be.
 */
bool cli_policy_options_parse(const struct cli *cli, int argc, char **argv,
	bool takes_log, struct cli_policy_options *ret);

/*
 * The policy of the files; what is wrong with them goes to standard error.
 * CLI_OK and *ret, or CLI_USAGE.
 */
int cli_policy_load(const struct cli *cli, const struct cli_policy_options *o,
	struct policy **ret);

/* Subcommands: argv[0] is the verb. */
int cli_policy_test(const struct cli *cli, int argc, char **argv);
int cli_policy_replay(const struct cli *cli, int argc, char **argv);

#endif
