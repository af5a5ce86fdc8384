/*
 * parse_vault.c - a source of kind `vault`: a secret of KV version 2
 *
 * The keys are read into a struct, and from there into the row of words that
 * vault_word.h describes.
 */
#include "parse.h"

#include "own_word.h"
#include "region.h"
#include "vault_word.h"

#include <string.h>

enum {
	TEXT_MAX = 256, /* bytes of one of them */
	PATH_MAX_BYTES = 512,
	VERSION_MAX = 2147483647,
	WORD_MAX = 4096, /* of a path, once it is filled in */
};

struct approle {
	const char *role_id, *secret_id_file, *mount;
};

struct auth {
	const char *token_file;
	struct approle approle;
};

struct vault { /* what the map says */
	const char *address, *mount, *path, *field, *space, *ca_file;
	unsigned version;
	struct auth auth;
};

/* ---- words -------------------------------------------------------------- */

static const struct row {
	const char *key;
	enum vault_word word;
} rows[] = {
	{"address", VAULT_ADDRESS},
	{"mount", VAULT_MOUNT}, /* an auth method's is the same */
	{"path", VAULT_PATH},
	{"field", VAULT_FIELD},
	{"namespace", VAULT_NAMESPACE},
	{"ca_file", VAULT_CA_FILE},
	{"token_file", VAULT_TOKEN_FILE},
	{"role_id", VAULT_ROLE_ID},
	{"secret_id_file", VAULT_SECRET_ID_FILE},
};

static const char *
label_of_any(void *arg, const char *key)
{
	(void)arg, (void)key;
	return "x";
}

/* A path is looked at as it is for some sandbox. */
static const char *
word_error(enum vault_word word, const char *text)
{
	static const struct own_word_facts some = {"x", label_of_any, NULL};
	char filled[WORD_MAX], ignored[1];
	const char *error;

	if (word != VAULT_PATH || !own_word_is(text))
		return vault_word_error(word, text);
	error = own_word_error(text);
	if (error != NULL)
		return error;
	if (own_word_fill(text, &some, filled, sizeof(filled), ignored,
		    sizeof(ignored)) < 0)
		return "less than 4096 bytes";
	return vault_word_error(word, filled);
}

static void
read_word(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const struct row *row = rows;
	const char *text = NULL, *error;

	schema_string(s, f, value, &text);
	if (text == NULL)
		return;
	while (strcmp(row->key, f->key) != 0)
		row++;
	error = word_error(row->word, text);
	if (error != NULL)
		schema_expects(s, f, value, error);
	else
		*(const char **)ret = text;
}

/* ---- who asks ----------------------------------------------------------- */

#define TEXT_SHAPE(pattern) \
	{ \
		.one = "\"type\": \"string\", \"pattern\": \"" pattern "\"" \
	}

static const struct schema_shape address_shape = TEXT_SHAPE(
	"^(https://[^/]+|http://(127\\\\.|\\\\[::1\\\\])[^/]*|unix:/.+)$");
static const struct schema_shape path_shape = TEXT_SHAPE("^[^/](.*[^/])?$");
static const struct schema_shape file_shape = TEXT_SHAPE("^/.");
static const struct schema_shape text_shape = TEXT_SHAPE(".");
static const struct schema_shape auth_shape = {
	.one = "\"anyOf\": [{\"const\": \"none\"}, "
	       "{\"$ref\": \"#/$defs/auth\"}]"};

#define FIELD(name, member) .key = (name), .offset = offsetof(OF, member)
#define WORD(name, member, most, form) \
	FIELD(name, member), .read = read_word, .min = 1, .max = (most), \
			     .shape = &(form)

#define OF struct approle
static const struct schema_field approle_fields[] = {
	{WORD("role_id", role_id, TEXT_MAX, text_shape), .required = true,
		.about = "the role's identifier"},
	{WORD("secret_id_file", secret_id_file, PATH_MAX_BYTES, file_shape),
		.required = true,
		.about = "a file with its SecretID, its owner's alone"},
	{WORD("mount", mount, TEXT_MAX, path_shape),
		.about = "where the auth method is mounted (approle)"},
	{.key = NULL},
};
static const struct schema_table approle_table = {
	"an \"approle\"", approle_fields};
#undef OF

#define OF struct auth
static const struct schema_field auth_fields[] = {
	{WORD("token_file", token_file, PATH_MAX_BYTES, file_shape),
		.one_of = true,
		.about = "a file with a token, its owner's alone"},
	{FIELD("approle", approle), .read = schema_nested, .one_of = true,
		.table = &approle_table,
		.about = "logs in by AppRole, each time anew"},
	{.key = NULL},
};
static const struct schema_table auth_table = {"an \"auth\"", auth_fields};
#undef OF

static void
read_auth(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	if (value->kind == TREE_SCALAR && strcmp(value->text, "none") == 0)
		return;
	if (!schema_is(s, f, value, TREE_MAP, "none or a map"))
		return;
	schema_fill(s, value, &auth_table, ret);
	if ((tree_get(value, "token_file") != NULL) ==
		(tree_get(value, "approle") != NULL))
		report_add(s->report, value->at,
			"\"auth\" needs exactly one of the keys "
			"\"token_file\" and \"approle\"");
}

/* ---- the map ------------------------------------------------------------ */

#define OF struct vault
static const struct schema_field vault_fields[] = {
	{WORD("address", address, PATH_MAX_BYTES, address_shape),
		.required = true,
		.about = "https://HOST:PORT, http:// to 127.0.0.1 or [::1], or "
			 "unix:/PATH of an agent"},
	{WORD("mount", mount, TEXT_MAX, path_shape),
		.about = "where the KV version 2 engine is mounted (secret)"},
	{WORD("path", path, PATH_MAX_BYTES, path_shape), .required = true,
		.about = "of the secret; may hold ${sandbox} and ${label.KEY}"},
	{WORD("field", field, TEXT_MAX, text_shape), .required = true,
		.about = "which key of the secret is the value"},
	{FIELD("version", version), .read = schema_unsigned, .min = 1,
		.max = VERSION_MAX, .about = "(the newest)"},
	{WORD("namespace", space, TEXT_MAX, path_shape),
		.about = "sent as X-Vault-Namespace"},
	{WORD("ca_file", ca_file, PATH_MAX_BYTES, file_shape),
		.about = "the authorities to trust, and no others (the "
			 "system's)"},
	{FIELD("auth", auth), .read = read_auth, .shape = &auth_shape,
		.table = &auth_table,
		.about = "whose token is sent; none: an agent adds its own "
			 "(none)"},
	{.key = NULL},
};
#undef OF
const struct schema_table parse_vault_table = {"a \"vault\"", vault_fields};

static const char *
given(const char *text)
{
	return text != NULL ? text : "";
}

static void
list_words(struct schema *s, const struct vault *v, struct schema_strings *ret)
{
	const char **words =
		region_alloc(s->region, VAULT_WORDS, sizeof(*words));
	const char *version =
		v->version == 0 ? ""
				: region_format(s->region, "%u", v->version);

	if (words == NULL || version == NULL)
		return;
	words[VAULT_ADDRESS] = given(v->address);
	words[VAULT_MOUNT] = v->mount;
	words[VAULT_PATH] = given(v->path);
	words[VAULT_FIELD] = given(v->field);
	words[VAULT_VERSION] = version;
	words[VAULT_NAMESPACE] = given(v->space);
	words[VAULT_CA_FILE] = given(v->ca_file);
	words[VAULT_TOKEN_FILE] = given(v->auth.token_file);
	words[VAULT_ROLE_ID] = given(v->auth.approle.role_id);
	words[VAULT_SECRET_ID_FILE] = given(v->auth.approle.secret_id_file);
	words[VAULT_APPROLE_MOUNT] =
		v->auth.approle.role_id != NULL ? v->auth.approle.mount : "";
	*ret = (struct schema_strings){words, VAULT_WORDS};
}

void
parse_vault(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	struct vault v = {
		.mount = "secret", .auth = {.approle = {.mount = "approle"}}};

	schema_nested(s, f, value, &v);
	if (value->kind != TREE_MAP)
		return;
	if (v.ca_file != NULL && v.address != NULL &&
		!vault_word_is_https(v.address))
		report_add(s->report, tree_get(value, "ca_file")->at,
			"\"ca_file\" is for an address with https");
	list_words(s, &v, ret);
}
