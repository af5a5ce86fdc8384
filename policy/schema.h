/*
 * Fills a struct from a map of a tree, by a table with a row for each key.
 * The only place that words "unknown key", "missing key" and "expects ...".
 * Everything wrong goes into the report; reading goes on.  Knows no policy.
 *
 *	static const struct schema_field fields[] = {
 *		{.key = "workers", .offset = offsetof(struct s, workers),
 *			.read = schema_unsigned, .min = 1, .max = 64},
 *		{.key = "log", .offset = offsetof(struct s, log),
 *			.read = schema_nested, .table = &log_table},
 *		{.key = NULL},
 *	};
 *	static const struct schema_table table = {"the settings", fields};
 */
#ifndef SBX_SCHEMA_H
#define SBX_SCHEMA_H

#include "tree.h"

#include <stdbool.h>
#include <stddef.h>

struct region;

struct schema { /* one reading */
	struct report *report;
	struct region *region; /* texts and lists are copied there */
	void *arg;             /* for the caller's own readers */
};

struct schema_field;

/*
 * What a value looks like to whoever writes it, as schema_json() prints it.
 * The readers below need none: it follows from the rest of their row.
 */
struct schema_shape {
	enum schema_many {
		SCHEMA_ONE,
		SCHEMA_ONE_OR_LIST, /* min..max of the row are entries */
		SCHEMA_LIST,
		SCHEMA_BY_NAME, /* a map: name to value */
	} many;
	const char *one;  /* members of a JSON Schema; NULL: the row's table */
	const char *name; /* SCHEMA_BY_NAME: a regular expression */
};

/* Reads value into ret (the field's place), or reports and leaves it alone. */
typedef void schema_reader(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret);

struct schema_field {
	const char *key; /* NULL ends the table */
	bool required;
	bool one_of;   /* schema_json(): just one of such rows is given */
	size_t offset; /* of the field in the struct */
	schema_reader *read;
	unsigned min, max; /* see the readers; max 0: no limit of its own */
	const char *const *words;         /* schema_choice: NULL-terminated */
	const struct schema_table *table; /* schema_nested, and of the shape */

	/* For schema_json() alone. */
	const char *about;                /* in a line, with the default */
	const struct schema_shape *shape; /* NULL: by the reader, else any */
	const char *const *beside; /* no other keys may stand beside this one */
	const char *implies; /* members of a JSON Schema for the whole map */
};

struct schema_table {
	const char *what; /* for errors: "a rule", "the settings" */
	const struct schema_field *fields;
};

struct schema_strings {
	const char *const *items;
	size_t count;
};

/*
 * Absent keys leave ret as it is: put the defaults there before.  False when
 * anything was reported.  Out of memory shows in region_failed().
 */
bool schema_fill(struct schema *s, const struct tree_node *map,
	const struct schema_table *table, void *ret);

/* ---- readers: what ret points to, and which rows they use ---------------- */

schema_reader schema_string;   /* const char *; min..max bytes */
schema_reader schema_strings;  /* struct schema_strings; one word is a list of
				  one; min..max items */
schema_reader schema_bool;     /* bool; true or false only */
schema_reader schema_unsigned; /* unsigned; min..max */
schema_reader schema_seconds;  /* unsigned; "90s", "5m", "1h", "2d" */
schema_reader schema_milliseconds; /* unsigned; as before, and "500ms" */
schema_reader schema_choice;       /* int: the index in words */
schema_reader schema_nested;       /* the struct that table describes */

/* ---- for readers of the caller's ---------------------------------------- */

/* Reports `"key" expects WHAT, not "..."`. */
void schema_expects(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, const char *what);

/* Whether value is of that kind; if not, reports that f expects WHAT. */
bool schema_is(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, enum tree_kind kind, const char *what);

/*
 * "One or a list of them": the first entry (walk count of them by ->next), or
 * NULL after a report when there are fewer than f->min or more than f->max;
 * an empty list that is allowed gives NULL and count 0 without one.
 */
const struct tree_node *schema_entries(struct schema *s,
	const struct schema_field *f, const struct tree_node *value,
	size_t *ret_count);

/* The text of a scalar that is meant as a text (borrowed from the tree), or
   NULL after a report: a list, a map, an unquoted boolean or number. */
const char *schema_text(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, const char *what);

#endif
