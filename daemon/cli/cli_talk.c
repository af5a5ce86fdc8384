#include "cli_talk.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_ask.h"
#include "control_client.h"
#include "control_proto.h"

enum { TEXT = 64 * 1024 };

static char text[TEXT]; /* what went wrong */

int
cli_complain(int status, const char *format, ...)
{
	va_list ap;

	fputs("sbx-netctl: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

const char *
cli_text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value != NULL ? value : "";
}

const char *
cli_target(const char *format, const char *name)
{
	static char target[4096];
	const char *at = strstr(format, "%s");
	char *escaped = control_escape(name);

	snprintf(target, sizeof(target), "%.*s%s%s", (int)(at - format), format,
		escaped != NULL ? escaped : "", at + 2);
	free(escaped);
	return target;
}

int
cli_connect(const struct cli *cli, struct control_client **ret)
{
	char path[PATH_MAX];
	int e;

	if (snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET,
		    cli->runtime_dir) >= (int)sizeof(path))
		return cli_complain(CLI_USAGE, "--runtime-dir is too long");
	e = control_client_open(path, ret, text, sizeof(text));
	if (e == 0)
		return CLI_OK;
	return cli_complain(
		e == -EACCES || e == -ENAMETOOLONG ? CLI_FAILED : CLI_NO_DAEMON,
		"%s", text);
}

/* A daemon that goes away in the middle is no daemon either. */
int
cli_hang_up(struct control_client *client, int e, const char *why)
{
	control_client_close(client);
	if (e == 0)
		return CLI_OK;
	return cli_complain(
		e == -EPIPE || e == -ETIMEDOUT ? CLI_NO_DAEMON : CLI_FAILED,
		"%s", why);
}

static void
print_json(const json_t *answer)
{
	json_dumpf(answer, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
}

static void
print_closed(const json_t *answer)
{
	json_int_t closed =
		json_integer_value(json_object_get(answer, "closed"));
	const json_t *list = json_object_get(answer, "list"), *one;
	size_t i;

	if (closed == 0)
		return;
	printf("closed %lld:\n", (long long)closed);
	json_array_foreach(list, i, one)
	{
		printf("  %s %s to %s:%lld of %s, by %s (%s)\n",
			cli_text(one, "what"), cli_text(one, "id"),
			cli_text(one, "host"),
			(long long)json_integer_value(
				json_object_get(one, "port")),
			cli_text(one, "sandbox"), cli_text(one, "rule"),
			cli_text(one, "source"));
	}
	if ((size_t)closed > json_array_size(list))
		printf("  … and %lld more: see sbx-netlog --reason revoked\n",
			(long long)closed - (long long)json_array_size(list));
}

void
cli_print_done(const struct cli *cli, const json_t *answer, const char *done)
{
	if (cli->json) {
		print_json(answer);
		return;
	}
	puts(done);
	if (cli_text(answer, "text")[0] != '\0')
		puts(cli_text(answer, "text"));
	print_closed(answer);
}

int
cli_show(const struct cli *cli, const char *target, cli_print *print)
{
	struct control_client *client = NULL;
	int status = cli_connect(cli, &client);
	json_t *answer = NULL;

	if (status != CLI_OK)
		return status;
	status = cli_hang_up(client,
		cli_get_json(client, target, &answer, text, sizeof(text)),
		text);
	if (status != CLI_OK)
		return status;
	(cli->json ? print_json : print)(answer);
	json_decref(answer);
	return CLI_OK;
}

int
cli_show_text(const struct cli *cli, const char *target)
{
	struct control_client *client = NULL;
	int status = cli_connect(cli, &client);
	json_t *object;
	char *answer = NULL;

	if (status != CLI_OK)
		return status;
	status = cli_hang_up(client,
		cli_get_text(client, target, &answer, text, sizeof(text)),
		text);
	if (status != CLI_OK)
		return status;
	if (cli->json) {
		object = json_pack("{s:s}", "text", answer);
		print_json(object);
		json_decref(object);
	} else {
		fputs(answer, stdout);
	}
	free(answer);
	return CLI_OK;
}

int
cli_submit(const struct cli *cli, const struct control_question *question,
	const char *done)
{
	struct control_client *client = NULL;
	int status = cli_connect(cli, &client);
	json_t *answer = NULL;

	if (status != CLI_OK)
		return status;
	status = cli_hang_up(client,
		cli_ask_json(client, question, &answer, text, sizeof(text)),
		text);
	if (status == CLI_OK)
		cli_print_done(cli, answer, done);
	json_decref(answer);
	return status;
}

int
cli_change(const struct cli *cli, const char *method, const char *target,
	const char *body, const char *done)
{
	const struct control_question question = {
		.method = method,
		.target = target,
		.body = body,
		.body_len = body != NULL ? strlen(body) : 0,
		.seconds = CLI_CHANGE_SECONDS,
	};

	return cli_submit(cli, &question, done);
}
