/*
 * name_table.c - names by number and numbers by name
 *
 * Numbers index an array; names are found through a balanced tree (tsearch(3)),
 * in which no choice of names, which is a stranger's, makes a search slow.
 */
#include "name_table.h"

#include <errno.h>
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_ROOM = 16,
	NUMBERS_MAX = 65536,
};

struct numbered {
	uint32_t number;
	char name[];
};

struct name_table {
	struct numbered **entries; /* by number; NULL: not known */
	uint32_t room;
	uint32_t count;
	uint32_t next; /* behind the highest known number */
	void *tree;    /* of const char *: each entry's name */
};

struct name_table *
name_table_new(void)
{
	return calloc(1, sizeof(struct name_table));
}

static void
keep(void *name)
{
	(void)name; /* the entry's */
}

void
name_table_free(struct name_table *t)
{
	if (t == NULL)
		return;
	tdestroy(t->tree, keep);
	for (uint32_t i = 0; i < t->next; i++)
		free(t->entries[i]);
	free(t->entries);
	free(t);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct numbered *
find(const struct name_table *t, const char *name)
{
	char *const *node = tfind(name, &t->tree, by_name);

	if (node == NULL)
		return NULL;
	return (void *)(*node - offsetof(struct numbered, name));
}

/* Room for that number, with nothing where nothing is known. */
static int
make_room(struct name_table *t, uint32_t number)
{
	uint32_t room = t->room > 0 ? t->room : FIRST_ROOM;
	struct numbered **more;

	while (room <= number)
		room *= 2;
	if (room == t->room)
		return 0;
	more = reallocarray(t->entries, room, sizeof(struct numbered *));
	if (more == NULL)
		return -ENOMEM;
	memset(more + t->room, 0, (room - t->room) * sizeof(struct numbered *));
	t->entries = more;
	t->room = room;
	return 0;
}

static int
add(struct name_table *t, const char *name, uint32_t number)
{
	size_t size = strlen(name) + 1;
	struct numbered *e;

	if (make_room(t, number) < 0)
		return -ENOMEM;
	e = malloc(sizeof(*e) + size);
	if (e == NULL)
		return -ENOMEM;
	e->number = number;
	memcpy(e->name, name, size);
	if (tsearch(e->name, &t->tree, by_name) == NULL) {
		free(e);
		return -ENOMEM;
	}
	t->entries[number] = e;
	t->count++;
	if (number >= t->next)
		t->next = number + 1;
	return 0;
}

int
name_table_give(
	struct name_table *t, const char *name, uint32_t most, uint32_t *ret)
{
	uint32_t number = t->next;
	int r;

	if (name_table_number(t, name, ret) == 0)
		return 0;
	if (number >= most || number >= NUMBERS_MAX)
		return -ENOSPC;
	r = add(t, name, number);
	if (r == 0)
		*ret = number;
	return r;
}

int
name_table_learn(struct name_table *t, const char *name, uint32_t number)
{
	const struct numbered *e = find(t, name);

	if (number >= NUMBERS_MAX)
		return -ERANGE;
	if (e != NULL)
		return e->number == number ? 0 : -EEXIST;
	if (name_table_name(t, number) != NULL)
		return -EEXIST;
	return add(t, name, number);
}

int
name_table_number(const struct name_table *t, const char *name, uint32_t *ret)
{
	const struct numbered *e = find(t, name);

	if (e == NULL)
		return -ENOENT;
	*ret = e->number;
	return 0;
}

const char *
name_table_name(const struct name_table *t, uint32_t number)
{
	if (number >= t->next || t->entries[number] == NULL)
		return NULL;
	return t->entries[number]->name;
}

uint32_t
name_table_count(const struct name_table *t)
{
	return t->count;
}
