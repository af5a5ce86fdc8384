/*
 * cli_check.c - check: would these documents load?
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_talk.h"
#include "policy_files.h"

/* JSON is UTF-8, and the path of a file need not be: '?' for what is not. */
static json_t *
json_report(char *report)
{
	json_t *text = json_string(report);

	if (text != NULL)
		return text;
	for (char *p = report; *p != '\0'; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	return json_string(report);
}

/* The words are those of POST /v1/check. */
static void
print_report(const struct cli *cli, bool ok, char *report)
{
	json_t *answer;

	if (!cli->json) {
		fputs(report, stderr);
		return;
	}
	answer = json_pack(
		"{s:b, s:o}", "ok", ok, "report", json_report(report));
	json_dumpf(answer, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(answer);
}

int
cli_check(const struct cli *cli, int argc, char **argv)
{
	const char *config = cli->config != NULL ? cli->config : CLI_CONFIG;
	char *report = NULL;
	int r;

	if (argc == 1)
		r = policy_files_check_main(config, cli->runtime_dir, &report);
	else
		r = policy_files_check((const char *const *)argv + 1,
			(size_t)argc - 1, cli->runtime_dir, &report);
	if (r == 0 || r == -EINVAL)
		print_report(cli, r == 0, report);
	else
		cli_complain(CLI_FAILED, "%s", strerror(-r));
	free(report);
	return r == 0 ? CLI_OK : CLI_FAILED;
}
