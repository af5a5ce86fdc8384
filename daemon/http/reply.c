#include "reply.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "buf.h"
#include "message.h"
#include "preference.h"

enum {
	KEYS = 6,
};

/* What is in an Allow field: no list of methods is complete, these are the ones
 * that people try. */
#define CARRIED "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

struct key {
	const char *name;
	const char *value;
};

struct keys {
	struct key list[KEYS];
};

static struct keys
keys_of(const struct http_reply *r)
{
	return (struct keys){{
		{"error", r->error},
		{"reason", r->reason},
		{"rule", r->rule},
		{"host", r->host},
		{"hint", r->hint},
		{"id", r->id},
	}};
}

/* A JSON string of text that may not be UTF-8: then ASCII is what stays. */
static json_t *
json_of(const char *text)
{
	json_t *ret = json_string(text);
	char *copy;

	if (ret != NULL)
		return ret;
	copy = strdup(text);
	if (copy == NULL)
		return NULL;
	for (char *c = copy; *c != '\0'; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
	ret = json_string(copy);
	free(copy);
	return ret;
}

/* Straight into the buffer, which knows the size only after one dry run. */
static int
dump_json(const json_t *object, struct buf *body)
{
	size_t len = json_dumpb(object, NULL, 0, JSON_COMPACT), room;
	char *at;

	if (len == 0)
		return -ENOMEM;
	if (len + 1 > buf_room(body))
		return -ENOBUFS;
	at = buf_reserve(body, len + 1, &room);
	if (at == NULL || json_dumpb(object, at, len, JSON_COMPACT) != len)
		return -ENOMEM;
	at[len] = '\n';
	buf_commit(body, len + 1);
	return 0;
}

static int
add_json(const struct keys *keys, struct buf *body)
{
	json_t *object = json_object();
	int r = 0;

	if (object == NULL)
		return -ENOMEM;
	for (int i = 0; i < KEYS && r == 0; i++) {
		const struct key *key = &keys->list[i];

		if (key->value != NULL && json_object_set_new(object, key->name,
						  json_of(key->value)) < 0)
			r = -ENOMEM;
	}
	if (r == 0)
		r = dump_json(object, body);
	json_decref(object);
	return r;
}

static char *
put(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

static char *
put_line(char *at, const struct key *key)
{
	at = put(at, key->name, strlen(key->name));
	at = put(at, ": ", 2);
	for (const char *c = key->value; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;

		*at++ = byte < ' ' || byte >= 0x7f ? '?' : *c;
	}
	*at++ = '\n';
	return at;
}

static int
add_text(const struct keys *keys, struct buf *body)
{
	size_t need = 0, room;
	char *at;

	for (int i = 0; i < KEYS; i++) {
		const struct key *key = &keys->list[i];

		if (key->value != NULL)
			need += strlen(key->name) + strlen(": \n") +
				strlen(key->value);
	}
	if (need > buf_room(body))
		return -ENOBUFS;
	at = buf_reserve(body, need, &room);
	if (at == NULL)
		return -ENOMEM;
	for (int i = 0; i < KEYS; i++) {
		if (keys->list[i].value != NULL)
			at = put_line(at, &keys->list[i]);
	}
	buf_commit(body, need);
	return 0;
}

static int
add_fields(struct http_head *head, const struct http_reply *r, bool text)
{
	char seconds[16];
	const struct {
		const char *name;
		const char *value; /* NULL: left out */
	} fields[] = {
		{"Content-Type", text ? "text/plain; charset=us-ascii"
				      : "application/json"},
		{"Cache-Control", "no-store"},
		{"X-Sbx-Decision", r->id},
		/* RFC 9110 15.5.6 wants it. */
		{"Allow", r->status == 405 ? CARRIED : NULL},
		{"Retry-After", r->retry_after > 0 ? seconds : NULL},
	};

	snprintf(seconds, sizeof(seconds), "%u", r->retry_after);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		int error = 0;

		if (fields[i].value != NULL)
			error = http_head_add(head, span_of(fields[i].name),
				span_of(fields[i].value), false);
		if (error < 0)
			return error;
	}
	return 0;
}

int
http_reply_build(const struct http_reply *r, const struct http_head *request,
	struct http_head *head, struct buf *body)
{
	bool text = http_prefers_text(request);
	struct keys keys = keys_of(r);
	size_t before = body->len;
	int error;

	http_head_clear(head);
	error = add_fields(head, r, text);
	if (error == 0)
		error = text ? add_text(&keys, body) : add_json(&keys, body);
	if (error < 0)
		return error;
	head->status = r->status;
	head->framing = HTTP_LENGTH;
	head->content_length = body->len - before;
	head->keep_alive = true;
	return 0;
}
