/*
 * cli_explain.c - explain SANDBOX METHOD URL: what would be decided, and why
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_ask.h"
#include "cli_talk.h"
#include "control_client.h"

enum { TARGET_MAX = 16 * 1024 };

static void
print_answer(const json_t *a)
{
	const json_t *credentials = json_object_get(a, "credentials");
	const json_t *name;
	size_t i;

	printf("%s by %s (%s): %s\n", cli_text(a, "verdict"),
		cli_text(a, "rule"), cli_text(a, "source"),
		cli_text(a, "explanation"));
	printf("  %-12s %s\n", "reason", cli_text(a, "reason"));
	if (cli_text(a, "via")[0] != '\0')
		printf("  %-12s %s\n", "via", cli_text(a, "via"));
	json_array_foreach(credentials, i, name)
	{
		printf("  %-12s %s\n", i == 0 ? "credentials" : "",
			json_string_value(name));
	}
	if (strcmp(cli_text(a, "verdict"), "allowed") == 0 &&
		strcmp(cli_text(a, "via"), "address") != 0)
		puts("  the addresses of the name and the origin's certificate "
		     "are checked when it is dialled");
}

/* NULL: no memory, or too long. */
static char *
make_target(char **argv)
{
	char *sandbox = control_escape(argv[1]);
	char *method = control_escape(argv[2]);
	char *url = control_escape(argv[3]);
	char *target = NULL;

	if (sandbox != NULL && method != NULL && url != NULL &&
		asprintf(&target, "/v1/explain?%s=%s&method=%s&url=%s",
			"sandbox", sandbox, method, url) < 0)
		target = NULL;
	free(sandbox);
	free(method);
	free(url);
	if (target != NULL && strlen(target) > TARGET_MAX) {
		free(target);
		return NULL;
	}
	return target;
}

int
cli_explain(const struct cli *cli, int argc, char **argv)
{
	struct control_client *client;
	json_t *answer = NULL;
	char text[4096], *target;
	int status, e;

	if (argc != 4)
		return cli_complain(
			CLI_USAGE, "usage: explain SANDBOX METHOD URL");
	target = make_target(argv);
	if (target == NULL)
		return cli_complain(CLI_USAGE, "the URL is too long");
	status = cli_connect(cli, &client);
	if (status != CLI_OK) {
		free(target);
		return status;
	}
	e = cli_get_json(client, target, &answer, text, sizeof(text));
	control_client_close(client);
	free(target);
	if (e < 0)
		return cli_complain(CLI_FAILED, "%s", text);
	if (cli->json) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
	} else {
		print_answer(answer);
	}
	/* So that a script can ask: may it? */
	status = strcmp(cli_text(answer, "verdict"), "allowed") == 0
			 ? CLI_OK
			 : CLI_FAILED;
	json_decref(answer);
	return status;
}
