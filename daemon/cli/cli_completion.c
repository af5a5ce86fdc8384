/*
 * cli_completion.c - completion in a shell
 *
 * A script asks on each press of the key: `completion words PROGRAM WORD...`
 * prints what the last word can be, a line each, with a tab and what it is for
 * where we know.  What the shell knows better is one line with a colon: :file,
 * :directory, :command.  Names of sandboxes and policies are the daemon's; when
 * it does not answer at once, there are none, and nothing is said about it.
 */
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "cli.h"
#include "cli_ask.h"
#include "cli_shells.h"
#include "control_client.h"
#include "control_proto.h"
#include "logfilter.h"

enum { ASK_SECONDS = 2 };

struct asked {
	const char *runtime_dir;
	const char *last; /* the word that is being typed */
};

/* ---- words -------------------------------------------------------------- */

/* What stands before the part that is completed: "--color=", "denied,". */
static void
print_word(const struct asked *asked, const char *typed, const char *word,
	const char *help)
{
	size_t len = strlen(asked->last), rest = strlen(typed);
	int before = rest < len ? (int)(len - rest) : 0;

	if (strncmp(word, typed, rest) != 0)
		return;
	/* A lone "=" is bash's, which puts it back itself. */
	if (strcmp(asked->last, "=") == 0)
		before = 0;
	printf("%.*s%s%s%s\n", before, asked->last, word,
		help != NULL ? "\t" : "", help != NULL ? help : "");
}

static void
print_choices(
	const struct asked *asked, const char *typed, enum logfilter_key key)
{
	const char *comma = strrchr(typed, ',');
	const char *choice;

	if (comma != NULL)
		typed = comma + 1;
	for (int i = 0; (choice = logfilter_choice(key, i)) != NULL; i++)
		print_word(asked, typed, choice, NULL);
}

static void
print_names(const struct asked *asked, const char *typed, const char *target)
{
	const struct control_question q = {
		.method = "GET", .target = target, .seconds = ASK_SECONDS};
	char path[PATH_MAX], text[256];
	struct control_client *client;
	json_t *list, *item;
	size_t i;

	if (snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET,
		    asked->runtime_dir) >= (int)sizeof(path) ||
		control_client_open(path, &client, text, sizeof(text)) < 0)
		return;
	if (cli_ask_json(client, &q, &list, text, sizeof(text)) == 0) {
		json_array_foreach(list, i, item)
		{
			const char *name = json_string_value(
				json_object_get(item, "name"));

			if (name != NULL)
				print_word(asked, typed, name, NULL);
		}
		json_decref(list);
	}
	control_client_close(client);
}

static void
print_wish(void *arg, const struct usage_wish *w)
{
	const struct asked *asked = arg;

	switch (w->kind) {
	case USAGE_WORD:
		print_word(asked, w->typed, w->text, w->help);
		break;
	case USAGE_FILE:
		puts(":file");
		break;
	case USAGE_DIRECTORY:
		puts(":directory");
		break;
	case USAGE_COMMAND:
		puts(":command");
		break;
	case USAGE_SANDBOX:
		print_names(asked, w->typed, "/v1/sandboxes");
		break;
	case USAGE_POLICY:
		print_names(asked, w->typed, "/v1/policies");
		break;
	case USAGE_VERDICT:
		print_choices(asked, w->typed, LOGFILTER_VERDICT);
		break;
	case USAGE_RECORD_KIND:
		print_choices(asked, w->typed, LOGFILTER_KIND);
		break;
	case USAGE_REASON:
		print_choices(asked, w->typed, LOGFILTER_REASON);
		break;
	}
}

/* The daemon is the one that the line being typed is about. */
static const char *
runtime_dir_of(const struct cli *cli, int count, char **words)
{
	static const char option[] = "--runtime-dir";
	const char *dir = cli->runtime_dir;

	for (int i = 0; i + 1 < count; i++) {
		if (strncmp(words[i], option, sizeof(option) - 1) != 0)
			continue;
		if (words[i][sizeof(option) - 1] == '=')
			dir = words[i] + sizeof(option);
		else if (strcmp(words[i + 1], "=") != 0)
			dir = words[i + 1];
		else if (i + 2 < count)
			dir = words[i + 2];
	}
	return dir;
}

/* ---- the command -------------------------------------------------------- */

static int
usage_error(void)
{
	fputs("sbx-netctl: usage: completion bash|zsh|fish\n", stderr);
	return CLI_USAGE;
}

int
cli_completion(const struct cli *cli, int argc, char **argv,
	const struct usage_program *const *programs)
{
	const char *script;
	struct asked asked;

	if (argc == 2) {
		script = cli_shell_script(argv[1]);
		if (script == NULL)
			return usage_error();
		fputs(script, stdout);
		return CLI_OK;
	}
	if (argc < 4 || strcmp(argv[1], "words") != 0)
		return usage_error();
	asked.last = argv[argc - 1];
	asked.runtime_dir = runtime_dir_of(cli, argc - 3, argv + 3);
	for (; *programs != NULL; programs++) {
		if (strcmp((*programs)->name, argv[2]) == 0)
			usage_complete(*programs, (size_t)argc - 3,
				(const char *const *)argv + 3, print_wish,
				&asked);
	}
	return CLI_OK;
}
