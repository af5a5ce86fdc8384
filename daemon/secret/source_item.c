#include "source_item.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "secret.h"
#include "source_file.h"
#include "source_value.h"

enum {
	PATH_TEXT = 4096,
	PATH_SHOWN = 300,     /* of a path in a reason */
	DEFAULT_TIMEOUT = 10, /* seconds */
	FAULT = 128,          /* bytes of what is wrong with one of them */
};

static struct secret *read_env(
	const struct source_item *item, char why[SOURCE_WHY]);
static struct secret *read_file(
	const struct source_item *item, char why[SOURCE_WHY]);
static struct secret *read_systemd(
	const struct source_item *item, char why[SOURCE_WHY]);

static bool is_variable(const char *word);
static bool is_absolute(const char *word);
static bool is_file_name(const char *word);

static const struct kind {
	const char *name;
	size_t max_words;
	bool (*accepts)(const char *first);
	const char *expects;
	struct secret *(*read)(const struct source_item *, char[SOURCE_WHY]);
} kinds[] = {
	[SECRET_SOURCE_ENV] = {"env", 16, is_variable, "the name of a variable",
		read_env},
	[SECRET_SOURCE_FILE] = {"file", 1, is_absolute, "an absolute path",
		read_file},
	[SECRET_SOURCE_COMMAND] = {"command", 64, is_absolute,
		"an absolute path", NULL},
	[SECRET_SOURCE_SYSTEMD] = {"systemd", 1, is_file_name,
		"a name without a slash", read_systemd},
};

static bool
is_variable(const char *word)
{
	return *word != '\0' && strchr(word, '=') == NULL;
}

static bool
is_absolute(const char *word)
{
	return *word == '/';
}

static bool
is_file_name(const char *word)
{
	return *word != '\0' && strchr(word, '/') == NULL &&
	       strcmp(word, ".") != 0 && strcmp(word, "..") != 0;
}

static int
check(const struct secret_source_spec *spec, char *reterr, size_t reterr_size)
{
	const struct kind *kind;

	if (spec->kind < 0 || (size_t)spec->kind >= ARRAY_LEN(kinds)) {
		snprintf(reterr, reterr_size, "no such kind of source");
		return -EINVAL;
	}
	kind = &kinds[spec->kind];
	if (spec->word_count == 0 || spec->word_count > kind->max_words) {
		snprintf(reterr, reterr_size, "%s: 1 to %zu words, not %zu",
			kind->name, kind->max_words, spec->word_count);
		return -EINVAL;
	}
	if (!kind->accepts(spec->words[0])) {
		snprintf(reterr, reterr_size, "%s: expected %s", kind->name,
			kind->expects);
		return -EINVAL;
	}
	return 0;
}

int
source_item_init(struct source_item *item,
	const struct secret_source_spec *spec, char *reterr, size_t reterr_size)
{
	int r = check(spec, reterr, reterr_size);

	if (r < 0)
		return r;
	item->kind = (enum secret_source_kind)spec->kind;
	item->cache_seconds = spec->cache_seconds;
	item->timeout_seconds = spec->timeout_seconds > 0
					? spec->timeout_seconds
					: DEFAULT_TIMEOUT;
	item->words = calloc(spec->word_count + 1, sizeof(item->words[0]));
	if (item->words == NULL)
		return -ENOMEM;
	item->word_count = spec->word_count;
	for (size_t i = 0; i < spec->word_count; i++) {
		item->words[i] = strdup(spec->words[i]);
		if (item->words[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

void
source_item_done(struct source_item *item)
{
	source_watch_stop(&item->watch);
	secret_unref(item->cached);
	for (size_t i = 0; i < item->word_count; i++)
		free(item->words[i]);
	free(item->words);
	*item = (struct source_item){.words = NULL};
}

void
source_item_describe(const struct source_item *item, char *ret, size_t ret_size)
{
	snprintf(
		ret, ret_size, "%s %s", kinds[item->kind].name, item->words[0]);
}

struct secret *
source_item_read(const struct source_item *item, char why[SOURCE_WHY])
{
	return kinds[item->kind].read(item, why);
}

static struct secret *
read_env(const struct source_item *item, char why[SOURCE_WHY])
{
	size_t used = 0;

	for (size_t i = 0; i < item->word_count && used < SOURCE_WHY; i++) {
		const char *text = getenv(item->words[i]);
		char fault[FAULT] = "is not set";
		struct secret *value = NULL;

		if (text != NULL)
			value = source_value(
				text, strlen(text), fault, sizeof(fault));
		if (value != NULL) {
			snprintf(why, SOURCE_WHY, "env %s", item->words[i]);
			return value;
		}
		used += (size_t)snprintf(why + used, SOURCE_WHY - used,
			"%senv %s %s", i > 0 ? "; " : "", item->words[i],
			fault);
	}
	return NULL;
}

static struct secret *
read_path(const struct source_item *item, const char *path, bool owner_only,
	char why[SOURCE_WHY])
{
	char fault[FAULT];
	struct secret *value =
		source_file_read(path, owner_only, fault, sizeof(fault));
	const char *kind = kinds[item->kind].name;

	if (value != NULL)
		source_item_describe(item, why, SOURCE_WHY);
	else
		snprintf(why, SOURCE_WHY, "%s %.*s: %s", kind, PATH_SHOWN, path,
			fault);
	return value;
}

static struct secret *
read_file(const struct source_item *item, char why[SOURCE_WHY])
{
	return read_path(item, item->words[0], true, why);
}

/*
 * The folder is the service manager's and ours alone.  The mode says nothing
 * there: where an ACL lets us in, it shows up as the group's right.
 */
static struct secret *
read_systemd(const struct source_item *item, char why[SOURCE_WHY])
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_TEXT];

	if (folder == NULL) {
		snprintf(why, SOURCE_WHY,
			"systemd %s: CREDENTIALS_DIRECTORY is not set",
			item->words[0]);
		return NULL;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder,
		    item->words[0]) >= sizeof(path)) {
		snprintf(why, SOURCE_WHY, "systemd %.*s: name too long",
			PATH_SHOWN, item->words[0]);
		return NULL;
	}
	return read_path(item, path, false, why);
}
