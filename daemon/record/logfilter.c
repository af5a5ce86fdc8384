#include "logfilter.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "logline.h"
#include "record.h"

static const char *
verdict_choice(int i)
{
	return i < RECORD_VERDICT_COUNT ? record_verdict_name(i) : NULL;
}

static const char *
kind_choice(int i)
{
	return i < RECORD_KIND_COUNT ? record_kind_name(i) : NULL;
}

static const char *
reason_choice(int i)
{
	return i < RECORD_REASON_COUNT ? record_reason_name(i) : NULL;
}

static const struct {
	const char *name;
	const char *(*choice)(int i); /* NULL: globs, with these flags */
	int flags;
	bool of_result;
} keys[] = {
	[LOGFILTER_SANDBOX] = {"sandbox", NULL, 0, false},
	[LOGFILTER_HOST] = {"host", NULL, FNM_CASEFOLD, false},
	[LOGFILTER_VERDICT] = {"verdict", verdict_choice, 0, true},
	[LOGFILTER_KIND] = {"kind", kind_choice, 0, false},
	[LOGFILTER_REASON] = {"reason", reason_choice, 0, true},
};

const char *
logfilter_key_name(enum logfilter_key key)
{
	return keys[key].name;
}

const char *
logfilter_choice(enum logfilter_key key, int i)
{
	return keys[key].choice != NULL ? keys[key].choice(i) : NULL;
}

static bool
is_choice(enum logfilter_key key, const char *word)
{
	const char *choice;

	for (int i = 0; (choice = logfilter_choice(key, i)) != NULL; i++) {
		if (strcmp(choice, word) == 0)
			return true;
	}
	return false;
}

int
logfilter_add(struct logfilter *f, enum logfilter_key key, const char *word)
{
	size_t *count = &f->keys[key].count;

	if (keys[key].choice != NULL && !is_choice(key, word))
		return -EINVAL;
	if (*count == LOGFILTER_WORDS)
		return -E2BIG;
	f->keys[key].words[(*count)++] = word;
	return 0;
}

static bool
key_matches(const struct logfilter *f, int key, const char *value)
{
	for (size_t i = 0; i < f->keys[key].count; i++) {
		const char *word = f->keys[key].words[i];

		if (keys[key].choice == NULL
				? fnmatch(word, value, keys[key].flags) == 0
				: strcmp(word, value) == 0)
			return true;
	}
	return f->keys[key].count == 0;
}

bool
logfilter_matches_target(
	const struct logfilter *f, const struct logline *decision)
{
	for (int key = 0; key < LOGFILTER_KEY_COUNT; key++) {
		if (!keys[key].of_result &&
			!key_matches(
				f, key, logline_text(decision, keys[key].name)))
			return false;
	}
	return f->since_us == 0 || logline_ts(decision) >= f->since_us;
}

bool
logfilter_matches_result(const struct logfilter *f,
	const struct logline *decision, const struct logline *outcome)
{
	for (int key = 0; key < LOGFILTER_KEY_COUNT; key++) {
		if (!keys[key].of_result)
			continue;
		if (key_matches(f, key, logline_text(decision, keys[key].name)))
			continue;
		if (outcome == NULL ||
			!key_matches(
				f, key, logline_text(outcome, keys[key].name)))
			return false;
	}
	return true;
}
