/*
 * The second word of a subcommand: "sandbox ls".
 */
#ifndef SBX_CLI_VERB_H
#define SBX_CLI_VERB_H

#include <stddef.h>

struct cli;

struct cli_verb {
	const char *name;
	const char *args;
	int (*run)(const struct cli *cli, int argc, char **argv);
	int least, most; /* arguments, without the verb */
};

/* Runs the one that argv[1] names, with argv from there on; or says what there
 * is.  The exit status. */
int cli_run_verb(const struct cli *cli, const struct cli_verb *verbs,
	size_t count, int argc, char **argv);

#endif
