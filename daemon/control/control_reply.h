/*
 * What a question is answered with: a status, a type and a body.
 */
#ifndef SBX_CONTROL_REPLY_H
#define SBX_CONTROL_REPLY_H

#include <stddef.h>

#include <jansson.h>

struct control_reply {
	int status; /* 0: not answered yet */
	const char *type;
	char *body; /* owned */
	size_t len;
	char tag[24]; /* the ETag with its quotes, or "" */
};

void control_reply_done(struct control_reply *r);

/* Takes the reference; NULL (no memory while it was made) becomes a 500. */
void control_reply_json(struct control_reply *r, int status, json_t *body);

/* Copies. */
void control_reply_text(
	struct control_reply *r, const char *type, const char *text);

/* {"error": {code, message, hint}}; hint may be NULL. */
void control_reply_error(struct control_reply *r, int status, const char *code,
	const char *message, const char *hint);

/* What the keeper said: a status < 0 as the fitting error. */
void control_reply_failure(
	struct control_reply *r, int error, const char *message);

/* text as a JSON string, with '?' for what is no UTF-8.  A new reference. */
json_t *control_reply_string(const char *text);

#endif
