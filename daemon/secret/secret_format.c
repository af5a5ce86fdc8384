/*
 * secret_format.c - a value out of what a source printed
 *
 * Each format is a function that finds two things in the bytes: where the value
 * lies, and when it ends.  Only a text of JSON has to be written anew, without
 * its escapes; that copy is wiped before it is given back.
 */
#include "secret_format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "json_text.h"
#include "logtime.h"
#include "secret.h"
#include "source_value.h"

enum {
	MICROS = 1000000,
	TIME_TEXT = 64,   /* bytes of a date, and more */
	TIME_DIGITS = 18, /* of seconds since 1970; more would be too many */
	FIELD_SHOWN = 60, /* bytes of it in a reason */
};

struct found {
	struct span value; /* raw, or a JSON string with its quotes */
	bool is_json;
	int64_t expires;
};

struct reason {
	char *text;
	size_t size;
};

static int
say(const struct reason *why, const char *text)
{
	snprintf(why->text, why->size, "%s", text);
	return -EINVAL;
}

static int
say_field(const struct reason *why, const char *before, struct span field,
	const char *after)
{
	int shown = field.len < FIELD_SHOWN ? (int)field.len : FIELD_SHOWN;

	snprintf(why->text, why->size, "%s\"%.*s\"%s", before, shown, field.ptr,
		after);
	return -EINVAL;
}

/* ---- JSON --------------------------------------------------------------- */

static int
open_json(struct span raw, struct span *ret, const struct reason *why)
{
	return json_text_open(raw, ret) < 0 ? say(why, "is no JSON") : 0;
}

static int
take_member(struct span object, struct span key, struct span *ret,
	const struct reason *why)
{
	int r = json_text_member(object, key, ret);

	if (r == -EEXIST)
		return say_field(why, "has the key ", key, " twice");
	return r < 0 ? say_field(why, "has no ", key, "") : 0;
}

/* A key is a number where a list is.  As it was written, and no other way. */
static int
take_element(struct span list, struct span key, struct span *ret)
{
	enum { DIGITS = 6 };
	size_t index = 0;

	if (key.len == 0 || key.len > DIGITS ||
		(key.len > 1 && key.ptr[0] == '0'))
		return -ENOENT;
	for (size_t i = 0; i < key.len; i++) {
		if (key.ptr[i] < '0' || key.ptr[i] > '9')
			return -ENOENT;
		index = index * 10 + (size_t)(key.ptr[i] - '0');
	}
	return json_text_element(list, index, ret);
}

static int
find_json(const struct secret_format *f, struct span raw, struct found *ret,
	const struct reason *why)
{
	const char *at = f->field != NULL ? f->field : "";
	struct span value;
	int r = open_json(raw, &value, why);

	while (r == 0 && *at != '\0') {
		struct span key = {at, strcspn(at, ".")};

		if (value.ptr[0] != '[')
			r = take_member(value, key, &value, why);
		else if (take_element(value, key, &value) < 0)
			r = say_field(why, "has no ", key, " in a list");
		at += key.len;
		at += *at == '.';
	}
	if (r < 0)
		return r;
	*ret = (struct found){.value = value, .is_json = true};
	return 0;
}

static int
find_docker(const struct secret_format *f, struct span raw, struct found *ret,
	const struct reason *why)
{
	const char *key = f->field != NULL ? f->field : "Secret";
	struct span all;
	int r = open_json(raw, &all, why);

	ret->is_json = true;
	return r < 0 ? r : take_member(all, span_of(key), &ret->value, why);
}

static int
read_date(struct span text, int64_t *ret, const struct reason *why)
{
	char date[TIME_TEXT];
	uint64_t micros;
	ssize_t len = text.len < sizeof(date) ? json_text_string(text, date)
					      : -EINVAL;

	if (len < 0)
		return say(why, "has an Expiration that is no date");
	date[len] = '\0';
	if (logtime_parse(date, &micros) < 0)
		return say(why, "has an Expiration that is no date");
	*ret = (int64_t)(micros / MICROS);
	return 0;
}

static int
find_aws(const struct secret_format *f, struct span raw, struct found *ret,
	const struct reason *why)
{
	static const struct span version = SPAN_LITERAL("Version"),
				 expiration = SPAN_LITERAL("Expiration");
	const char *key = f->field != NULL ? f->field : "SecretAccessKey";
	struct span all, value;
	int r = open_json(raw, &all, why);

	if (r == 0)
		r = take_member(all, version, &value, why);
	if (r == 0 && !span_equals(value, SPAN_LITERAL("1")))
		r = say(why, "has a Version that is not 1");
	if (r < 0)
		return r;
	r = json_text_member(all, expiration, &value);
	if (r == -EEXIST)
		return take_member(all, expiration, &value, why);
	if (r == 0)
		r = read_date(value, &ret->expires, why);
	else
		r = 0; /* without one they do not end */
	ret->is_json = true;
	return r < 0 ? r : take_member(all, span_of(key), &ret->value, why);
}

/* ---- lines -------------------------------------------------------------- */

static int
read_seconds(struct span text, int64_t *ret, const struct reason *why)
{
	int64_t seconds = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || i == TIME_DIGITS)
			return say(why,
				"has a password_expiry_utc that is no time");
		seconds = seconds * 10 + (text.ptr[i] - '0');
	}
	/* Nothing ends in 1970; and 0 would say that nothing was said. */
	*ret = seconds > 0 ? seconds : 1;
	return 0;
}

static struct span
take_line(struct span *rest)
{
	const char *end = memchr(rest->ptr, '\n', rest->len);
	size_t len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
	struct span line = {rest->ptr, len};

	len += end != NULL;
	rest->ptr += len;
	rest->len -= len;
	return line;
}

/* The last of several holds, as in git; a blank line ends them all. */
static int
find_git(const struct secret_format *f, struct span raw, struct found *ret,
	const struct reason *why)
{
	struct span wanted = span_of(f->field != NULL ? f->field : "password");
	int r = 0;

	while (r == 0 && raw.len > 0) {
		struct span line = take_line(&raw), key, value;
		const char *sign;

		if (line.len == 0)
			break;
		sign = memchr(line.ptr, '=', line.len);
		if (sign == NULL)
			return say(why, "has a line without \"=\"");
		key = (struct span){line.ptr, (size_t)(sign - line.ptr)};
		value = (struct span){sign + 1, line.len - key.len - 1};
		if (span_equals(key, wanted))
			ret->value = value;
		if (span_equals(key, SPAN_LITERAL("password_expiry_utc")))
			r = read_seconds(value, &ret->expires, why);
	}
	if (r == 0 && ret->value.ptr == NULL)
		r = say_field(why, "has no ", wanted, "");
	return r;
}

static int
find_raw(const struct secret_format *f, struct span raw, struct found *ret,
	const struct reason *why)
{
	(void)f, (void)why;
	ret->value = raw;
	return 0;
}

/* ---- all of them -------------------------------------------------------- */

static struct secret *
unescape(struct span string, const struct reason *why)
{
	char *text = malloc(string.len);
	ssize_t len = text != NULL ? json_text_string(string, text) : 0;
	struct secret *value = NULL;

	if (text == NULL)
		say(why, strerror(ENOMEM));
	else if (len < 0)
		say(why, "has something else than a text there");
	else
		value = source_value(text, (size_t)len, why->text, why->size);
	if (text != NULL)
		explicit_bzero(text, string.len);
	free(text);
	return value;
}

struct secret *
secret_format_read(const struct secret_format *f, struct span raw, int64_t now,
	int64_t *ret_expires, char *reterr, size_t reterr_size)
{
	static int (*const find[])(const struct secret_format *, struct span,
		struct found *, const struct reason *) = {
		[SECRET_FORMAT_RAW] = find_raw,
		[SECRET_FORMAT_JSON] = find_json,
		[SECRET_FORMAT_GIT] = find_git,
		[SECRET_FORMAT_DOCKER] = find_docker,
		[SECRET_FORMAT_AWS] = find_aws,
	};
	struct reason why = {reterr, reterr_size};
	struct found found = {.expires = 0};
	struct secret *value;

	/* Of what is cut off, what is left could be taken for the whole. */
	if (raw.len > SECRET_MAX + 1) {
		say(&why, "is longer than 64 KiB");
		return NULL;
	}
	if (find[f->kind](f, raw, &found, &why) < 0)
		return NULL;
	if (found.expires != 0 && found.expires <= now) {
		say(&why, "has expired");
		return NULL;
	}
	value = found.is_json ? unescape(found.value, &why)
			      : source_value(found.value.ptr, found.value.len,
					reterr, reterr_size);
	if (value != NULL)
		*ret_expires = found.expires;
	return value;
}
