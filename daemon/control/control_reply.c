#include "control_reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

static const struct {
	int error;
	int status;
	const char *code;
	const char *hint;
} failures[] = {
	{EEXIST, 409, "exists", "remove it first, or choose another name"},
	{ESTALE, 412, "stale", "read it again, and change what is there now"},
	{EBUSY, 409, "declared_in_file",
		"it stands in a file: change that, then reload"},
	{ENOTEMPTY, 409, "in_use", "change or remove those first"},
	{EFBIG, 413, "too_large", NULL},
	{EINVAL, 422, "invalid", NULL},
	{ENOENT, 404, "not_found", NULL},
	{EAGAIN, 503, "busy", "try again"},
	{ETIMEDOUT, 504, "timeout", "see the daemon's log"},
	{ENOSPC, 507, "full", NULL},
};

void
control_reply_done(struct control_reply *r)
{
	free(r->body);
	*r = (struct control_reply){0};
}

static void
set(struct control_reply *r, int status, const char *type, char *body)
{
	control_reply_done(r);
	if (body == NULL) {
		/* An answer that needs no memory. */
		r->status = 500;
		r->type = "application/json";
		return;
	}
	*r = (struct control_reply){
		.status = status,
		.type = type,
		.body = body,
		.len = strlen(body),
	};
}

void
control_reply_json(struct control_reply *r, int status, json_t *body)
{
	char *text = body == NULL ? NULL : json_dumps(body, JSON_INDENT(2));

	json_decref(body);
	if (text != NULL) {
		size_t len = strlen(text);
		char *line = realloc(text, len + 2);

		if (line == NULL) {
			free(text);
		} else {
			line[len] = '\n';
			line[len + 1] = '\0';
		}
		text = line;
	}
	set(r, status, "application/json", text);
}

void
control_reply_text(struct control_reply *r, const char *type, const char *text)
{
	set(r, 200, type, strdup(text));
}

json_t *
control_reply_string(const char *text)
{
	json_t *string = json_string(text);
	char *plain;

	if (string != NULL)
		return string;
	plain = strdup(text);
	if (plain == NULL)
		return NULL;
	for (char *p = plain; *p != '\0'; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	string = json_string(plain);
	free(plain);
	return string;
}

void
control_reply_error(struct control_reply *r, int status, const char *code,
	const char *message, const char *hint)
{
	json_t *error = json_pack("{s:s, s:o}", "code", code, "message",
		control_reply_string(message));

	if (hint != NULL)
		json_object_set_new(error, "hint", json_string(hint));
	control_reply_json(r, status, json_pack("{s:o}", "error", error));
}

void
control_reply_failure(struct control_reply *r, int error, const char *message)
{
	const char *text = message != NULL && message[0] != '\0'
				   ? message
				   : strerror(-error);

	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		if (failures[i].error == -error) {
			control_reply_error(r, failures[i].status,
				failures[i].code, text, failures[i].hint);
			return;
		}
	}
	control_reply_error(r, 500, "failed", text, "see the daemon's log");
}
