/*
 * cli_sandbox.c - sandbox ls, show, add, rm, env; policy ls, show
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cli.h"
#include "cli_document.h"
#include "cli_entry.h"
#include "cli_overlay.h"
#include "cli_policy.h"
#include "cli_talk.h"
#include "cli_verb.h"
#include "control_client.h"

static void
print_list(const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		printf("%s%s", i > 0 ? " " : "", json_string_value(item));
	}
}

static void
print_sandboxes(const json_t *list)
{
	const json_t *s;
	size_t i;

	if (json_array_size(list) == 0) {
		puts("no sandboxes");
		return;
	}
	printf("%-20s %-15s %-16s %s\n", "NAME", "INTERFACE", "POLICY",
		"ADDRESSES");
	json_array_foreach(list, i, s)
	{
		printf("%-20s %-15s %-16s ", cli_text(s, "name"),
			cli_text(s, "interface"), cli_text(s, "policy"));
		print_list(json_object_get(s, "addresses"));
		fputs(json_is_false(json_object_get(s, "kernel"))
				? "  (not in the kernel)\n"
				: "\n",
			stdout);
	}
}

static void
print_sandbox(const json_t *s)
{
	const char *key;
	const json_t *value;

	printf("%-12s %s\n%-12s %s\n%-12s %s\n%-12s ", "name",
		cli_text(s, "name"), "interface", cli_text(s, "interface"),
		"policy", cli_text(s, "policy"), "addresses");
	print_list(json_object_get(s, "addresses"));
	fputc('\n', stdout);
	json_object_foreach(json_object_get(s, "labels"), key, value)
	{
		printf("%-12s %s=%s\n", "label", key, json_string_value(value));
	}
	json_object_foreach(json_object_get(s, "limit"), key, value)
	{
		printf("%-12s %s %s\n", "limit", key, json_string_value(value));
	}
	if (cli_text(s, "source")[0] != '\0')
		printf("%-12s %s\n", "declared in", cli_text(s, "source"));
	if (cli_text(s, "overlay")[0] != '\0')
		printf("\noverlay%s, tag %s\n%s",
			json_is_true(json_object_get(s, "overlay_declared"))
				? " as declared"
				: "",
			cli_text(s, "tag"), cli_text(s, "overlay"));
}

static int
list_sandboxes(const struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return cli_show(cli, "/v1/sandboxes", print_sandboxes);
}

static int
show_sandbox(const struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return cli_show(
		cli, cli_target("/v1/sandboxes/%s", argv[1]), print_sandbox);
}

/* As a shell or an env file reads it: no stand-in needs quotes. */
static void
print_environment(const json_t *answer)
{
	const json_t *value;
	const char *name;

	json_object_foreach(json_object_get(answer, "environment"), name, value)
	{
		printf("%s=%s\n", name, json_string_value(value));
	}
}

static int
show_environment(const struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return cli_show(cli,
		cli_target("/v1/sandboxes/%s/environment", argv[1]),
		print_environment);
}

static int
remove_sandbox(const struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return cli_change(cli, "DELETE",
		cli_target("/v1/sandboxes/%s", argv[1]), NULL, "removed");
}

const struct usage_option cli_sandbox_add_usage[] = {
	{.name = "interface",
		.code = 'i',
		.value = "IF",
		.help = "the host's end of its link"},
	{.name = "address",
		.code = 'a',
		.value = "ADDR",
		.help = "of the sandbox; may be given again"},
	{.name = "policy",
		.code = 'p',
		.value = "NAME",
		.takes = "POLICY",
		.help = "what it may reach"},
	{.name = "label",
		.code = 'l',
		.value = "K=V",
		.help = "for its records; may be given again"},
	{.name = "limit",
		.code = 'L',
		.value = "K=AMOUNT",
		.help = "of all that it does: requests=60/m, up=10MB/h, "
			"down=1GB/d; may be given again"},
	{.name = "file",
		.code = 'f',
		.value = "FILE",
		.help = "a document instead of all that; - is standard input"},
	{.name = "new",
		.code = 'n',
		.help = "only if no sandbox of that name is there"},
	{.name = NULL},
};

/* "key=value" into the map of that name, which is made if it is not there. */
static int
add_pair(json_t *document, const char *map, char *pair)
{
	char *equals = strchr(pair, '=');

	if (equals == NULL)
		return -1;
	*equals = '\0';
	if (json_object_get(document, map) == NULL)
		json_object_set_new(document, map, json_object());
	return json_object_set_new(
		json_object_get(document, map), pair, json_string(equals + 1));
}

static int
add_option(json_t *document, int option, char *value)
{

	switch (option) {
	case 'i':
		return json_object_set_new(
			document, "interface", json_string(value));
	case 'a':
		return json_array_append_new(
			json_object_get(document, "address"),
			json_string(value));
	case 'p':
		return json_object_set_new(
			document, "policy", json_string(value));
	case 'l':
		return add_pair(document, "labels", value);
	case 'L':
		return add_pair(document, "limit", value);
	default:
		return -1;
	}
}

/* The document that the options describe, or the file's.  NULL: usage. */
static char *
make_document(int argc, char **argv, bool *ret_create)
{
	json_t *document = json_pack("{s:[]}", "address");
	struct option add_options[USAGE_OPTIONS_MAX + 1];
	const char *file = NULL;
	char *text = NULL;
	int option;

	usage_getopt(cli_sandbox_add_usage, add_options);
	optind = 0;
	while ((option = getopt_long(argc, argv, ":", add_options, NULL)) !=
		-1) {
		if (option == 'f')
			file = optarg;
		else if (option == 'n')
			*ret_create = true;
		else if (add_option(document, option, optarg) < 0)
			goto out;
	}
	if (optind == argc && file != NULL)
		text = cli_document_read(file);
	else if (optind == argc &&
		 json_object_get(document, "interface") != NULL)
		text = json_dumps(document, JSON_COMPACT);
out:
	json_decref(document);
	return text;
}

static int
add_sandbox(const struct cli *cli, int argc, char **argv)
{
	struct control_question question = {
		.method = "PUT",
		.target = cli_target("/v1/sandboxes/%s", argv[1]),
		.seconds = CLI_CHANGE_SECONDS,
	};
	bool create = false;
	char *document = make_document(argc - 1, argv + 1, &create);
	int status;

	if (document == NULL)
		return cli_complain(CLI_USAGE,
			"usage: sandbox add NAME --interface IF --address "
			"ADDR... --policy NAME [--label K=V]... "
			"[--limit K=AMOUNT]... [--new]\n"
			"   or: sandbox add NAME --file FILE|- [--new]");
	question.body = document;
	question.body_len = strlen(document);
	question.if_none_match = create ? "*" : NULL;
	status = cli_submit(cli, &question, "added");
	free(document);
	return status;
}

static void
print_policies(const json_t *list)
{
	const json_t *p;
	size_t i;

	if (json_array_size(list) == 0) {
		puts("no policies");
		return;
	}
	printf("%-20s %s\n", "NAME", "DECLARED AT");
	json_array_foreach(list, i, p)
	{
		printf("%-20s %s%s\n", cli_text(p, "name"),
			cli_text(p, "source"), cli_entry_end(p));
	}
}

static int
list_policies(const struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return cli_show(cli, "/v1/policies", print_policies);
}

static int
show_policy(const struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return cli_show_text(cli, cli_target("/v1/policies/%s", argv[1]));
}

int
cli_sandbox(const struct cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{"ls", "", list_sandboxes, 0, 0},
		{"show", "SANDBOX", show_sandbox, 1, 1},
		{"add", "NAME --interface IF --address ADDR... --policy NAME",
			add_sandbox, 1, 256},
		{"rm", "SANDBOX", remove_sandbox, 1, 1},
		{"env", "SANDBOX", show_environment, 1, 1},
	};

	return cli_run_verb(cli, verbs, ARRAY_LEN(verbs), argc, argv);
}

int
cli_policy(const struct cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{"ls", "", list_policies, 0, 0},
		{"show", "POLICY", show_policy, 1, 1},
		{"add", "NAME FILE [OPTION...]", cli_policy_add, 2, 6},
		{"rm", "POLICY [OPTION...]", cli_policy_rm, 1, 4},
		{"set", "SANDBOX OPTION...", cli_policy_set, 1, 256},
		{"clear", "SANDBOX [OPTION...]", cli_policy_clear, 1, 4},
		{"test", "FILE [--config PATH | --policy-file DOC...]",
			cli_policy_test, 1, 256},
		{"replay", "FILE --log LOG", cli_policy_replay, 3, 256},
	};

	return cli_run_verb(cli, verbs, ARRAY_LEN(verbs), argc, argv);
}
