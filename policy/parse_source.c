/*
 * parse_source.c - where a credential comes from: one entry of its `source`
 */
#include "parse.h"

#include "credential.h"
#include "own_word.h"
#include "region.h"
#include "token.h"

#include <assert.h>
#include <string.h>

enum {
	WORDS_MAX = 64,  /* of a command, of a list of variables */
	FIELD_MAX = 256, /* bytes, as below */
	WORD_MAX = 4096,
	INPUT_MAX = 4096, /* what the daemon gives to a command at once */

	TTL_DEFAULT = 300, /* seconds, as all below */
	TTL_MAX = 7 * 24 * 60 * 60,
	TIMEOUT_DEFAULT = 10,
	TIMEOUT_MAX = 300,
};

struct source { /* what one map says; the kinds in the order of the enum */
	struct schema_strings kinds[5];
	int format;
	const char *field, *input;
	unsigned ttl, refresh, failure_ttl, timeout;
};

static const struct kind {
	const char *key;
	const char *(*error)(const char *word); /* of a word, or the first */
	bool first_only;
	bool may_be_own; /* another word for each sandbox */
} kinds[] = {
	[POLICY_SOURCE_ENV] = {"env", credential_env_error, false, false},
	[POLICY_SOURCE_FILE] = {"file", credential_path_error, false, true},
	[POLICY_SOURCE_COMMAND] = {"command", credential_path_error, true,
		false},
	[POLICY_SOURCE_SYSTEMD] = {"systemd", credential_systemd_error, false,
		true},
	[POLICY_SOURCE_VAULT] = {"vault", NULL, false, true},
};

static const char *
no_label(void *arg, const char *key)
{
	(void)arg, (void)key;
	return "x";
}

/*
 * Not a command's words, among which may be a shell; nor variables: whoever
 * starts a sandbox has to know them, to keep them out of it.
 */
static const char *
word_error(const struct kind *kind, const char *word)
{
	static const struct own_word_facts some = {"x", no_label, NULL};
	char filled[WORD_MAX], ignored[1];
	const char *error = own_word_error(word);

	if (!kind->may_be_own || !own_word_is(word))
		return kind->error(word);
	if (error != NULL)
		return error;
	if (own_word_fill(word, &some, filled, sizeof(filled), ignored,
		    sizeof(ignored)) < 0)
		return "less than 4096 bytes";
	return kind->error(filled);
}

static void
read_words(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct schema_strings words = {0};
	const struct tree_node *e;
	const struct kind *kind = kinds;
	size_t count;

	schema_strings(s, f, value, &words);
	if (words.count == 0)
		return;
	*(struct schema_strings *)ret = words;
	while (strcmp(kind->key, f->key) != 0)
		kind++;
	e = schema_entries(s, f, value, &count);
	for (size_t i = 0; i < (kind->first_only ? 1 : count);
		i++, e = e->next) {
		const char *error = word_error(kind, words.items[i]);

		if (error != NULL)
			schema_expects(s, f, e, error);
	}
}

/* ---- the format --------------------------------------------------------- */

static const char *const format_words[] = {"raw", "json", "git-credential",
	"docker-credential", "aws-process", NULL};
static_assert(POLICY_FORMAT_RAW == 0 && POLICY_FORMAT_JSON == 1 &&
		      POLICY_FORMAT_GIT == 2 && POLICY_FORMAT_DOCKER == 3 &&
		      POLICY_FORMAT_AWS == 4,
	"format_words is in the order of enum policy_source_format");

/* What each has to choose from, its usual one first. */
static const char *const git_fields[] = {"password", "username", NULL};
static const char *const docker_fields[] = {"Secret", "Username", NULL};
static const char *const aws_fields[] = {
	"SecretAccessKey", "AccessKeyId", "SessionToken", NULL};

static const struct format {
	const char *const *fields; /* NULL: any, or none */
	const char *expects;
} formats[] = {
	[POLICY_FORMAT_RAW] = {NULL, NULL},
	[POLICY_FORMAT_JSON] = {NULL, NULL},
	[POLICY_FORMAT_GIT] = {git_fields, "password or username"},
	[POLICY_FORMAT_DOCKER] = {docker_fields, "Secret or Username"},
	[POLICY_FORMAT_AWS] = {aws_fields,
		"SecretAccessKey, AccessKeyId or SessionToken"},
};

static bool
is_among(const char *const *words, const char *word)
{
	while (*words != NULL && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

/* Keys with dots between them, none of them empty. */
static bool
is_path(const char *field)
{
	return token_is_printable(field, ' ') && field[0] != '.' &&
	       field[strlen(field) - 1] != '.' && strstr(field, "..") == NULL;
}

static void
check_field(
	struct schema *s, const struct tree_node *map, struct source *source)
{
	const struct format *format = &formats[source->format];
	const struct tree_node *field = tree_get(map, "field");

	if (field == NULL) {
		if (source->format == POLICY_FORMAT_JSON)
			report_add(s->report, map->at,
				"\"format: json\" needs a \"field\"");
		if (format->fields != NULL)
			source->field = format->fields[0];
		return;
	}
	if (source->format == POLICY_FORMAT_RAW)
		report_add(s->report, field->at,
			"\"field\" needs a \"format\" that has fields");
	if (source->field == NULL || source->format == POLICY_FORMAT_RAW)
		return;
	if (source->format == POLICY_FORMAT_JSON && !is_path(source->field))
		report_add(s->report, field->at,
			"\"field\" expects keys of JSON with dots between "
			"them, such as data.token or keys.0");
	if (format->fields != NULL && !is_among(format->fields, source->field))
		report_add(s->report, field->at,
			"\"field\" expects %s beside \"format: %s\"",
			format->expects, format_words[source->format]);
}

/* ---- the source --------------------------------------------------------- */

#define FIELD(name, member) \
	.key = #name, .offset = offsetof(struct source, member)
#define WORDS(name, kind, most, ...) \
	{ \
		FIELD(name, kinds[kind]), .read = read_words, .min = 1, \
					  .max = (most), .one_of = true, \
					  __VA_ARGS__ \
	}
#define NEEDS_COMMAND "\"required\": [\"command\"]"
#define NEEDS_ASKING \
	"\"anyOf\": [{\"required\": [\"command\"]}, " \
	"{\"required\": [\"vault\"]}]"
#define NOT_OF_ENV "\"not\": {\"required\": [\"env\"]}"
#define HAS_FORMATS \
	"\"not\": {\"anyOf\": [{\"required\": [\"env\"]}, " \
	"{\"required\": [\"vault\"]}]}"

static const struct schema_shape env_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[A-Za-z_][A-Za-z0-9_]{0,254}$\""};
static const struct schema_shape file_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": \"^/.\""};
static const struct schema_shape command_shape = {
	.many = SCHEMA_ONE_OR_LIST, .one = "\"type\": \"string\""};
static const struct schema_shape systemd_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[^\\\\s/.][^\\\\s/]{0,254}$\""};

static const struct schema_field source_fields[] = {
	WORDS(env, POLICY_SOURCE_ENV, WORDS_MAX, .shape = &env_shape,
		.about = "variables of the daemon; the first that is set"),
	WORDS(file, POLICY_SOURCE_FILE, 1, .shape = &file_shape,
		.about = "an absolute path; the file must be its owner's "
			 "alone"),
	WORDS(command, POLICY_SOURCE_COMMAND, WORDS_MAX,
		.shape = &command_shape,
		.about = "a program, its path absolute, and its arguments"),
	WORDS(systemd, POLICY_SOURCE_SYSTEMD, 1, .shape = &systemd_shape,
		.about = "a name in $CREDENTIALS_DIRECTORY"),
	{FIELD(vault, kinds[POLICY_SOURCE_VAULT]), .read = parse_vault,
		.table = &parse_vault_table, .one_of = true,
		.about = "a secret of Vault or OpenBao, KV version 2"},
	{FIELD(format, format), .read = schema_choice, .words = format_words,
		.implies = HAS_FORMATS
		", \"if\": {\"properties\": {\"format\": {\"const\": "
		"\"json\"}}}, \"then\": {\"required\": [\"field\"]}",
		.about = "what the source prints (raw)"},
	{FIELD(field, field), .read = schema_string, .min = 1, .max = FIELD_MAX,
		.implies = "\"required\": [\"format\"], \"properties\": "
			   "{\"format\": {\"not\": {\"const\": \"raw\"}}}",
		.about = "which field of the format is the value, as "
			 "data.token of json"},
	{FIELD(input, input), .read = schema_string, .min = 1, .max = INPUT_MAX,
		.implies = NEEDS_COMMAND,
		.about = "what a command reads from its standard input"},
	{FIELD(ttl, ttl), .read = schema_seconds, .min = 1, .max = TTL_MAX,
		.implies = NEEDS_ASKING,
		.about = "how long such a value holds (5m)"},
	{FIELD(refresh, refresh), .read = schema_seconds, .min = 1,
		.max = TTL_MAX, .implies = NEEDS_ASKING,
		.about = "how long before that end it is asked again (not)"},
	{FIELD(failure_ttl, failure_ttl), .read = schema_seconds, .min = 1,
		.max = TTL_MAX, .implies = NOT_OF_ENV,
		.about = "how long a value holds on after a failure (not)"},
	{FIELD(timeout, timeout), .read = schema_seconds, .min = 1,
		.max = TIMEOUT_MAX, .implies = NEEDS_ASKING,
		.about = "how long an answer may take (10s)"},
	{.key = NULL},
};
const struct schema_table parse_source_table = {"a source", source_fields};

/* What stands beside a kind that has no use for it. */
static void
check_beside(struct schema *s, const struct tree_node *map,
	enum policy_source_kind kind)
{
	enum {
		FILES = 1 << POLICY_SOURCE_FILE | 1 << POLICY_SOURCE_SYSTEMD,
		COMMAND = 1 << POLICY_SOURCE_COMMAND,
		ASKED = COMMAND | 1 << POLICY_SOURCE_VAULT,
	};
	static const char asked[] = "a \"command\" or a \"vault\"";
	static const struct {
		const char *key;
		unsigned of;
		const char *who;
	} keys[] = {{"ttl", ASKED, asked}, {"refresh", ASKED, asked},
		{"timeout", ASKED, asked}, {"input", COMMAND, "a \"command\""},
		{"format", FILES | COMMAND,
			"a \"file\", a \"command\" or a \"systemd\""},
		{"failure_ttl", FILES | ASKED,
			"a \"file\", a \"command\", a \"systemd\" or a "
			"\"vault\""}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (tree_get(map, keys[i].key) != NULL &&
			(keys[i].of & 1U << kind) == 0)
			report_add(s->report, map->at, "\"%s\" belongs to %s",
				keys[i].key, keys[i].who);
}

static bool
is_own(enum policy_source_kind kind, const struct schema_strings *words)
{
	bool own = false;

	for (size_t i = 0; i < words->count; i++)
		own = own || own_word_is(words->items[i]);
	return own && kinds[kind].may_be_own;
}

static void
read_source(struct schema *s, const struct tree_node *map,
	struct policy_source *ret)
{
	struct source source = {.ttl = TTL_DEFAULT, .timeout = TIMEOUT_DEFAULT};
	size_t given = 0;

	schema_fill(s, map, &parse_source_table, &source);
	if (map->kind != TREE_MAP)
		return;
	check_field(s, map, &source);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (tree_get(map, kinds[i].key) == NULL)
			continue;
		given++;
		*ret = (struct policy_source){
			.own = is_own(
				(enum policy_source_kind)i, &source.kinds[i]),
			.kind = (enum policy_source_kind)i,
			.words = source.kinds[i].items,
			.word_count = source.kinds[i].count,
			.ttl_seconds = source.ttl,
			.refresh_seconds = source.refresh,
			.failure_ttl_seconds = source.failure_ttl,
			.format = (enum policy_source_format)source.format,
			.field = source.field,
			.input = source.input,
			.timeout_seconds = source.timeout};
	}
	if (given != 1)
		report_add(s->report, map->at,
			"a source needs exactly one of the keys \"env\", "
			"\"file\", \"command\", \"systemd\" and \"vault\"");
	else
		check_beside(s, map, ret->kind);
	if (source.refresh >= source.ttl)
		report_add(s->report, map->at,
			"\"refresh\" is before the end of \"ttl\" and has to "
			"be shorter");
}

void
parse_sources(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct policy_source *items;
	const struct tree_node *e;
	size_t count;

	e = schema_entries(s, f, value, &count);
	items = region_alloc(s->region, count, sizeof(*items));
	if (e == NULL || items == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next)
		read_source(s, e, &items[i]);
	*(struct parse_sources *)ret = (struct parse_sources){items, count};
}
