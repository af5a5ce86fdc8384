/*
 * schema_json.c - a table of keys as JSON Schema
 *
 * Each table below the roots becomes one of `$defs`, called after what errors
 * call it, and rows refer to it by that name.  So nothing here recurses: a list
 * of tables grows while it is walked.
 */
#include "schema_json.h"

#include "schema.h"

#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TABLES_MAX = 64, /* in all, without the roots */
	SLUG_BYTES = 64,
};

struct tables {
	const struct schema_table *items[TABLES_MAX];
	size_t count;
};

static void
add_nested(struct tables *t, const struct schema_table *of)
{
	for (const struct schema_field *f = of->fields; f->key != NULL; f++) {
		size_t i = 0;

		while (f->table != NULL && i < t->count &&
			t->items[i] != f->table)
			i++;
		if (f->table == NULL || i < t->count)
			continue;
		assert(t->count < TABLES_MAX);
		t->items[t->count++] = f->table;
	}
}

/* ---- words -------------------------------------------------------------- */

static void
put_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", (unsigned)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

/* "an \"inject\" entry" is inject-entry.  Returns ret. */
static const char *
slug(const char *what, char ret[SLUG_BYTES])
{
	static const char *const articles[] = {"a ", "an ", "the "};
	size_t len = 0;

	for (size_t i = 0; i < sizeof(articles) / sizeof(articles[0]); i++) {
		size_t n = strlen(articles[i]);

		if (strncmp(what, articles[i], n) == 0) {
			what += n;
			break;
		}
	}
	for (; *what != '\0' && len < SLUG_BYTES - 1; what++) {
		if (isalnum((unsigned char)*what))
			ret[len++] = *what;
		else if (*what == ' ')
			ret[len++] = '-';
	}
	ret[len] = '\0';
	return ret;
}

/* ---- what the readers of schema.h take ---------------------------------- */

static void
put_text_form(FILE *out, const struct schema_field *f)
{
	fputs("\"type\": \"string\"", out);
	/* The row counts bytes: a character is one or more. */
	if (f->min > 0)
		fputs(", \"minLength\": 1", out);
	if (f->max > 0)
		fprintf(out, ", \"maxLength\": %u", f->max);
}

static void
put_any_text(FILE *out, const struct schema_field *f)
{
	(void)f;
	fputs("\"type\": \"string\"", out);
}

static void
put_bool(FILE *out, const struct schema_field *f)
{
	(void)f;
	fputs("\"type\": \"boolean\"", out);
}

static void
put_unsigned(FILE *out, const struct schema_field *f)
{
	fprintf(out, "\"type\": \"integer\", \"minimum\": %u, \"maximum\": %u",
		f->min, f->max > 0 ? f->max : UINT_MAX);
}

static void
put_seconds(FILE *out, const struct schema_field *f)
{
	(void)f;
	fputs("\"type\": \"string\", \"pattern\": \"^(0|[1-9][0-9]*)[smhd]$\"",
		out);
}

static void
put_milliseconds(FILE *out, const struct schema_field *f)
{
	(void)f;
	fputs("\"type\": \"string\", "
	      "\"pattern\": \"^(0|[1-9][0-9]*)(ms|[smhd])$\"",
		out);
}

static void
put_choice(FILE *out, const struct schema_field *f)
{
	fputs("\"enum\": [", out);
	for (size_t i = 0; f->words[i] != NULL; i++) {
		fputs(i > 0 ? ", " : "", out);
		put_string(out, f->words[i]);
	}
	fputc(']', out);
}

static const struct kind {
	schema_reader *read;
	void (*put)(FILE *out, const struct schema_field *f);
	bool list; /* or one */
} kinds[] = {
	{schema_string, put_text_form, false},
	{schema_strings, put_any_text, true},
	{schema_bool, put_bool, false},
	{schema_unsigned, put_unsigned, false},
	{schema_seconds, put_seconds, false},
	{schema_milliseconds, put_milliseconds, false},
	{schema_choice, put_choice, false},
};

static const struct kind *
kind_of(const struct schema_field *f)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].read == f->read)
			return &kinds[i];
	}
	return NULL;
}

/* ---- a row -------------------------------------------------------------- */

/* The members of one value's schema; none when nothing is known. */
static void
put_one(FILE *out, const struct schema_field *f)
{
	const struct kind *kind = kind_of(f);
	char name[SLUG_BYTES];

	if (f->shape != NULL && f->shape->one != NULL)
		fputs(f->shape->one, out);
	else if (f->table != NULL)
		fprintf(out, "\"$ref\": \"#/$defs/%s\"",
			slug(f->table->what, name));
	else if (kind != NULL)
		kind->put(out, f);
}

static void
put_list(FILE *out, const struct schema_field *f)
{
	fputs("\"type\": \"array\", ", out);
	if (f->min > 0)
		fprintf(out, "\"minItems\": %u, ", f->min);
	if (f->max > 0)
		fprintf(out, "\"maxItems\": %u, ", f->max);
	fputs("\"items\": {", out);
	put_one(out, f);
	fputc('}', out);
}

static enum schema_many
how_many(const struct schema_field *f)
{
	const struct kind *kind = kind_of(f);

	if (f->shape != NULL)
		return f->shape->many;
	return kind != NULL && kind->list ? SCHEMA_ONE_OR_LIST : SCHEMA_ONE;
}

static void
put_value(FILE *out, const struct schema_field *f)
{
	switch (how_many(f)) {
	case SCHEMA_ONE:
		put_one(out, f);
		break;
	case SCHEMA_ONE_OR_LIST:
		fputs("\"anyOf\": [{", out);
		put_one(out, f);
		fputs("}, {", out);
		put_list(out, f);
		fputs("}]", out);
		break;
	case SCHEMA_LIST:
		put_list(out, f);
		break;
	case SCHEMA_BY_NAME:
		fputs("\"type\": \"object\", \"propertyNames\": {\"pattern\": ",
			out);
		put_string(out, f->shape->name);
		fputs("}, \"additionalProperties\": {", out);
		put_one(out, f);
		fputc('}', out);
		break;
	}
}

static bool
is_silent(const struct schema_field *f)
{
	return f->shape == NULL && f->table == NULL && kind_of(f) == NULL;
}

static void
put_row(FILE *out, const struct schema_field *f)
{
	put_string(out, f->key);
	fputs(": {", out);
	if (f->about != NULL) {
		fputs("\"description\": ", out);
		put_string(out, f->about);
		fputs(is_silent(f) ? "" : ", ", out);
	}
	put_value(out, f);
	fputc('}', out);
}

/* ---- a map -------------------------------------------------------------- */

struct map { /* being printed: the rows of some tables */
	FILE *out;
	const char *indent;
	const struct schema_table *const *tables;
};

/* The keys that want says yes to, or nothing, under that name. */
static void
put_keys(const struct map *m, const char *name,
	bool (*want)(const struct schema_field *f), const char *before,
	const char *after)
{
	const char *between = NULL;

	for (size_t i = 0; m->tables[i] != NULL; i++) {
		for (const struct schema_field *f = m->tables[i]->fields;
			f->key != NULL; f++) {
			if (!want(f))
				continue;
			if (between == NULL)
				fprintf(m->out, ",\n%s\"%s\": [", m->indent,
					name);
			else
				fputs(between, m->out);
			fprintf(m->out, "%s%s%s", before, f->key, after);
			between = ", ";
		}
	}
	fputs(between != NULL ? "]" : "", m->out);
}

static bool
is_required(const struct schema_field *f)
{
	return f->required;
}

static bool
is_one_of(const struct schema_field *f)
{
	return f->one_of;
}

static bool
has_condition(const struct schema_field *f)
{
	return f->beside != NULL || f->implies != NULL;
}

static void
put_condition(FILE *out, const struct schema_field *f)
{
	put_string(out, f->key);
	fputs(": {", out);
	if (f->beside != NULL) {
		fputs("\"propertyNames\": {\"enum\": [", out);
		for (size_t i = 0; f->beside[i] != NULL; i++) {
			fputs(i > 0 ? ", " : "", out);
			put_string(out, f->beside[i]);
		}
		fputs(f->implies != NULL ? "]}, " : "]}", out);
	}
	fputs(f->implies != NULL ? f->implies : "", out);
	fputc('}', out);
}

static bool
is_row(const struct schema_field *f)
{
	return f->key != NULL;
}

static void
put_rows(const struct map *m, const char *name,
	bool (*want)(const struct schema_field *f),
	void (*put)(FILE *out, const struct schema_field *f))
{
	bool any = false;

	for (size_t i = 0; m->tables[i] != NULL; i++) {
		for (const struct schema_field *f = m->tables[i]->fields;
			f->key != NULL; f++) {
			if (!want(f))
				continue;
			if (any)
				fprintf(m->out, ",\n%s  ", m->indent);
			else
				fprintf(m->out, ",\n%s\"%s\": {\n%s  ",
					m->indent, name, m->indent);
			put(m->out, f);
			any = true;
		}
	}
	if (any)
		fprintf(m->out, "\n%s}", m->indent);
}

static void
put_map(const struct map *m)
{
	fprintf(m->out, "%s\"type\": \"object\",\n%s", m->indent, m->indent);
	fputs("\"additionalProperties\": false", m->out);
	put_keys(m, "required", is_required, "\"", "\"");
	put_keys(m, "oneOf", is_one_of, "{\"required\": [\"", "\"]}");
	put_rows(m, "properties", is_row, put_row);
	put_rows(m, "dependentSchemas", has_condition, put_condition);
}

static void
put_definitions(FILE *out, const struct schema_table *const *roots)
{
	struct tables t = {.count = 0};

	for (size_t i = 0; roots[i] != NULL; i++)
		add_nested(&t, roots[i]);
	for (size_t i = 0; i < t.count; i++) {
		const struct schema_table *const one[] = {t.items[i], NULL};
		const struct map m = {out, "      ", one};
		char name[SLUG_BYTES];

		fprintf(out, "%s\n    \"%s\": {\n",
			i > 0 ? "," : ",\n  \"$defs\": {",
			slug(t.items[i]->what, name));
		put_map(&m);
		fputs("\n    }", out);
		add_nested(&t, t.items[i]);
	}
	fputs(t.count > 0 ? "\n  }" : "", out);
}

char *
schema_json(const char *title, const struct schema_table *const *roots)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const struct map m = {out, "  ", roots};

	if (out == NULL)
		return NULL;
	fputs("{\n  \"$schema\": "
	      "\"https://json-schema.org/draft/2020-12/schema\",\n  "
	      "\"title\": ",
		out);
	put_string(out, title);
	fputs(",\n", out);
	put_map(&m);
	put_definitions(out, roots);
	fputs("\n}\n", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
