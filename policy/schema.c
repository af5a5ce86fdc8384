#include "schema.h"

#include "region.h"
#include "scalar.h"
#include "spelling.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
	WHAT_MAX = 160, /* bytes of "a number from 1 to 64" and the like */
};

/* ---- words for errors --------------------------------------------------- */

static const char *
describe(const struct tree_node *n, char quote[REPORT_QUOTE])
{
	switch (n->kind) {
	case TREE_LIST:
		return n->count > 0 ? "a list" : "an empty list";
	case TREE_MAP:
		return "a map";
	default:
		if (!n->quoted && *n->text == '\0')
			return "nothing";
		return report_quote(n->text, quote);
	}
}

void
schema_expects(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, const char *what)
{
	char quote[REPORT_QUOTE];

	report_add(s->report, value->at, "\"%s\" expects %s, not %s", f->key,
		what, describe(value, quote));
}

bool
schema_is(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, enum tree_kind kind, const char *what)
{
	if (value->kind == kind)
		return true;
	schema_expects(s, f, value, what);
	return false;
}

const char *
schema_text(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, const char *what)
{
	char quote[REPORT_QUOTE];
	const char *surprise;

	if (!schema_is(s, f, value, TREE_SCALAR, what))
		return NULL;
	surprise = value->quoted ? NULL : scalar_surprise(value->text);
	if (surprise == NULL)
		return value->text;
	if (*value->text == '\0')
		schema_expects(s, f, value, what);
	else
		report_add(s->report, value->at,
			"\"%s\" expects %s, but without quotes YAML reads %s "
			"here: write %s",
			f->key, what, surprise,
			report_quote(value->text, quote));
	return NULL;
}

/* ---- the table ---------------------------------------------------------- */

static const struct schema_field *
find_field(const struct schema_table *table, const char *key)
{
	for (const struct schema_field *f = table->fields; f->key != NULL;
		f++) {
		if (strcmp(f->key, key) == 0)
			return f;
	}
	return NULL;
}

static void
report_unknown(struct schema *s, const struct schema_table *table,
	const struct tree_node *key)
{
	char quote[REPORT_QUOTE], hint[SPELLING_HINT];
	struct spelling spelling;

	spelling_init(&spelling, key->text);
	for (const struct schema_field *f = table->fields; f->key != NULL; f++)
		spelling_try(&spelling, f->key);
	report_add(s->report, key->at, "unknown key %s in %s%s",
		report_quote(key->text, quote), table->what,
		spelling_hint(&spelling, hint));
}

bool
schema_fill(struct schema *s, const struct tree_node *map,
	const struct schema_table *table, void *ret)
{
	size_t before = report_count(s->report);

	if (map->kind != TREE_MAP) {
		char quote[REPORT_QUOTE];

		report_add(s->report, map->at, "%s must be a map, not %s",
			table->what, describe(map, quote));
		return false;
	}
	for (const struct tree_node *e = map->first; e != NULL; e = e->next) {
		const struct schema_field *f = find_field(table, e->key->text);

		if (f == NULL)
			report_unknown(s, table, e->key);
		else
			f->read(s, f, e, (char *)ret + f->offset);
	}
	for (const struct schema_field *f = table->fields; f->key != NULL;
		f++) {
		if (f->required && tree_get(map, f->key) == NULL)
			report_add(s->report, map->at,
				"%s needs the key \"%s\"", table->what, f->key);
	}
	return report_count(s->report) == before;
}

void
schema_nested(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	char what[WHAT_MAX];

	snprintf(what, sizeof(what), "a map (%s)", f->table->what);
	if (schema_is(s, f, value, TREE_MAP, what))
		schema_fill(s, value, f->table, ret);
}

/* ---- texts -------------------------------------------------------------- */

static const char *
copy_text(struct schema *s, const struct schema_field *f,
	const struct tree_node *value)
{
	const char *text = schema_text(s, f, value, "a text");
	char what[WHAT_MAX];
	size_t len;

	if (text == NULL)
		return NULL;
	len = strlen(text);
	if (len >= f->min && (f->max == 0 || len <= f->max))
		return region_copy(s->region, text, len);
	if (f->max == 0)
		snprintf(what, sizeof(what), "a text of %u bytes or more",
			f->min);
	else
		snprintf(what, sizeof(what), "a text of %u to %u bytes", f->min,
			f->max);
	schema_expects(s, f, value, what);
	return NULL;
}

void
schema_string(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const char *text = copy_text(s, f, value);

	if (text != NULL)
		*(const char **)ret = text;
}

static bool
count_fits(struct schema *s, const struct schema_field *f,
	const struct tree_node *list)
{
	if (list->count == 0 && f->min > 0) {
		schema_expects(s, f, list, "at least one entry");
		return false;
	}
	if (list->count < f->min) {
		report_add(s->report, list->at,
			"\"%s\" needs at least %u entries, not %zu", f->key,
			f->min, list->count);
		return false;
	}
	if (f->max > 0 && list->count > f->max) {
		report_add(s->report, list->at,
			"\"%s\" takes at most %u entries, not %zu", f->key,
			f->max, list->count);
		return false;
	}
	return true;
}

const struct tree_node *
schema_entries(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, size_t *ret_count)
{
	*ret_count = 0;
	if (value->kind != TREE_LIST) {
		*ret_count = 1;
		return value;
	}
	if (!count_fits(s, f, value))
		return NULL;
	*ret_count = value->count;
	return value->first;
}

void
schema_strings(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	/* The row's limits count entries: each entry may be any text. */
	const struct schema_field entry = {.key = f->key};
	const struct tree_node *e;
	const char **items;
	size_t count;

	e = schema_entries(s, f, value, &count);
	if (e == NULL && value->count > 0)
		return;
	items = region_alloc(s->region, count, sizeof(*items));
	if (items == NULL)
		return;
	for (size_t i = 0; i < count; i++, e = e->next)
		items[i] = copy_text(s, &entry, e);
	for (size_t i = 0; i < count; i++) {
		if (items[i] == NULL)
			return;
	}
	*(struct schema_strings *)ret = (struct schema_strings){items, count};
}

void
schema_choice(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	char what[WHAT_MAX] = "one of";
	size_t len = strlen(what);

	/*
	 * `on` and `off` may be choices: what is compared is the text, so that
	 * no reading of it can be a surprise.
	 */
	for (int i = 0; f->words[i] != NULL; i++) {
		if (value->kind == TREE_SCALAR &&
			strcmp(value->text, f->words[i]) == 0) {
			*(int *)ret = i;
			return;
		}
		if (len < sizeof(what))
			len += (size_t)snprintf(what + len, sizeof(what) - len,
				"%s %s", i > 0 ? "," : "", f->words[i]);
	}
	schema_expects(s, f, value, what);
}

/* ---- booleans, numbers, durations --------------------------------------- */

void
schema_bool(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	if (value->kind == TREE_SCALAR && !value->quoted) {
		if (strcmp(value->text, "true") == 0) {
			*(bool *)ret = true;
			return;
		}
		if (strcmp(value->text, "false") == 0) {
			*(bool *)ret = false;
			return;
		}
	}
	schema_expects(s, f, value, "true or false (without quotes)");
}

/* Decimal digits only, no leading zero.  Returns what follows them, or NULL. */
static const char *
read_digits(const char *text, unsigned *ret)
{
	unsigned n = 0;

	if (!isdigit((unsigned char)text[0]) ||
		(text[0] == '0' && isdigit((unsigned char)text[1])))
		return NULL;
	for (; isdigit((unsigned char)*text); text++) {
		if (__builtin_mul_overflow(n, 10U, &n) ||
			__builtin_add_overflow(n, (unsigned)(*text - '0'), &n))
			return NULL;
	}
	*ret = n;
	return text;
}

void
schema_unsigned(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	unsigned max = f->max > 0 ? f->max : UINT_MAX;
	const char *end = NULL;
	char what[WHAT_MAX];
	unsigned n = 0;

	if (value->kind == TREE_SCALAR && !value->quoted)
		end = read_digits(value->text, &n);
	if (end != NULL && *end == '\0' && n >= f->min && n <= max) {
		*(unsigned *)ret = n;
		return;
	}
	snprintf(what, sizeof(what),
		"a decimal number from %u to %u (without quotes)", f->min, max);
	schema_expects(s, f, value, what);
}

static const struct unit {
	const char *name;
	unsigned ms;
} units[] = {
	{"ms", 1},
	{"s", 1000},
	{"m", 60 * 1000},
	{"h", 60 * 60 * 1000},
	{"d", 24 * 60 * 60 * 1000},
};

/* In units of scale milliseconds; 0 for what is not a whole number of them. */
static bool
read_duration(const char *text, unsigned scale, unsigned *ret)
{
	const char *unit;
	unsigned n;

	unit = read_digits(text, &n);
	for (size_t i = 0; unit != NULL && i < sizeof(units) / sizeof(units[0]);
		i++) {
		if (strcmp(unit, units[i].name) == 0 && units[i].ms >= scale)
			return !__builtin_mul_overflow(
				n, units[i].ms / scale, ret);
	}
	return false;
}

static void
duration(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, unsigned scale, unsigned *ret)
{
	const char *unit = scale == 1 ? "ms" : "s";
	unsigned max = f->max > 0 ? f->max : UINT_MAX;
	char what[WHAT_MAX];
	unsigned n;

	if (value->kind == TREE_SCALAR &&
		read_duration(value->text, scale, &n) && n >= f->min &&
		n <= max) {
		*ret = n;
		return;
	}
	snprintf(what, sizeof(what),
		"a time from %u%s to %u%s with its unit (%ss, m, h or d)",
		f->min, unit, max, unit, scale == 1 ? "ms, " : "");
	schema_expects(s, f, value, what);
}

void
schema_seconds(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	duration(s, f, value, 1000, ret);
}

void
schema_milliseconds(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	duration(s, f, value, 1, ret);
}
