/*
 * logline.c - one line of the log, read with suspicion
 *
 * A full disk can leave half a line without a newline, and the line of another
 * process right behind it (writer.c).  The half is lost, the whole one must
 * not be: when a line does not parse, what follows the last places where a
 * record could begin is tried.  No string in a record can hold that beginning,
 * because its quotes would be escaped.
 */
#include "logline.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "logtime.h"

enum {
	TRIES = 4, /* beginnings looked at, from the end, in a broken line */
};

static const struct span beginning = SPAN_LITERAL("{\"ts\":\"");

static bool
is_record(const struct logline *l)
{
	const char *event = logline_text(l, "event");
	uint64_t us;

	return logtime_parse(logline_text(l, "ts"), &us) == 0 &&
	       (strcmp(event, record_event_name(RECORD_DECISION)) == 0 ||
		       strcmp(event, record_event_name(RECORD_OUTCOME)) == 0) &&
	       logline_text(l, "id")[0] != '\0';
}

static int
parse_whole(struct span line, struct logline *ret)
{
	struct logline l = {.text = line};

	l.object = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL);
	if (l.object == NULL)
		return -EBADMSG;
	if (!is_record(&l)) {
		logline_done(&l);
		return -EBADMSG;
	}
	*ret = l;
	return 0;
}

/* The last place before end where a record could begin, but not at 0. */
static size_t
last_beginning(struct span line, size_t end)
{
	for (size_t at = end; at > 1; at--) {
		if (line.len - (at - 1) >= beginning.len &&
			memcmp(line.ptr + at - 1, beginning.ptr,
				beginning.len) == 0)
			return at - 1;
	}
	return 0;
}

int
logline_parse(struct span line, struct logline *ret)
{
	size_t at = line.len;

	if (parse_whole(line, ret) == 0)
		return 0;
	for (int i = 0; i < TRIES; i++) {
		at = last_beginning(line, at);
		if (at == 0)
			break;
		if (parse_whole((struct span){line.ptr + at, line.len - at},
			    ret) == 0)
			return 0;
	}
	return -EBADMSG;
}

void
logline_done(struct logline *l)
{
	json_decref(l->object);
	*l = (struct logline){0};
}

const char *
logline_text(const struct logline *l, const char *key)
{
	const char *text = json_string_value(json_object_get(l->object, key));

	return text != NULL ? text : "";
}

uint64_t
logline_number(const struct logline *l, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(l->object, key));

	return v > 0 ? (uint64_t)v : 0;
}

double
logline_real(const struct logline *l, const char *key)
{
	double v = json_number_value(json_object_get(l->object, key));

	return v > 0 ? v : 0;
}

bool
logline_flag(const struct logline *l, const char *key)
{
	return json_is_true(json_object_get(l->object, key));
}

char *
logline_json(const struct logline *l, const char *key)
{
	const json_t *v = json_object_get(l->object, key);

	return v != NULL ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
}

static bool
is(const struct logline *l, const char *key, const char *value)
{
	return strcmp(logline_text(l, key), value) == 0;
}

bool
logline_is_outcome(const struct logline *l)
{
	return is(l, "event", record_event_name(RECORD_OUTCOME));
}

bool
logline_passed(const struct logline *l)
{
	return is(l, "verdict", record_verdict_name(RECORD_ALLOWED)) ||
	       is(l, "verdict", record_verdict_name(RECORD_AUDITED));
}

bool
logline_awaits_outcome(const struct logline *l)
{
	return is(l, "event", record_event_name(RECORD_DECISION)) &&
	       logline_passed(l) &&
	       !is(l, "kind", record_kind_name(RECORD_PACKET)) &&
	       !is(l, "kind", record_kind_name(RECORD_CONTROL));
}

uint64_t
logline_id(const struct logline *l)
{
	return strtoull(logline_text(l, "id"), NULL, 16);
}

uint64_t
logline_ts(const struct logline *l)
{
	uint64_t us = 0;

	(void)logtime_parse(logline_text(l, "ts"), &us);
	return us;
}

int
logline_reason(const struct logline *l)
{
	const char *name = logline_text(l, "reason");

	for (int i = 0; i < RECORD_REASON_COUNT; i++) {
		if (strcmp(name, record_reason_name(i)) == 0)
			return i;
	}
	return -ENOENT;
}
