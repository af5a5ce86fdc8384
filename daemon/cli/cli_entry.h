/*
 * The commands that change policies and credentials.
 */
#ifndef SBX_CLI_ENTRY_H
#define SBX_CLI_ENTRY_H

#include <jansson.h>

struct cli;

/* Subcommands: argv[0] is the verb. */
int cli_policy_add(const struct cli *cli, int argc, char **argv);
int cli_policy_rm(const struct cli *cli, int argc, char **argv);
int cli_secret_add(const struct cli *cli, int argc, char **argv);
int cli_secret_rm(const struct cli *cli, int argc, char **argv);

/* For lists: how long the one that they show stays, or "". */
const char *cli_entry_end(const json_t *entry);

#endif
