/*
 * YAML text as a small tree of scalars, lists and maps, each with its place.
 *
 * Strict: UTF-8 only, one document, no anchors, aliases, tags, directives or
 * merge keys, map keys are plain words and unique, bounded depth and size.  A
 * scalar stays text: what it means is schema.h's business.  Reads no files.
 */
#ifndef SBX_TREE_H
#define SBX_TREE_H

#include "report.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	TREE_DEPTH_MAX = 16,      /* maps and lists inside each other */
	TREE_SIZE_MAX = 16 << 20, /* bytes of text */
	TREE_NODES_MAX = 1 << 20, /* scalars, lists and maps in all */
};

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree_node {
	struct report_mark at; /* a map's or list's first character */
	enum tree_kind kind;
	bool quoted;      /* scalar: in quotes or a block, so surely a string */
	const char *text; /* scalar: UTF-8, terminated, no NUL inside */
	const struct tree_node *key;   /* of an entry in a map, else NULL */
	const struct tree_node *first; /* list, map: first entry, or NULL */
	const struct tree_node *next;  /* next entry of the same list or map */
	size_t count;                  /* list, map: entries */
};

struct tree; /* owns its nodes and the name */

/*
 * Parses len bytes of text; name is what errors call the file (copied).  An
 * empty text is an empty map.  Returns 0 and *ret, which the caller frees;
 * -EINVAL with at least one line added to report; or -ENOMEM.
 */
int tree_parse(const char *name, const char *text, size_t len,
	struct tree **ret, struct report *report);
void tree_free(struct tree *t); /* accepts NULL */

const struct tree_node *tree_root(const struct tree *t);

/*
 * For a text that stands for one value of a larger document: makes the root the
 * value of key in a map, which is the root then; and puts a scalar first in a
 * root that is a map.  All is at the place of the text's beginning.  0 or
 * -ENOMEM.
 */
int tree_nest(struct tree *t, const char *key);
int tree_lead(struct tree *t, const char *key, const char *text);

/* The entry of a map with that key, or NULL; NULL for what is no map. */
const struct tree_node *tree_get(const struct tree_node *map, const char *key);

#endif
