#include "cli_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "array.h"
#include "control_client.h"

enum { GET_SECONDS = 15 };

static const struct {
	int status;
	int error;
} statuses[] = {
	{400, EINVAL},
	{403, EACCES},
	{404, ENOENT},
	{409, EEXIST},
	{412, ESTALE},
	{422, EINVAL},
	{503, EAGAIN},
	{504, ETIMEDOUT},
};

static int
error_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (statuses[i].status == status)
			return -statuses[i].error;
	}
	return -EREMOTEIO;
}

static int
refused(const struct control_answer *answer, char *reterr, size_t size)
{
	json_t *body = json_loadb(answer->body, answer->body_len, 0, NULL);
	json_t *error = json_object_get(body, "error");
	const char *message =
		json_string_value(json_object_get(error, "message"));
	const char *hint = json_string_value(json_object_get(error, "hint"));

	if (message == NULL)
		snprintf(reterr, size, "the daemon answers %d", answer->status);
	else if (hint == NULL)
		snprintf(reterr, size, "%s", message);
	else
		snprintf(reterr, size, "%s\n%s", message, hint);
	json_decref(body);
	return error_of(answer->status);
}

static int
ask(struct control_client *c, const struct control_question *q,
	struct control_answer *ret, char *reterr, size_t size)
{
	int e = control_client_ask(c, q, ret, reterr, size);

	if (e < 0 || control_answer_is_ok(ret))
		return e;
	e = refused(ret, reterr, size);
	control_answer_done(ret);
	return e;
}

int
cli_ask_done(struct control_client *c, const struct control_question *q,
	char *reterr, size_t size)
{
	struct control_answer answer;
	int e = ask(c, q, &answer, reterr, size);

	if (e == 0)
		control_answer_done(&answer);
	return e;
}

int
cli_ask_text(struct control_client *c, const struct control_question *q,
	char **ret, char *reterr, size_t size)
{
	struct control_answer answer;
	int e = ask(c, q, &answer, reterr, size);

	if (e == 0)
		*ret = answer.body;
	return e;
}

int
cli_ask_json(struct control_client *c, const struct control_question *q,
	json_t **ret, char *reterr, size_t size)
{
	struct control_answer answer;
	json_error_t error;
	int e = ask(c, q, &answer, reterr, size);

	if (e < 0)
		return e;
	*ret = json_loadb(answer.body, answer.body_len, 0, &error);
	control_answer_done(&answer);
	if (*ret != NULL)
		return 0;
	snprintf(
		reterr, size, "the daemon's answer is no JSON: %s", error.text);
	return -EPROTO;
}

int
cli_get_text(struct control_client *c, const char *target, char **ret,
	char *reterr, size_t size)
{
	struct control_question q = {
		.method = "GET", .target = target, .seconds = GET_SECONDS};

	return cli_ask_text(c, &q, ret, reterr, size);
}

int
cli_get_json(struct control_client *c, const char *target, json_t **ret,
	char *reterr, size_t size)
{
	struct control_question q = {
		.method = "GET", .target = target, .seconds = GET_SECONDS};

	return cli_ask_json(c, &q, ret, reterr, size);
}
