/*
 * sbx-netctl - talk to sbx-netd; make a sandbox out of a command
 *
 * Global options, then a table of subcommands: each row is all that is known
 * of one.  `help` prints the tables, and `completion` goes by them.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cli.h"
#include "netlog_usage.h"
#include "run_options.h"
#include "usage.h"

static int cli_help(const struct cli *cli, int argc, char **argv);
static int complete(const struct cli *cli, int argc, char **argv);

static const struct {
	const char *name;
	const char *args;
	const char *help;
	int (*run)(const struct cli *cli, int argc, char **argv);
} commands[] = {
	{"status", "", "the daemon, its workers, the kernel side", cli_status},
	{"health", "", "is all well?  Exits 1 if not, and says what is wrong",
		cli_health},
	{"doctor", "[OPTION...]",
		"what on this host keeps it from working, and the cure",
		cli_doctor},
	{"check", "[FILE...]", "would these documents load?", cli_check},
	{"reload", "[--wait]", "read all documents again", cli_reload},
	{"sandbox",
		"ls | show SANDBOX | add NAME OPTION... | rm SANDBOX | "
		"env SANDBOX",
		"who is intercepted, and with which variables", cli_sandbox},
	{"policy",
		"ls | show POLICY | add NAME FILE [OPTION...] | "
		"rm POLICY [OPTION...] | set SANDBOX OPTION... | "
		"clear SANDBOX [OPTION...] | test FILE [OPTION...] | "
		"replay FILE [OPTION...]",
		"what is allowed (add, rm: beside what files say); a sandbox's "
		"overlay (set, clear); does it "
		"decide as a file expects? (test) what would a new one have "
		"changed in that log? (replay)",
		cli_policy},
	{"lockdown", "SANDBOX [OPTION...]", "nothing leaves it any more",
		cli_lockdown},
	{"open", "SANDBOX [OPTION...]",
		"what no rule denies leaves it, until policy clear", cli_open},
	{"secret",
		"ls | show NAME | add NAME FILE [OPTION...] | "
		"rm NAME [OPTION...] | refresh [NAME]",
		"which credentials there are, where from (never a value)",
		cli_secret},
	{"explain", "[OPTION...] SANDBOX METHOD URL",
		"would it be allowed, by which rule, and what would change "
		"that?  Exits 1 if not",
		cli_explain},
	{"ca", "show SANDBOX | bundle SANDBOX | env SANDBOX [OPTION...]",
		"what a sandbox has to trust, and how to tell its programs",
		cli_ca},
	{"schema", "[documents]",
		"JSON Schema of sbx-netd.yaml, or of the documents beside it",
		cli_schema},
	{"import",
		"docker-kit FILE | docker-proxy-config FILE | cloudflare FILE",
		"print somebody else's document as one of ours", cli_import},
	{"log", "[OPTION...]", "read the decision log: sbx-netlog(1)", cli_log},
	{"run", "[OPTION...] [--] COMMAND [ARGUMENT...]",
		"run a command in a sandbox of its own", cli_run},
	{"completion", "bash | zsh | fish",
		"a script by which that shell completes these commands",
		complete},
	{"help", "", "print this", cli_help},
};

/* The options behind a command. */
static const struct usage_line lines[] = {
	{"doctor", cli_doctor_usage},
	{"reload", cli_reload_usage},
	{"sandbox add", cli_sandbox_add_usage},
	{"policy add", cli_entry_add_usage},
	{"policy rm", cli_entry_rm_usage},
	{"policy set", cli_policy_set_usage},
	{"policy clear", cli_overlay_usage},
	{"policy test", cli_policy_test_usage},
	{"policy replay", cli_policy_replay_usage},
	{"lockdown", cli_overlay_usage},
	{"open", cli_overlay_usage},
	{"secret add", cli_entry_add_usage},
	{"secret rm", cli_entry_rm_usage},
	{"explain", cli_explain_usage},
	{"ca env", cli_ca_env_usage},
	{"log", netlog_usage},
	{"run", run_usage},
	{NULL, NULL},
};

static const struct usage_option options[] = {
	{.name = "runtime-dir",
		.code = 'r',
		.value = "DIR",
		.help = "where the daemon's socket is (" CLI_RUNTIME_DIR ", or "
			"$SBX_NET_RUNTIME_DIR)"},
	{.name = "config",
		.code = 'c',
		.value = "PATH",
		.help = "for check and run (" CLI_CONFIG ")"},
	{.name = "json", .code = 'j', .help = "print answers as JSON"},
	{.name = "help",
		.code = 'h',
		.letter = true,
		.help = "print this, and end"},
	{.name = "version",
		.code = 'V',
		.letter = true,
		.help = "print the version, and end"},
	{.name = NULL},
};

/* sbx-netlog prints its own. */
static void
print_lines(FILE *to, const char *command)
{
	size_t len = strlen(command);

	for (const struct usage_line *l = lines; l->command != NULL; l++) {
		if (strncmp(l->command, command, len) == 0 &&
			(l->command[len] == ' ' || l->command[len] == '\0') &&
			l->options != netlog_usage)
			usage_print(to, l->options, 10);
	}
}

static void
print_usage(FILE *to)
{
	fputs("usage: sbx-netctl [OPTION...] COMMAND ...\n\n", to);
	usage_print(to, options, 2);
	fputc('\n', to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		fprintf(to, "  %s %s\n        %s\n", commands[i].name,
			commands[i].args, commands[i].help);
		print_lines(to, commands[i].name);
	}
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
complete(const struct cli *cli, int argc, char **argv)
{
	struct usage_command rows[ARRAY_LEN(commands)];
	const struct usage_program netctl = {
		"sbx-netctl", options, rows, ARRAY_LEN(rows), lines};
	static const struct usage_program netd = {
		.name = "sbx-netd", .options = usage_netd};
	static const struct usage_program netlog = {
		.name = "sbx-netlog", .options = netlog_usage};
	const struct usage_program *const programs[] = {
		&netctl, &netd, &netlog, NULL};

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		rows[i] = (struct usage_command){
			commands[i].name, commands[i].args, commands[i].help};
	return cli_completion(cli, argc, argv, programs);
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
	struct option long_options[USAGE_OPTIONS_MAX + 1];
	char letters[USAGE_LETTERS];
	int option;

	if (dir != NULL && dir[0] != '\0') {
		cli.runtime_dir = dir;
		cli.has_runtime_dir = true;
	}
	usage_getopt(options, long_options);
	usage_letters(options, "+", letters);
	while ((option = getopt_long(
			argc, argv, letters, long_options, NULL)) != -1) {
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
