/*
 * cli_ca.c - ca show, env, bundle: a sandbox's authority for its inside
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cli.h"
#include "cli_ask.h"
#include "cli_roots.h"
#include "cli_talk.h"
#include "control_client.h"
#include "jail.h"
#include "trust.h"

static const char usage[] =
	"usage: ca show SANDBOX\n"
	"       ca bundle SANDBOX\n"
	"       ca env SANDBOX [--format sh|json|docker] [--dir DIR]";

static void
print_sh(const char *name, const char *value)
{
	printf("export %s='", name);
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			fputc(*value, stdout);
	}
	puts("'");
}

static void
print_docker(const char *name, const char *value)
{
	printf("%s=%s\n", name, value);
}

static void
print_json(const char *dir)
{
	json_t *object = json_object();

	for (size_t i = 0; i < trust_variable_count(); i++) {
		struct trust_variable v = trust_variable_get(i, dir);

		json_object_set_new(object, v.name, json_string(v.value));
	}
	json_dumpf(object, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(object);
}

static int
print_environment(const char *format, const char *dir)
{
	static const struct {
		const char *name;
		void (*print)(const char *name, const char *value);
	} formats[] = {{"sh", print_sh}, {"docker", print_docker}};

	if (strcmp(format, "json") == 0) {
		print_json(dir);
		return CLI_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (strcmp(format, formats[i].name) != 0)
			continue;
		for (size_t j = 0; j < trust_variable_count(); j++) {
			struct trust_variable v = trust_variable_get(j, dir);

			formats[i].print(v.name, v.value);
		}
		return CLI_OK;
	}
	return cli_complain(CLI_USAGE, "%s", usage);
}

const struct usage_option cli_ca_env_usage[] = {
	{.name = "format",
		.code = 'f',
		.value = "sh|json|docker",
		.help = "for which reader (sh)"},
	{.name = "dir",
		.code = 'd',
		.value = "DIR",
		.help = "where its files are, in the sandbox "
			"(" JAIL_TRUST_DIR ")"},
	{.name = NULL},
};

static int
show_environment(const struct cli *cli, int argc, char **argv)
{
	struct option options[USAGE_OPTIONS_MAX + 1];
	const char *format = cli->json ? "json" : "sh";
	const char *dir = JAIL_TRUST_DIR;
	int option;

	usage_getopt(cli_ca_env_usage, options);
	optind = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 'f')
			format = optarg;
		else if (option == 'd')
			dir = optarg;
		else
			return cli_complain(CLI_USAGE, "%s", usage);
	}
	if (optind != argc - 1)
		return cli_complain(CLI_USAGE, "%s", usage);
	return print_environment(format, dir);
}

static int
show_bundle(const struct cli *cli, const char *sandbox)
{
	struct control_client *client;
	struct trust trust = {0};
	char *authority = NULL, *roots = NULL, *bundle = NULL;
	char text[4096];
	int status = cli_connect(cli, &client);
	int e;

	if (status != CLI_OK)
		return status;
	e = cli_get_text(client, cli_target("/v1/sandboxes/%s/ca.pem", sandbox),
		&authority, text, sizeof(text));
	if (e == 0)
		e = cli_get_roots(client, &roots, text, sizeof(text));
	control_client_close(client);
	if (e == 0) {
		trust = (struct trust){authority, roots};
		bundle = trust_bundle(&trust);
	}
	if (bundle != NULL)
		fputs(bundle, stdout);
	else
		status = cli_complain(
			CLI_FAILED, "%s", e < 0 ? text : strerror(ENOMEM));
	free(authority);
	free(roots);
	free(bundle);
	return status;
}

int
cli_ca(const struct cli *cli, int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "show") == 0)
		return cli_show_text(
			cli, cli_target("/v1/sandboxes/%s/ca.pem", argv[2]));
	if (argc == 3 && strcmp(argv[1], "bundle") == 0)
		return show_bundle(cli, argv[2]);
	if (argc >= 3 && strcmp(argv[1], "env") == 0)
		return show_environment(cli, argc - 1, argv + 1);
	return cli_complain(CLI_USAGE, "%s", usage);
}
