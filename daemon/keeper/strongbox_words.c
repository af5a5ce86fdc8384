#include "strongbox_words.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "own_word.h"
#include "policy.h"
#include "source_vault.h"
#include "vault_word.h"

enum { WORD_MAX = 4096 };

/* Both modules name the kinds and words for themselves, in one order. */
static_assert(
	(int)POLICY_SOURCE_VAULT == (int)SECRET_SOURCE_VAULT &&
		(int)VAULT_ADDRESS == (int)SOURCE_VAULT_ADDRESS &&
		(int)VAULT_APPROLE_MOUNT == (int)SOURCE_VAULT_APPROLE_MOUNT &&
		(int)VAULT_WORDS == (int)SOURCE_VAULT_WORDS,
	"what is handed on by number");

static const char *
find_label(void *arg, const char *key)
{
	return json_string_value(json_object_get(arg, key));
}

/* Which words a source has for that sandbox, NULL behind the last. */
static int
fill(const struct policy_source *s, const struct own_word_facts *facts,
	char ***ret, char *reterr, size_t reterr_size)
{
	char **words = calloc(s->word_count + 1, sizeof(words[0]));
	char word[WORD_MAX];
	int r = words != NULL ? 0 : -ENOMEM;

	*ret = words;
	for (size_t i = 0; i < s->word_count && r == 0; i++) {
		r = own_word_fill(s->words[i], facts, word, sizeof(word),
			reterr, reterr_size);
		if (r < 0)
			return r;
		words[i] = strdup(word);
		r = words[i] != NULL ? 0 : -ENOMEM;
	}
	if (r < 0)
		snprintf(reterr, reterr_size, "%s", strerror(-r));
	return r;
}

static void
add(struct strongbox_words *w, const struct policy_source *s, char **filled)
{
	w->filled[w->count] = filled;
	w->specs[w->count++] = (struct secret_source_spec){
		.kind = (int)s->kind,
		.words =
			filled != NULL ? (const char *const *)filled : s->words,
		.word_count = s->word_count,
		.format = {(enum secret_format_kind)s->format, s->field},
		.input = s->input,
		.ttl_seconds = s->ttl_seconds,
		.refresh_seconds = s->refresh_seconds,
		.failure_ttl_seconds = s->failure_ttl_seconds,
		.timeout_seconds = s->timeout_seconds,
	};
}

static void
free_words(char **words)
{
	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		free(words[i]);
	free(words);
}

static int
add_all(struct strongbox_words *w, const struct policy_credential *spec,
	const struct own_word_facts *facts, char *reterr, size_t reterr_size)
{
	for (size_t i = 0; i < spec->source_count; i++) {
		const struct policy_source *s = &spec->sources[i];
		char **filled = NULL;
		int r = facts != NULL && s->own
				? fill(s, facts, &filled, reterr, reterr_size)
				: 0;

		if (r == 0) {
			add(w, s, filled);
			continue;
		}
		free_words(filled);
		if (r != -ENOENT)
			return r;
	}
	return w->count > 0 ? 0 : -ENOENT;
}

int
strongbox_words_init(struct strongbox_words *w,
	const struct policy_credential *spec, const char *sandbox,
	const char *labels, char *reterr, size_t reterr_size)
{
	json_t *object = labels != NULL ? json_loads(labels, 0, NULL) : NULL;
	const struct own_word_facts facts = {sandbox, find_label, object};
	int r;

	w->count = 0;
	if (spec->source_count > STRONGBOX_SOURCES) {
		snprintf(reterr, reterr_size,
			"%s: credential %s has more than %d sources",
			spec->source, spec->name, STRONGBOX_SOURCES);
		r = -EINVAL;
	} else {
		r = add_all(w, spec, sandbox != NULL ? &facts : NULL, reterr,
			reterr_size);
	}
	json_decref(object);
	return r;
}

void
strongbox_words_done(struct strongbox_words *w)
{
	for (size_t i = 0; i < w->count; i++)
		free_words(w->filled[i]);
	w->count = 0;
}
