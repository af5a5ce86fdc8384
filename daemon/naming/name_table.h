/*
 * Names of a sandbox and their numbers: a name keeps its number for as long as
 * the table lives, and no number stands for two names.  Knows nothing of
 * addresses, nor of what a name is.  Pure.
 */
#ifndef SBX_NAME_TABLE_H
#define SBX_NAME_TABLE_H

#include <stdint.h>

struct name_table;

struct name_table *name_table_new(void);    /* NULL: out of memory */
void name_table_free(struct name_table *t); /* accepts NULL */

/*
 * The name's number; a name that has none gets the next one, if that is below
 * most.  0; -ENOSPC; -ENOMEM.
 */
int name_table_give(
	struct name_table *t, const char *name, uint32_t most, uint32_t *ret);

/*
 * Learns a number that another table gave.  0, also when it was known;
 * -EEXIST: the name has another number, or the number another name; -ERANGE: no
 * table gives one so high; -ENOMEM.
 */
int name_table_learn(struct name_table *t, const char *name, uint32_t number);

/* 0, or -ENOENT. */
int name_table_number(
	const struct name_table *t, const char *name, uint32_t *ret);

/* The table's, for as long as it lives; NULL: no name has it. */
const char *name_table_name(const struct name_table *t, uint32_t number);

uint32_t name_table_count(const struct name_table *t);

#endif
