/*
 * The tables of schema.h as JSON Schema (draft 2020-12): for editors, and for
 * whoever writes documents by program.  A row of a table is a key of the
 * schema; one whose reader says nothing of its values takes any.  What only
 * all documents together can tell (names that refer to nothing, bindings that
 * never fire) and what no regular expression can is beyond it: a document that
 * the schema refuses is wrong, one that it takes may still be.
 */
#ifndef SBX_SCHEMA_JSON_H
#define SBX_SCHEMA_JSON_H

struct schema_table;

/*
 * The rows of all roots (NULL at their end) are the keys of one map.  The
 * text is malloc'd; NULL: out of memory.
 */
char *schema_json(const char *title, const struct schema_table *const *roots);

/* What a document may say; and for SCHEMA_BY_NAME, what a name looks like. */
extern const struct schema_table policy_document_table;
#define SCHEMA_NAME_PATTERN "^[a-z0-9][a-z0-9_.-]{0,62}$"

#endif
