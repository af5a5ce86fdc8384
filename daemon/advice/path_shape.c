/*
 * path_shape.c - which segments are identifiers
 *
 * From the last segment to the second, paths are sorted by what they are
 * without that segment; a run of equal ones with enough different identifiers
 * in its place becomes one pattern, and those paths are done.  The last first,
 * because the longer the part before a star, the less the star lets in.  The
 * first segment is never one: a star there would be the whole site.
 */
#include "path_shape.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule_line.h"

struct item {
	const struct path_count *path;
	size_t at, len; /* of the segment at hand, in path */
	bool fits;      /* it has that segment, and it is an identifier */
	bool done;
};

static size_t
segments_of(const char *path)
{
	size_t n = 0;

	for (; *path != '\0'; path++)
		n += *path == '/';
	return n;
}

/* Letters, digits, - _ . with a digit among them: 41, v2-3, 5f3a. */
static bool
is_identifier(const char *text, size_t len)
{
	bool digit = false;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		digit |= isdigit(c) != 0;
		if (!isalnum(c) && strchr("-_.", c) == NULL)
			return false;
	}
	return digit;
}

static void
aim(struct item *item, size_t segment)
{
	const char *path = item->path->path, *at = path;

	item->fits = false;
	if (item->done || segments_of(path) > PATH_SHAPE_SEGMENTS)
		return;
	for (size_t i = 0; i <= segment; i++) {
		at = strchr(at, '/');
		if (at == NULL)
			return;
		at++;
	}
	item->at = (size_t)(at - path);
	item->len = strcspn(at, "/");
	item->fits = is_identifier(at, item->len);
}

/* By everything but the segment; equal ones in the order of their paths. */
static int
by_rest(const void *a, const void *b)
{
	const struct item *ia = a, *ib = b;
	const char *pa = ia->path->path, *pb = ib->path->path;
	size_t least = ia->at < ib->at ? ia->at : ib->at;
	int order = (int)ib->fits - (int)ia->fits;

	if (order == 0 && ia->fits) {
		order = strncmp(pa, pb, least);
		if (order == 0)
			order = (ia->at > ib->at) - (ia->at < ib->at);
		if (order == 0)
			order = strcmp(
				pa + ia->at + ia->len, pb + ib->at + ib->len);
	}
	return order != 0 ? order : strcmp(pa, pb);
}

static bool
same_rest(const struct item *a, const struct item *b)
{
	const char *pa = a->path->path, *pb = b->path->path;

	return a->fits && b->fits && a->at == b->at &&
	       strncmp(pa, pb, a->at) == 0 &&
	       strcmp(pa + a->at + a->len, pb + b->at + b->len) == 0;
}

static char *
star(const struct item *item)
{
	const char *path = item->path->path;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	rule_line_put_pattern(out, path, item->at);
	fputc('*', out);
	path += item->at + item->len;
	rule_line_put_pattern(out, path, strlen(path));
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

struct shapes {
	struct path_shape *items; /* room for one for each path */
	size_t count;
};

static int
take_run(struct shapes *s, struct item *run, size_t count)
{
	struct path_shape *shape = &s->items[s->count];

	*shape = (struct path_shape){
		.pattern = star(run),
		.values = count,
		.first = run[0].path->path,
		.last = run[count - 1].path->path,
	};
	if (shape->pattern == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		shape->count += run[i].path->count;
		run[i].done = true;
	}
	s->count++;
	return 0;
}

static int
take_segment(struct shapes *s, struct item *items, size_t count, size_t segment)
{
	size_t run;
	int r = 0;

	for (size_t i = 0; i < count; i++)
		aim(&items[i], segment);
	qsort(items, count, sizeof(*items), by_rest);
	for (size_t i = 0; i < count && r == 0; i += run) {
		for (run = 1; i + run < count; run++)
			if (!same_rest(&items[i], &items[i + run]))
				break;
		if (run >= PATH_SHAPE_VALUES)
			r = take_run(s, &items[i], run);
	}
	return r;
}

/* What is left, as it is. */
static int
take_rest(struct shapes *s, const struct item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct path_shape *shape = &s->items[s->count];

		if (items[i].done)
			continue;
		*shape = (struct path_shape){
			.pattern = rule_line_pattern(items[i].path->path),
			.count = items[i].path->count,
		};
		if (shape->pattern == NULL)
			return -ENOMEM;
		s->count++;
	}
	return 0;
}

static int
by_pattern(const void *a, const void *b)
{
	const struct path_shape *sa = a, *sb = b;

	return strcmp(sa->pattern, sb->pattern);
}

int
path_shapes_find(const struct path_count *paths, size_t count,
	struct path_shape **ret, size_t *ret_count)
{
	struct item *items = calloc(count, sizeof(*items));
	struct shapes s = {.items = calloc(count, sizeof(*s.items))};
	int r = items != NULL && s.items != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < count; i++)
		items[i].path = &paths[i];
	for (size_t i = PATH_SHAPE_SEGMENTS; r == 0 && i-- > 1;)
		r = take_segment(&s, items, count, i);
	if (r == 0)
		r = take_rest(&s, items, count);
	free(items);
	if (r < 0) {
		path_shapes_free(s.items, s.count);
		return r;
	}
	qsort(s.items, s.count, sizeof(*s.items), by_pattern);
	*ret = s.items;
	*ret_count = s.count;
	return 0;
}

void
path_shapes_free(struct path_shape *shapes, size_t count)
{
	for (size_t i = 0; shapes != NULL && i < count; i++)
		free(shapes[i].pattern);
	free(shapes);
}
