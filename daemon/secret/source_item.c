#include "source_item.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "array.h"
#include "secret.h"
#include "source_command.h"
#include "source_file.h"
#include "source_value.h"
#include "source_vault.h"

enum {
	PATH_TEXT = 4096,
	PATH_SHOWN = 120,     /* of a path in a reason */
	DEFAULT_TIMEOUT = 10, /* seconds */
	GRACE = 2,            /* seconds, beyond what a process gives itself */
	FAULT = 128,          /* bytes of what is wrong with one of them */
};

/* What a source said. */
struct answer {
	struct secret *value;
	int64_t expires; /* second since 1970; 0: not said */
	size_t word;     /* env: which variable */
	char fault[SOURCE_FAULT];
};

static void read_env(const struct source_item *item, struct answer *ret);
static void read_file(const struct source_item *item, struct answer *ret);
static void read_systemd(const struct source_item *item, struct answer *ret);

static bool is_variable(const char *word);
static bool is_absolute(const char *word);
static bool is_file_name(const char *word);
static bool is_place(const char *word);

static const struct kind {
	const char *name;
	size_t min_words, max_words;
	bool (*accepts)(const char *first);
	const char *expects;
	void (*read)(const struct source_item *, struct answer *);
} kinds[] = {
	[SECRET_SOURCE_ENV] = {"env", 1, 16, is_variable,
		"the name of a variable", read_env},
	[SECRET_SOURCE_FILE] = {"file", 1, 1, is_absolute, "an absolute path",
		read_file},
	[SECRET_SOURCE_COMMAND] = {"command", 1, 64, is_absolute,
		"an absolute path", NULL},
	[SECRET_SOURCE_SYSTEMD] = {"systemd", 1, 1, is_file_name,
		"a name without a slash", read_systemd},
	[SECRET_SOURCE_VAULT] = {"vault", SOURCE_VAULT_WORDS,
		SOURCE_VAULT_WORDS, is_place, "an address", NULL},
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

static bool
is_place(const char *word)
{
	return strchr(word, ':') != NULL;
}

static int
check(const struct secret_source_spec *spec, char *reterr, size_t reterr_size)
{
	const struct kind *kind;

	if (spec->kind < 0 || (size_t)spec->kind >= ARRAY_LEN(kinds)) {
		snprintf(reterr, reterr_size, "no such kind of source");
		return -EINVAL;
	}
	if (spec->input != NULL && strlen(spec->input) > SOURCE_INPUT_MAX) {
		snprintf(reterr, reterr_size, "more than %d bytes of input",
			SOURCE_INPUT_MAX);
		return -EINVAL;
	}
	kind = &kinds[spec->kind];
	if (spec->word_count < kind->min_words ||
		spec->word_count > kind->max_words) {
		snprintf(reterr, reterr_size, "%s: %zu to %zu words, not %zu",
			kind->name, kind->min_words, kind->max_words,
			spec->word_count);
		return -EINVAL;
	}
	if (!kind->accepts(spec->words[0])) {
		snprintf(reterr, reterr_size, "%s: expected %s", kind->name,
			kind->expects);
		return -EINVAL;
	}
	return 0;
}

/* NULL for NULL. */
static int
copy_text(const char *text, char **ret)
{
	*ret = text != NULL ? strdup(text) : NULL;
	return text != NULL && *ret == NULL ? -ENOMEM : 0;
}

static int
set_question(struct source_item *item, char *reterr, size_t reterr_size)
{
	struct source_vault v = {.timeout_seconds = item->timeout_seconds};

	for (size_t i = 0; i < SOURCE_VAULT_WORDS; i++)
		v.words[i] = item->words[i];
	item->format = (struct secret_format){.kind = SECRET_FORMAT_GIT};
	item->input = source_vault_write(&v);
	if (item->input == NULL)
		return -ENOMEM;
	if (strlen(item->input) <= SOURCE_INPUT_MAX)
		return 0;
	snprintf(reterr, reterr_size, "vault: more than %d bytes of words",
		SOURCE_INPUT_MAX);
	return -EINVAL;
}

int
source_item_init(struct source_item *item,
	const struct secret_source_spec *spec, char *reterr, size_t reterr_size)
{
	int r = check(spec, reterr, reterr_size);

	if (r < 0)
		return r;
	item->kind = (enum secret_source_kind)spec->kind;
	item->terms = (struct source_terms){
		.watched = !source_item_runs(item),
		.ttl = spec->ttl_seconds,
		.refresh = spec->refresh_seconds,
		.failure_ttl = spec->failure_ttl_seconds,
	};
	item->timeout_seconds = spec->timeout_seconds > 0
					? spec->timeout_seconds
					: DEFAULT_TIMEOUT;
	item->format.kind = spec->format.kind;
	if (copy_text(spec->format.field, &item->field) < 0 ||
		copy_text(spec->input, &item->input) < 0)
		return -ENOMEM;
	item->format.field = item->field;
	item->words = calloc(spec->word_count + 1, sizeof(item->words[0]));
	if (item->words == NULL)
		return -ENOMEM;
	item->word_count = spec->word_count;
	for (size_t i = 0; i < spec->word_count; i++) {
		item->words[i] = strdup(spec->words[i]);
		if (item->words[i] == NULL)
			return -ENOMEM;
	}
	return item->kind == SECRET_SOURCE_VAULT
		       ? set_question(item, reterr, reterr_size)
		       : 0;
}

bool
source_item_runs(const struct source_item *item)
{
	return kinds[item->kind].read == NULL;
}

void
source_item_order(
	const struct source_item *item, struct source_command_order *ret)
{
	bool is_ours = item->kind == SECRET_SOURCE_VAULT;

	*ret = (struct source_command_order){
		.argv = is_ours ? source_vault_argv : item->words,
		.is_ours = is_ours,
		.input = item->input,
		.format = item->format,
		/* It says by itself that time is up, and what it waited for. */
		.timeout_seconds =
			item->timeout_seconds + (is_ours ? GRACE : 0),
	};
}

void
source_item_done(struct source_item *item)
{
	source_watch_stop(&item->watch);
	source_hold_done(&item->hold);
	free(item->field);
	free(item->input);
	for (size_t i = 0; i < item->word_count; i++)
		free(item->words[i]);
	free(item->words);
	*item = (struct source_item){.words = NULL};
}

void
source_item_describe(const struct source_item *item, char *ret, size_t ret_size)
{
	const char *name = kinds[item->kind].name;

	if (item->kind == SECRET_SOURCE_VAULT)
		snprintf(ret, ret_size, "%s %s/%.*s", name,
			item->words[SOURCE_VAULT_MOUNT], PATH_SHOWN,
			item->words[SOURCE_VAULT_PATH]);
	else
		snprintf(ret, ret_size, "%s %s", name, item->words[item->word]);
}

const char *
source_item_kind(const struct source_item *item)
{
	return kinds[item->kind].name;
}

double
source_item_left(int64_t expires)
{
	static const double OVER = 1e-3; /* 0 would be another answer */
	struct timespec now;
	double left;

	if (expires == 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	left = (double)(expires - now.tv_sec) - (double)now.tv_nsec / 1e9;
	return left > OVER ? left : OVER;
}

void
source_item_read(struct source_item *item, double now)
{
	struct answer answer = {.value = NULL};

	kinds[item->kind].read(item, &answer);
	if (answer.value == NULL) {
		source_hold_fail(&item->hold, &item->terms, answer.fault, now);
		return;
	}
	item->word = answer.word;
	source_hold_take(&item->hold, &item->terms, answer.value,
		source_item_left(answer.expires), now);
}

static void
read_env(const struct source_item *item, struct answer *ret)
{
	size_t used = 0;

	for (size_t i = 0; i < item->word_count && used < SOURCE_FAULT; i++) {
		const char *text = getenv(item->words[i]);
		char fault[FAULT] = "is not set";

		if (text != NULL)
			ret->value = source_value(
				text, strlen(text), fault, sizeof(fault));
		if (ret->value != NULL) {
			ret->word = i;
			return;
		}
		used += (size_t)snprintf(ret->fault + used, SOURCE_FAULT - used,
			"%senv %s %s", i > 0 ? "; " : "", item->words[i],
			fault);
	}
}

static void
read_path(const struct source_item *item, const char *path, bool owner_only,
	struct answer *ret)
{
	const struct source_file file = {path, owner_only, item->format};
	char fault[FAULT];

	ret->value =
		source_file_read(&file, &ret->expires, fault, sizeof(fault));
	if (ret->value == NULL)
		snprintf(ret->fault, SOURCE_FAULT, "%s %.*s: %s",
			kinds[item->kind].name, PATH_SHOWN, path, fault);
}

static void
read_file(const struct source_item *item, struct answer *ret)
{
	read_path(item, item->words[0], true, ret);
}

/*
 * The folder is the service manager's and ours alone.  The mode says nothing
 * there: where an ACL lets us in, it shows up as the group's right.
 */
static void
read_systemd(const struct source_item *item, struct answer *ret)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_TEXT];

	if (folder == NULL)
		snprintf(ret->fault, SOURCE_FAULT,
			"systemd %.*s: CREDENTIALS_DIRECTORY is not set",
			PATH_SHOWN, item->words[0]);
	else if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder,
			 item->words[0]) >= sizeof(path))
		snprintf(ret->fault, SOURCE_FAULT,
			"systemd %.*s: name too long", PATH_SHOWN,
			item->words[0]);
	else
		read_path(item, path, false, ret);
}
