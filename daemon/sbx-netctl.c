/*
 * sbx-netctl - talk to sbx-netd; make a sandbox out of a command
 *
 * Global options, then a table of subcommands: each row is all that is known
 * of one, and `help` prints the table.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cli.h"

static int cli_help(const struct cli *cli, int argc, char **argv);

static const struct {
	const char *name;
	const char *args;
	const char *help;
	int (*run)(const struct cli *cli, int argc, char **argv);
} commands[] = {
	{"status", "", "the daemon, its workers, the kernel side", cli_status},
	{"doctor", "", "what on this host keeps it from working, and the cure",
		cli_doctor},
	{"check", "[FILE...]", "would these documents load?", cli_check},
	{"reload", "[--wait]", "read all documents again", cli_reload},
	{"sandbox", "ls | show NAME | add NAME OPTION... | rm NAME",
		"who is intercepted", cli_sandbox},
	{"policy", "ls | show NAME | set SANDBOX OPTION... | clear SANDBOX",
		"what is allowed; and a sandbox's overlay: --allow "
		"HOST[:PORT], --deny HOST[:PORT], --mode policy|lockdown|open, "
		"--ephemeral, --if-match TAG",
		cli_policy},
	{"lockdown", "SANDBOX [--ephemeral]", "nothing leaves it any more",
		cli_lockdown},
	{"open", "SANDBOX [--ephemeral]",
		"what no rule denies leaves it, until policy clear", cli_open},
	{"explain", "SANDBOX METHOD URL",
		"would it be allowed, and by which rule?  Exits 1 if not",
		cli_explain},
	{"ca", "show | bundle | env SANDBOX",
		"what a sandbox has to trust, and how to tell its programs",
		cli_ca},
	{"schema", "[documents]",
		"JSON Schema of sbx-netd.yaml, or of the documents beside it",
		cli_schema},
	{"log", "[OPTION...]", "read the decision log: sbx-netlog(1)", cli_log},
	{"run", "[OPTION...] [--] COMMAND [ARGUMENT...]",
		"run a command in a sandbox of its own", cli_run},
	{"help", "", "print this", cli_help},
};

static const struct option options[] = {
	{"runtime-dir", required_argument, NULL, 'r'},
	{"config", required_argument, NULL, 'c'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static void
print_usage(FILE *to)
{
	fprintf(to, "usage: sbx-netctl [--runtime-dir DIR] [--config PATH] "
		    "[--json] COMMAND ...\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %s %s\n        %s\n", commands[i].name,
			commands[i].args, commands[i].help);
	fprintf(to, "\nExit status: 0 done, 1 refused or failed, 2 wrong "
		    "usage, 3 no daemon;\nof 'run' the command's, 125 when "
		    "there was no running it.\n");
}

static int
cli_help(const struct cli *cli, int argc, char **argv)
{
	(void)cli, (void)argc, (void)argv;
	print_usage(stdout);
	return CLI_OK;
}

static int
run_command(const struct cli *cli, int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(cli, argc, argv);
	}
	fprintf(stderr, "sbx-netctl: no command '%s'; see sbx-netctl help\n",
		argv[0]);
	return CLI_USAGE;
}

int
main(int argc, char **argv)
{
	const char *dir = getenv("SBX_NET_RUNTIME_DIR");
	struct cli cli = {.runtime_dir = CLI_RUNTIME_DIR};
	int option;

	if (dir != NULL && dir[0] != '\0') {
		cli.runtime_dir = dir;
		cli.has_runtime_dir = true;
	}
	while ((option = getopt_long(argc, argv, "+hV", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			cli.runtime_dir = optarg;
			cli.has_runtime_dir = true;
			break;
		case 'c':
			cli.config = optarg;
			break;
		case 'j':
			cli.json = true;
			break;
		case 'h':
			print_usage(stdout);
			return CLI_OK;
		case 'V':
			printf("sbx-netctl %s\n", SBX_VERSION);
			return CLI_OK;
		default:
			return CLI_USAGE;
		}
	}
	if (optind == argc) {
		print_usage(stderr);
		return CLI_USAGE;
	}
	return run_command(&cli, argc - optind, argv + optind);
}
