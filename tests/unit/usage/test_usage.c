#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "usage.h"

enum {
	WORDS_MAX = 8,
	TEXT_MAX = 1024,
};

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct usage_option global[] = {
	{.name = "dir", .code = 'd', .value = "DIR", .help = "a directory"},
	{.name = "json", .code = 'j', .letter = true, .help = "as JSON"},
	{.name = "number",
		.code = 'n',
		.letter = true,
		.value = "N",
		.takes = "all",
		.help = "how many"},
	{.name = NULL},
};
static const struct usage_option run[] = {
	{.name = "", .help = "What to run with:"},
	{.name = "policy",
		.code = 'p',
		.value = "NAME",
		.takes = "POLICY|FILE",
		.help = "a policy"},
	{.name = "colour",
		.code = 'c',
		.optional = true,
		.value = "always|never",
		.help = "of what it prints"},
	{.name = NULL},
};
static const struct usage_option add[] = {
	{.name = "verdict", .code = 'v', .value = "VERDICT", .help = "x"},
	{.name = NULL},
};
static const struct usage_command commands[] = {
	{"run", "[OPTION...] [--] COMMAND [ARGUMENT...]", "run it"},
	{"box", "ls | show SANDBOX | add NAME OPTION...", "boxes"},
	{"check", "[FILE...]", "check files"},
	{"shell", "bash|zsh", "shells"},
	{"ask", "SANDBOX METHOD URL", "ask"},
	{"wait", "[--wait]", "wait"},
	{"into", "a  DIR | b FILE | c", "two blanks, and a verb alone"},
};
static const struct usage_line lines[] = {
	{"run", run}, {"box add", add}, {NULL, NULL}};
static const struct usage_program program = {
	"p", global, commands, LEN(commands), lines};
static const struct usage_program plain = {.name = "q", .options = global};

static void
add_wish(void *arg, const struct usage_wish *w)
{
	static const char *const kinds[] = {
		[USAGE_FILE] = "FILE",
		[USAGE_DIRECTORY] = "DIRECTORY",
		[USAGE_COMMAND] = "COMMAND",
		[USAGE_SANDBOX] = "SANDBOX",
		[USAGE_POLICY] = "POLICY",
		[USAGE_VERDICT] = "VERDICT",
	};
	char *text = arg;

	if (*text != '\0')
		strcat(text, " ");
	if (w->kind == USAGE_WORD)
		strcat(text, w->text);
	else
		sprintf(text + strlen(text), "%s(%s)", kinds[w->kind],
			w->typed);
}

static const struct {
	const struct usage_program *program;
	const char *words[WORDS_MAX];
	const char *next, *why;
} cases[] = {
	{&program, {""}, "run box check shell ask wait into", "commands"},
	{&program, {"b"}, "box", "that begin so"},
	{&program, {"x"}, "", "no such command"},
	{&program, {"x", ""}, "", "nor anything behind it"},
	{&program, {"-"}, "--dir --json --number", "options"},
	{&program, {"--j"}, "--json", "that begin so"},
	{&program, {"--dir", ""}, "DIRECTORY()", "a value"},
	{&program, {"--dir", "/x", ""}, "run box check shell ask wait into",
		"behind it"},
	{&program, {"--dir=/x"}, "DIRECTORY(/x)", "in one word"},
	{&program, {"--dir=/x", "c"}, "check", "behind that"},
	{&program, {"--dir", "=", "/x"}, "DIRECTORY(/x)", "of bash"},
	{&program, {"--dir", "="}, "DIRECTORY()", "not begun"},
	{&program, {"--dir", "=", "/x", "c"}, "check", "behind that"},
	{&program, {"-j", "c"}, "check", "a letter takes nothing"},
	{&program, {"-n", ""}, "all", "a letter takes a value"},
	{&program, {"-n", "5", "c"}, "check", "behind it"},
	{&program, {"--json="}, "", "there is no value"},
	{&program, {"--none=x"}, "", "no such option"},
	{&program, {"--json", "box", ""}, "ls show add", "verbs"},
	{&program, {"box", "s"}, "show", "that begin so"},
	{&program, {"box", "show", ""}, "SANDBOX()", "its argument"},
	{&program, {"box", "show", "a", ""}, "", "only one"},
	{&program, {"box", "ls", ""}, "", "none"},
	{&program, {"box", "x", ""}, "", "no such verb"},
	{&program, {"box", "ls", "-"}, "", "options of another verb"},
	{&program, {"box", "add", "n", "-"}, "--verdict", "its options"},
	{&program, {"box", "add", "n", "--verdict", "a"}, "VERDICT(a)",
		"their values"},
	{&program, {"box", "add", ""}, "", "a name that is new"},
	{&program, {"check", ""}, "FILE()", "a file"},
	{&program, {"check", "a", "b", "c"}, "FILE(c)", "any number"},
	{&program, {"shell", "z"}, "zsh", "words"},
	{&program, {"ask", "", ""},
		"GET HEAD POST PUT PATCH DELETE "
		"OPTIONS",
		"the second argument"},
	{&program, {"ask", "a", "P"}, "POST PUT PATCH", "begun"},
	{&program, {"ask", "a", "GET", ""}, "", "a text of one's own"},
	{&program, {"wait", ""}, "", "options are no arguments"},
	{&program, {"into", ""}, "a b c", "verbs alone"},
	{&program, {"into", "a", ""}, "DIRECTORY()", "blanks are none"},
	{&program, {"into", "b", ""}, "FILE()", "each its own"},
	{&program, {"into", "c", ""}, "", "that has none"},
	{&program, {"run", "-"}, "--policy --colour", "no headings"},
	{&program, {"run", "--policy", "a"}, "POLICY(a) FILE(a)", "two kinds"},
	{&program, {"run", "--colour", ""}, "COMMAND()",
		"an optional value stands in the word"},
	{&program, {"run", "--colour=a"}, "always", "like this"},
	{&program, {"run", "--colour", "=", "n"}, "never", "in bash"},
	{&program, {"run", "ls"}, "COMMAND(ls)", "a command"},
	{&program, {"run", "--", "l"}, "COMMAND(l)", "behind --"},
	{&program, {"run", "--", "-"}, "COMMAND(-)", "no options now"},
	{&program, {"run", "ls", "-"}, "FILE(-)", "its options are not ours"},
	{&program, {"run", "ls", "--policy", "x"}, "FILE(x)",
		"even of that name"},
	{&plain, {""}, "", "no arguments"},
	{&plain, {"--d"}, "--dir", "but options"},
	{&plain, {"x", "--d"}, "--dir", "anywhere"},
};

static void
test_what_comes_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		char got[TEXT_MAX] = "";
		size_t count = 0;

		while (count < WORDS_MAX && cases[i].words[count] != NULL)
			count++;
		usage_complete(
			cases[i].program, count, cases[i].words, add_wish, got);
		if (strcmp(got, cases[i].next) != 0)
			fail_msg("%zu (%s): \"%s\", not \"%s\"", i,
				cases[i].why, got, cases[i].next);
	}
}

static void
test_getopt_has_every_row(void **state)
{
	struct option options[USAGE_OPTIONS_MAX + 1];
	char letters[USAGE_LETTERS];

	(void)state;
	usage_getopt(run, options);
	assert_string_equal(options[0].name, "policy");
	assert_int_equal(options[0].has_arg, required_argument);
	assert_int_equal(options[0].val, 'p');
	assert_string_equal(options[1].name, "colour");
	assert_int_equal(options[1].has_arg, optional_argument);
	assert_null(options[2].name);
	assert_string_equal(usage_letters(global, "+:", letters), "+:jn:");
	assert_string_equal(usage_letters(run, "", letters), "");
	usage_getopt(global, options);
	assert_int_equal(options[1].has_arg, no_argument);
}

static void
test_help_is_wrapped(void **state)
{
	static const struct usage_option rows[] = {
		{.name = "short", .code = 's', .letter = true, .help = "a b"},
		{.name = "a-name-that-is-long",
			.value = "VALUE",
			.help = "one two three four five six seven eight nine "
				"ten eleven twelve thirteen"},
		{.name = "maybe", .value = "V", .optional = true, .help = "x"},
		{.name = NULL},
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	usage_print(out, rows, 2);
	fclose(out);
	assert_string_equal(text,
		"  -s, --short         a b\n"
		"  --a-name-that-is-long VALUE\n"
		"                      one two three four five six seven eight "
		"nine ten eleven\n"
		"                      twelve thirteen\n"
		"  --maybe[=V]         x\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_comes_next),
		cmocka_unit_test(test_getopt_has_every_row),
		cmocka_unit_test(test_help_is_wrapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
