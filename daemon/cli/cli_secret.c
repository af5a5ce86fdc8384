/*
 * cli_secret.c - secret ls, show, refresh: never a value, nor how long one is
 */
#include <stdio.h>

#include "array.h"
#include "cli.h"
#include "cli_entry.h"
#include "cli_talk.h"
#include "cli_verb.h"

/* "90s", "12m", "5h", "3d"; "-" where there is no time. */
static void
print_time(const json_t *seconds)
{
	static const struct {
		long long length;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	long long left = json_integer_value(seconds);
	size_t i = 0;
	char text[32] = "-";

	while (i < ARRAY_LEN(units) - 1 && left < 2 * units[i].length)
		i++;
	if (json_is_integer(seconds))
		snprintf(text, sizeof(text), "%lld%c", left / units[i].length,
			units[i].unit);
	printf(" %-7s", text);
}

static void
print_words(const json_t *list)
{
	const json_t *word;
	size_t i;

	json_array_foreach(list, i, word)
	{
		printf("%s%s", i > 0 ? "," : "", json_string_value(word));
	}
	if (json_array_size(list) == 0)
		putchar('-');
}

/* One line, and what is wrong in another: of a credential or one's own. */
static void
print_state(const json_t *c, const char *name)
{
	const char *from = cli_text(c, "from");

	printf("%-20s %-10s %-8s", name, cli_text(c, "state"),
		from[0] != '\0' ? from : "-");
	print_time(json_object_get(c, "age"));
	print_time(json_object_get(c, "expires"));
	putchar(' ');
}

static void
print_error(const json_t *c)
{
	if (cli_text(c, "error")[0] != '\0')
		printf("    %s\n", cli_text(c, "error"));
}

static void
print_own(const json_t *list)
{
	const json_t *one;
	size_t i;
	char name[128];

	json_array_foreach(list, i, one)
	{
		snprintf(name, sizeof(name), "  %s", cli_text(one, "sandbox"));
		print_state(one, name);
		putchar('\n');
		print_error(one);
	}
}

static void
print_secrets(const json_t *list)
{
	const json_t *c;
	size_t i;

	if (json_array_size(list) == 0) {
		puts("no credentials");
		return;
	}
	printf("%-20s %-10s %-8s %-7s %-7s %s\n", "NAME", "STATE", "FROM",
		"AGE", "EXPIRES", "HOSTS / POLICIES / DECLARED AT");
	json_array_foreach(list, i, c)
	{
		print_state(c, cli_text(c, "name"));
		print_words(json_object_get(c, "hosts"));
		fputs(" / ", stdout);
		print_words(json_object_get(c, "policies"));
		printf(" / %s%s\n", cli_text(c, "source"), cli_entry_end(c));
		print_error(c);
		print_own(json_object_get(c, "sandboxes"));
	}
}

static int
list_secrets(const struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	return cli_show(cli, "/v1/credentials", print_secrets);
}

static int
show_secret(const struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return cli_show_text(cli, cli_target("/v1/credentials/%s", argv[1]));
}

static int
refresh(const struct cli *cli, int argc, char **argv)
{
	return cli_change(cli, "POST",
		argc == 1 ? "/v1/credentials/refresh"
			  : cli_target("/v1/credentials/%s/refresh", argv[1]),
		NULL, "refreshed");
}

int
cli_secret(const struct cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{"ls", "", list_secrets, 0, 0},
		{"show", "NAME", show_secret, 1, 1},
		{"add", "NAME FILE [OPTION...]", cli_secret_add, 2, 6},
		{"rm", "NAME [OPTION...]", cli_secret_rm, 1, 4},
		{"refresh", "[NAME]", refresh, 0, 1},
	};

	return cli_run_verb(cli, verbs, ARRAY_LEN(verbs), argc, argv);
}
