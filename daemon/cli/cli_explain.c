/*
 * cli_explain.c - explain SANDBOX METHOD URL: what would be decided, and why
 *
 * With --resolve the daemon is asked twice: first for its resolvers, which are
 * then asked for the name from here, then with the addresses that came.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_ask.h"
#include "cli_explain.h"
#include "cli_resolve.h"
#include "cli_roots.h"
#include "cli_talk.h"
#include "control_client.h"

enum {
	TARGET_MAX = 16 * 1024,
	SERVERS_MAX = 8,
	HEADERS_MAX = 64,
	PAIRS_MAX = HEADERS_MAX + 4, /* with the three words, addresses */
};

static const char usage[] = "usage: explain [--resolve] [--header 'NAME: "
			    "VALUE']... SANDBOX METHOD URL";

struct asked {
	char **words;   /* SANDBOX METHOD URL */
	char **headers; /* header_count of them */
	size_t header_count;
};

static void
print_limits(const json_t *a)
{
	const json_t *limits = json_object_get(a, "limits"), *one;
	size_t i;

	json_array_foreach(limits, i, one)
	{
		printf("  %-12s %s, by %s (%s)\n", i == 0 ? "limit" : "",
			cli_text(one, "text"), cli_text(one, "by"),
			cli_text(one, "source"));
	}
}

static void
print_credentials(const json_t *a)
{
	const json_t *names = json_object_get(a, "credentials");
	json_t *conditions = json_object_get(a, "conditions");
	json_t *skipped = json_object_get(a, "skipped"), *value;
	const json_t *name;
	const char *key, *title = "credentials";
	size_t i;

	json_array_foreach(names, i, name)
	{
		const char *text = json_string_value(name);
		const char *when = cli_text(conditions, text);

		printf("  %-12s %s%s%s\n", title, text,
			when[0] != '\0' ? ", " : "", when);
		title = "";
	}
	title = "skipped";
	json_object_foreach(skipped, key, value)
	{
		printf("  %-12s %s: %s\n", title, key,
			json_string_value(value));
		title = "";
	}
}

static void
print_swaps(const json_t *a)
{
	json_t *swaps = json_object_get(a, "swaps"), *places;
	const char *name, *title = "swaps";
	const json_t *place;
	size_t i;

	json_object_foreach(swaps, name, places)
	{
		printf("  %-12s %s in", title, name);
		json_array_foreach(places, i, place)
		{
			printf("%s %s", i > 0 ? "," : "",
				json_string_value(place));
		}
		fputc('\n', stdout);
		title = "";
	}
}

static void
print_guard(const json_t *a, bool asked)
{
	const json_t *guard = json_object_get(a, "guard");
	const json_t *checked = json_object_get(guard, "addresses"), *one;
	const json_t *allowed = json_object_get(guard, "allowed"), *range;
	size_t i;

	json_array_foreach(checked, i, one)
	{
		const char *refused = cli_text(one, "refused");

		printf("  %-12s %s: %s%s\n", i == 0 ? "guard" : "",
			cli_text(one, "address"),
			refused[0] != '\0' ? "never dialled: "
					   : "may be dialled",
			refused);
	}
	if (json_array_size(checked) > 0)
		return;
	printf("  %-12s %s\n", "guard",
		asked ? "the name has no address: there is nothing to dial"
		      : "every address of the name is looked at when it is "
			"dialled; private, loopback,");
	if (asked)
		return;
	printf("  %-12s metadata and like ones are refused%s", "",
		json_array_size(allowed) > 0 ? ", but not in" : "");
	json_array_foreach(allowed, i, range)
	{
		printf(" %s", json_string_value(range));
	}
	puts(" (--resolve asks now)");
}

static void
print_remedy(const json_t *a)
{
	const json_t *remedy = json_object_get(a, "remedy"), *line;
	const char *add = cli_text(remedy, "add");
	const char *before = cli_text(remedy, "before");
	size_t i;

	if (remedy == NULL)
		return;
	puts("what would make it allowed:");
	json_array_foreach(json_object_get(remedy, "lines"), i, line)
	{
		printf("  %s\n", json_string_value(line));
	}
	if (before[0] != '\0')
		printf("  before %s:\n    %s\n", before, add);
	else if (add[0] != '\0')
		printf("  at the end of \"allow\" in policy %s:\n    %s\n",
			cli_text(a, "policy"), add);
}

static void
print_answer(const json_t *a, bool resolved)
{
	bool passes = strcmp(cli_text(a, "verdict"), "denied") != 0;

	printf("%s by %s (%s): %s\n", cli_text(a, "verdict"),
		cli_text(a, "rule"), cli_text(a, "source"),
		cli_text(a, "explanation"));
	if (strcmp(cli_text(a, "verdict"), "audited") == 0)
		puts("  it passes all the same: audit only puts it on record");
	printf("  %-12s %s\n", "reason", cli_text(a, "reason"));
	if (cli_text(a, "via")[0] != '\0')
		printf("  %-12s %s\n", "via", cli_text(a, "via"));
	print_limits(a);
	print_credentials(a);
	print_swaps(a);
	print_guard(a, resolved);
	if (passes && strcmp(cli_text(a, "via"), "inspect") == 0)
		printf("  %-12s the origin's certificate is checked when it "
		       "is dialled\n",
			"then");
	print_remedy(a);
}

/* Key by key, escaped.  NULL: no memory, or too long. */
static char *
make_target(const char *const *pairs)
{
	char *target = NULL, *escaped;
	size_t size;
	FILE *out = open_memstream(&target, &size);

	if (out == NULL)
		return NULL;
	fputs("/v1/explain", out);
	for (size_t i = 0; pairs[i] != NULL; i += 2) {
		escaped = control_escape(pairs[i + 1]);
		fprintf(out, "%c%s=%s", i == 0 ? '?' : '&', pairs[i],
			escaped != NULL ? escaped : "");
		free(escaped);
	}
	if (fclose(out) == 0 && size <= TARGET_MAX)
		return target;
	free(target);
	return NULL;
}

int
cli_explain_ask(struct control_client *client, const char *const *pairs,
	json_t **ret, char *reterr, size_t size)
{
	char *target = make_target(pairs);
	int e;

	if (target == NULL) {
		snprintf(reterr, size, "the URL and the headers are too long");
		return -E2BIG;
	}
	e = cli_get_json(client, target, ret, reterr, size);
	free(target);
	return e;
}

/* The addresses of the answer's host, as the daemon's resolvers give them. */
static int
resolve(struct control_client *client, const json_t *answer,
	struct cli_resolved *ret)
{
	const json_t *list =
		json_object_get(json_object_get(answer, "guard"), "resolver");
	const char *servers[SERVERS_MAX];
	const json_t *server;
	size_t i, count = 0;
	char *roots = NULL;
	int r;

	json_array_foreach(list, i, server)
	{
		if (count < SERVERS_MAX)
			servers[count++] = json_string_value(server);
	}
	r = cli_get_roots(client, &roots, ret->error, sizeof(ret->error));
	if (r == 0)
		r = cli_resolve(servers, count, span_of(roots),
			cli_text(answer, "name"), ret);
	free(roots);
	return r;
}

static int
ask(struct control_client *client, const struct asked *a, bool again,
	json_t **ret)
{
	const char *pairs[2 * PAIRS_MAX + 1] = {"sandbox", a->words[0],
		"method", a->words[1], "url", a->words[2]};
	struct cli_resolved resolved;
	char text[4096];
	size_t n = 6;

	for (size_t i = 0; i < a->header_count; i++) {
		pairs[n++] = "header";
		pairs[n++] = a->headers[i];
	}
	if (cli_explain_ask(client, pairs, ret, text, sizeof(text)) < 0)
		return cli_complain(CLI_FAILED, "%s", text);
	if (!again || cli_text(*ret, "name")[0] == '\0')
		return CLI_OK;
	if (resolve(client, *ret, &resolved) < 0)
		return cli_complain(CLI_FAILED, "%s: %s",
			cli_text(*ret, "name"), resolved.error);
	pairs[n++] = "addresses";
	pairs[n] = resolved.addresses;
	json_decref(*ret);
	*ret = NULL;
	if (cli_explain_ask(client, pairs, ret, text, sizeof(text)) < 0)
		return cli_complain(CLI_FAILED, "%s", text);
	return CLI_OK;
}

const struct usage_option cli_explain_usage[] = {
	{.name = "resolve",
		.code = 'r',
		.help = "ask the name servers, and say what the address guard "
			"thinks of the answer"},
	{.name = "header",
		.code = 'H',
		.value = "'NAME: VALUE'",
		.help = "a field that the request would have; as often as "
			"wanted"},
	{.name = NULL},
};

int
cli_explain(const struct cli *cli, int argc, char **argv)
{
	struct option options[USAGE_OPTIONS_MAX + 1];
	struct control_client *client;
	json_t *answer = NULL;
	char *headers[HEADERS_MAX];
	struct asked asked = {.headers = headers};
	bool again = false;
	int status, option;

	usage_getopt(cli_explain_usage, options);
	optind = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 'r')
			again = true;
		else if (option == 'H' && asked.header_count < HEADERS_MAX)
			headers[asked.header_count++] = optarg;
		else
			return cli_complain(CLI_USAGE, "%s",
				option == 'H' ? "too many headers" : usage);
	}
	if (argc - optind != 3)
		return cli_complain(CLI_USAGE, "%s", usage);
	asked.words = argv + optind;
	status = cli_connect(cli, &client);
	if (status != CLI_OK)
		return status;
	status = ask(client, &asked, again, &answer);
	control_client_close(client);
	if (status != CLI_OK) {
		json_decref(answer);
		return status;
	}
	if (cli->json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
	} else {
		print_answer(answer, again);
	}
	/* So that a script can ask: may it? */
	status = strcmp(cli_text(answer, "verdict"), "denied") != 0
			 ? CLI_OK
			 : CLI_FAILED;
	json_decref(answer);
	return status;
}
