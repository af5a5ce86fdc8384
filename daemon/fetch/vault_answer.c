/*
 * vault_answer.c - a Vault's answers, read
 *
 * Theory of operation
 *
 * KV version 2 answers
 *
 *	{"data": {"data": {FIELD: VALUE, …}, "metadata": {"version": …,
 *	 "deletion_time": "" or a date, "destroyed": …}}}
 *
 * with 200; of a version that is deleted or destroyed the inner data is null
 *and the status 404.  A mount of version 1 has the fields where the two objects
 * would be: that is how it is known.  Other failures are told by their status;
 * what Vault says of them in its body is left alone, for it may repeat what it
 * was asked with.
 *
 * JSON is looked at where it lies (json_text.h); the one copy that is made of a
 * value is wiped.
 */
#include "vault_answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "json_text.h"
#include "logtime.h"
#include "secret.h"
#include "source_value.h"

enum {
	OK = 200,
	NOT_FOUND = 404,
	MICROS = 1000000,
	DATE_MAX = 64,   /* bytes of a date, and more */
	NAMES_SHOWN = 4, /* of fields that a secret has */
	NAME_SHOWN = 24, /* bytes of each */
};

struct reason {
	char *text;
	size_t size;
};

static void
say(const struct reason *why, const char *text)
{
	snprintf(why->text, why->size, "%s", text);
}

/* ---- a status ----------------------------------------------------------- */

static const struct row {
	long first, last;
	const char *login, *read; /* NULL: as the other */
} rows[] = {
	{300, 399, "a redirect, which is not followed: is that a standby node?",
		NULL},
	{400, 400, "the role_id or the secret_id is wrong, used up or expired",
		"the question is refused: is a token missing?"},
	{403, 403, "this role may not log in from here",
		"permission denied: the token is wrong or has ended, or its "
		"policy forbids this path"},
	{404, 404, "no AppRole is mounted there",
		"no such secret or version, or no KV version 2 mount"},
	{429, 429, "too many requests, or a standby node", NULL},
	{472, 473, "a standby node that does not answer questions", NULL},
	{500, 500, "the server failed", NULL},
	{502, 502, "a server behind it failed", NULL},
	{503, 503, "sealed, or down for maintenance", NULL},
};

static void
say_status(const struct reason *why, long status, bool is_login)
{
	const char *words = "not an answer that is expected";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (status < rows[i].first || status > rows[i].last)
			continue;
		words = is_login || rows[i].read == NULL ? rows[i].login
							 : rows[i].read;
	}
	snprintf(why->text, why->size, "%s%ld: %s", is_login ? "login: " : "",
		status, words);
}

/* ---- texts -------------------------------------------------------------- */

/* Of a JSON string; a reason begins with before. */
static struct secret *
take_text(struct span string, const char *before, const struct reason *why)
{
	char *text = malloc(string.len);
	ssize_t len = text != NULL ? json_text_string(string, text) : 0;
	struct secret *value = NULL;
	char fault[64];

	if (text == NULL)
		say(why, strerror(ENOMEM));
	else if (len < 0)
		snprintf(why->text, why->size, "%s is no text", before);
	else if ((value = source_value(
			  text, (size_t)len, fault, sizeof(fault))) == NULL)
		snprintf(why->text, why->size, "%s %s", before, fault);
	if (text != NULL)
		explicit_bzero(text, string.len);
	free(text);
	return value;
}

/* A name as it may be shown: printable, and cut. */
static void
show_name(struct span string, char ret[NAME_SHOWN + 1])
{
	size_t len = string.len - 2 < NAME_SHOWN ? string.len - 2 : NAME_SHOWN;

	/* With its escapes as they are, and without the quotes. */
	for (size_t i = 0; i < len; i++) {
		char c = string.ptr[1 + i];

		ret[i] = '?';
		if (c >= ' ' && c <= '~')
			ret[i] = c;
	}
	ret[len] = '\0';
}

static void
say_fields(const struct reason *why, struct span fields, const char *wanted)
{
	char name[NAME_SHOWN + 1];
	struct span key;
	size_t len, i;

	snprintf(why->text, why->size, "has no field \"%.*s\"", NAME_SHOWN,
		wanted);
	for (i = 0; json_text_key(fields, i, &key) == 0; i++) {
		len = strlen(why->text);
		if (i == NAMES_SHOWN) {
			snprintf(why->text + len, why->size - len, ", ...");
			return;
		}
		show_name(key, name);
		snprintf(why->text + len, why->size - len, "%s %s",
			i == 0 ? "; it has" : ",", name);
	}
}

/* ---- a secret ----------------------------------------------------------- */

static bool
is_object(struct span value)
{
	return value.ptr[0] == '{';
}

static bool
get(struct span object, const char *key, struct span *ret)
{
	return json_text_member(object, span_of(key), ret) == 0;
}

static bool
open_data(const struct vault_answer *a, struct span *ret)
{
	struct span all;

	return a->body.len <= VAULT_ANSWER_MAX &&
	       json_text_open(a->body, &all) == 0 && get(all, "data", ret);
}

/* When the version is deleted; 0: never, or nobody knows. */
static int64_t
read_deletion(struct span metadata)
{
	char date[DATE_MAX];
	uint64_t micros;
	struct span text;
	ssize_t len;

	if (!get(metadata, "deletion_time", &text) || text.len >= sizeof(date))
		return 0;
	len = json_text_string(text, date);
	if (len <= 0)
		return 0;
	date[len] = '\0';
	return logtime_parse(date, &micros) == 0 ? (int64_t)(micros / MICROS)
						 : 0;
}

/* Of a version whose data is gone. */
static void
say_gone(const struct reason *why, struct span metadata)
{
	struct span destroyed;
	bool is_destroyed = get(metadata, "destroyed", &destroyed) &&
			    span_equals(destroyed, SPAN_LITERAL("true"));

	snprintf(why->text, why->size, "404: this version of the secret was %s",
		is_destroyed ? "destroyed" : "deleted");
}

static struct secret *
find_field(struct span fields, const char *field, const struct reason *why)
{
	struct span value;
	int r = json_text_member(fields, span_of(field), &value);
	char before[NAME_SHOWN + 16];

	snprintf(before, sizeof(before), "field \"%.*s\"", NAME_SHOWN, field);
	if (r == 0)
		return take_text(value, before, why);
	if (r == -EEXIST)
		snprintf(why->text, why->size, "%s is there twice", before);
	else
		say_fields(why, fields, field);
	return NULL;
}

struct secret *
vault_answer_field(const struct vault_answer *a, const char *field,
	int64_t *ret_expires, char *reterr, size_t reterr_size)
{
	const struct reason why = {reterr, reterr_size};
	struct span data, fields, metadata;
	struct secret *value = NULL;
	bool has_data = (a->status == OK || a->status == NOT_FOUND) &&
			open_data(a, &data);
	bool has_metadata = has_data && get(data, "metadata", &metadata) &&
			    is_object(metadata);

	if (has_metadata && get(data, "data", &fields) && !is_object(fields))
		say_gone(&why, metadata);
	else if (a->status != OK)
		say_status(&why, a->status, false);
	else if (!has_data)
		say(&why, "the answer is no JSON of a Vault");
	else if (!has_metadata || !get(data, "data", &fields))
		say(&why, "no KV version 2: is the mount's engine version 1?");
	else
		value = find_field(fields, field, &why);
	if (value != NULL)
		*ret_expires = read_deletion(metadata);
	return value;
}

/* ---- a login ------------------------------------------------------------ */

struct secret *
vault_answer_token(
	const struct vault_answer *a, char *reterr, size_t reterr_size)
{
	const struct reason why = {reterr, reterr_size};
	struct span all, auth, token;

	if (a->status != OK) {
		say_status(&why, a->status, true);
		return NULL;
	}
	if (a->body.len > VAULT_ANSWER_MAX ||
		json_text_open(a->body, &all) < 0 || !get(all, "auth", &auth) ||
		!is_object(auth) || !get(auth, "client_token", &token)) {
		say(&why, "login: the answer has no token");
		return NULL;
	}
	return take_text(token, "login: the token", &why);
}
