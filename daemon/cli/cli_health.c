/*
 * cli_health.c - health: is all well?  Exit status 0 yes, 1 no
 *
 * A daemon that is not well answers 503 and says what is wrong in the same
 * words: both are answers here.
 */
#include <errno.h>
#include <stdio.h>

#include "cli.h"
#include "cli_talk.h"
#include "control_client.h"

enum { SECONDS = 15 };

static void
print_health(const json_t *health)
{
	const json_t *checked = json_object_get(health, "checked"), *one;
	size_t i;

	printf("%s",
		json_is_true(json_object_get(health, "ok")) ? "ok" : "NOT OK");
	if (json_is_number(checked))
		printf(", looked %.0f s ago, canary %s",
			json_number_value(checked), cli_text(health, "canary"));
	printf("\n");
	json_array_foreach(json_object_get(health, "findings"), i, one)
	{
		printf("%s: %s\n    mend: %s\n", cli_text(one, "severity"),
			cli_text(one, "what"), cli_text(one, "mend"));
	}
}

static int
show(const struct cli *cli, const struct control_answer *answer)
{
	json_t *health = json_loadb(answer->body, answer->body_len, 0, NULL);
	int status = CLI_FAILED;

	if (!json_is_boolean(json_object_get(health, "ok")))
		cli_complain(
			CLI_FAILED, "the daemon answers %d", answer->status);
	else if (json_is_true(json_object_get(health, "ok")))
		status = CLI_OK;
	if (health != NULL && cli->json) {
		json_dumpf(health, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
	} else if (health != NULL) {
		print_health(health);
	}
	json_decref(health);
	return status;
}

int
cli_health(const struct cli *cli, int argc, char **argv)
{
	const struct control_question q = {
		.method = "GET", .target = "/v1/health", .seconds = SECONDS};
	struct control_client *client;
	struct control_answer answer;
	char text[512];
	int r;

	(void)argv;
	if (argc != 1)
		return cli_complain(CLI_USAGE, "health takes no arguments");
	r = cli_connect(cli, &client);
	if (r != CLI_OK)
		return r;
	r = control_client_ask(client, &q, &answer, text, sizeof(text));
	if (r < 0) {
		r = cli_complain(CLI_FAILED, "%s", text);
	} else {
		r = show(cli, &answer);
		control_answer_done(&answer);
	}
	control_client_close(client);
	return r;
}
