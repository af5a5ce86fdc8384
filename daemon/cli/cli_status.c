/*
 * cli_status.c - status, doctor, reload, schema, log: the daemon as a whole
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_ask.h"
#include "cli_entry.h"
#include "cli_talk.h"
#include "control_client.h"
#include "programs.h"

enum { ARGUMENTS_MAX = 256 };

static void
print_uptime(double seconds)
{
	unsigned long s = seconds > 0 ? (unsigned long)seconds : 0;

	if (s >= 86400)
		printf("%lu d %lu h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		printf("%lu h %lu min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		printf("%lu min %lu s", s / 60, s % 60);
	else
		printf("%lu s", s);
}

static long long
number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void
print_credentials(const json_t *credentials)
{
	const json_t *c;
	size_t i;

	json_array_foreach(credentials, i, c)
	{
		bool there = json_is_true(json_object_get(c, "available"));

		printf("%-12s %s: %s (%s%s)\n", i == 0 ? "credentials" : "",
			cli_text(c, "name"),
			there ? "available" : cli_text(c, "why"),
			cli_text(c, "source"), cli_entry_end(c));
	}
}

/* Nothing where there is none. */
static void
print_gate(const json_t *gate)
{
	if (!json_is_object(gate))
		return;
	printf("%-12s %s, pid %lld, %lld restarts, queue %s%s; %lld packets "
	       "passed, %lld refused, %lld dropped\n",
		"gate", cli_text(gate, "state"), number(gate, "pid"),
		number(gate, "restarts"), cli_text(gate, "queue"),
		number(gate, "bound") != 0 ? "" : " (not read)",
		number(gate, "passed"), number(gate, "refused"),
		number(gate, "dropped"));
}

static void
print_status(const json_t *status)
{
	const json_t *kernel = json_object_get(status, "kernel");
	const json_t *w;
	size_t i;

	printf("sbx-netd %s, pid %lld, up ", cli_text(status, "version"),
		number(status, "pid"));
	print_uptime(json_number_value(json_object_get(status, "uptime")));
	printf(", generation %lld\n", number(status, "generation"));
	printf("%-12s %s%s\n", "kernel",
		json_is_true(json_object_get(kernel, "ok")) ? "" : "NOT OK: ",
		cli_text(kernel, "text")[0] != '\0' ? cli_text(kernel, "text")
						    : "ok");
	json_array_foreach(json_object_get(status, "workers"), i, w)
	{
		printf("%-12s %lld: %s, pid %lld, %lld restarts\n",
			i == 0 ? "workers" : "", number(w, "index"),
			cli_text(w, "state"), number(w, "pid"),
			number(w, "restarts"));
	}
	print_gate(json_object_get(status, "gate"));
	printf("%-12s %lld\n", "sandboxes", number(status, "sandboxes"));
	print_credentials(json_object_get(status, "credentials"));
	printf("%-12s %s\n", "log", cli_text(status, "log"));
}

int
cli_status(const struct cli *cli, int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return cli_complain(CLI_USAGE, "status takes no arguments");
	return cli_show(cli, "/v1/status", print_status);
}

const struct usage_option cli_reload_usage[] = {
	{.name = "wait", .code = 'w', .help = "until it is done (always so)"},
	{.name = NULL},
};

int
cli_reload(const struct cli *cli, int argc, char **argv)
{
	/* It always waits; units say so all the same. */
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--wait") != 0))
		return cli_complain(CLI_USAGE, "usage: reload [--wait]");
	return cli_change(cli, "POST", "/v1/reload", NULL, "reloaded");
}

/* sbx-netd has the tables that it reads documents by. */
int
cli_schema(const struct cli *cli, int argc, char **argv)
{
	const char *arguments[] = {NULL, "--print-schema", "main", NULL};
	int status;

	(void)cli;
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "documents") != 0))
		return cli_complain(CLI_USAGE, "usage: schema [documents]");
	if (argc == 2)
		arguments[2] = "documents";
	status = program_run(PROGRAM_DAEMON, arguments, 0);
	if (status < 0)
		return cli_complain(CLI_FAILED, "cannot run sbx-netd: %s",
			strerror(-status));
	return status;
}

int
cli_log(const struct cli *cli, int argc, char **argv)
{
	const char *arguments[ARGUMENTS_MAX + 4] = {NULL};
	int n = 1, e;

	if (argc > ARGUMENTS_MAX)
		return cli_complain(CLI_USAGE, "too many arguments");
	if (cli->has_runtime_dir) {
		arguments[n++] = "--runtime-dir";
		arguments[n++] = cli->runtime_dir;
	}
	if (cli->json)
		arguments[n++] = "--json";
	for (int i = 1; i < argc && n < ARGUMENTS_MAX + 3; i++)
		arguments[n++] = argv[i];
	e = program_become(PROGRAM_LOG, arguments);
	return cli_complain(
		CLI_FAILED, "cannot run sbx-netlog: %s", strerror(-e));
}

/* What the daemon itself sees; 1 when it is not well. */
static int
print_health(const json_t *status)
{
	const json_t *kernel = json_object_get(status, "kernel");
	bool ok = json_is_true(json_object_get(kernel, "ok"));
	const json_t *c;
	size_t i;

	printf("daemon: running, kernel side %s%s%s\n", ok ? "ok" : "NOT OK",
		cli_text(kernel, "text")[0] != '\0' ? ": " : "",
		cli_text(kernel, "text"));
	json_array_foreach(json_object_get(status, "credentials"), i, c)
	{
		if (json_is_true(json_object_get(c, "available")))
			continue;
		printf("daemon: the credential %s has no value: %s\n",
			cli_text(c, "name"), cli_text(c, "why"));
		ok = false;
	}
	return ok ? CLI_OK : CLI_FAILED;
}

/* The daemon's status; NULL: it is not there, which was said. */
static json_t *
ask_status(const struct cli *cli)
{
	struct control_client *client;
	json_t *status = NULL;
	char text[512];

	if (cli_connect(cli, &client) != CLI_OK)
		return NULL;
	if (cli_get_json(client, "/v1/status", &status, text, sizeof(text)) < 0)
		cli_complain(CLI_FAILED, "%s", text);
	control_client_close(client);
	return status;
}

const struct usage_option cli_doctor_usage[] = {
	{.name = "fix",
		.code = 'f',
		.help = "do what mends it, unless it is another program's "
			"configuration"},
	{.name = "dry-run", .code = 'n', .help = "print what --fix would do"},
	{.name = NULL},
};

/* The options behind those that are there; false: what is that? */
static bool
take_doctor_options(int argc, char **argv, const char **ret)
{
	for (int i = 1; i < argc; i++) {
		if (i > 2 || (strcmp(argv[i], "--fix") != 0 &&
				     strcmp(argv[i], "--dry-run") != 0))
			return false;
		*ret++ = argv[i];
	}
	return true;
}

static int
doctor_json(const struct cli *cli, int argc, char **argument)
{
	const char *argv[] = {NULL, "doctor", "--json", NULL, NULL, NULL};
	char *text = NULL;
	json_t *setup, *daemon, *both;
	int status;

	(void)take_doctor_options(argc, argument, argv + 3);
	status = program_capture(PROGRAM_SETUP, argv, &text);
	setup = text == NULL ? NULL : json_loads(text, 0, NULL);
	daemon = ask_status(cli);
	both = json_pack("{s:o?, s:o?}", "host", setup, "daemon", daemon);
	json_dumpf(both, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(both);
	free(text);
	return status == 0 && daemon != NULL ? CLI_OK : CLI_FAILED;
}

int
cli_doctor(const struct cli *cli, int argc, char **argv)
{
	const char *setup[] = {NULL, "doctor", NULL, NULL, NULL};
	json_t *status;
	int host, own = CLI_FAILED;

	if (!take_doctor_options(argc, argv, setup + 2))
		return cli_complain(
			CLI_USAGE, "usage: doctor [--fix [--dry-run]]");
	if (cli->json)
		return doctor_json(cli, argc, argv);
	host = program_run(PROGRAM_SETUP, setup, 0);
	if (host < 0)
		cli_complain(CLI_FAILED, "cannot run sbx-net-setup: %s",
			strerror(-host));
	status = ask_status(cli);
	if (status != NULL)
		own = print_health(status);
	json_decref(status);
	return host == 0 && own == CLI_OK ? CLI_OK : CLI_FAILED;
}
