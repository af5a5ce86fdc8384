/*
 * Many paths as few patterns, with care: one segment becomes a star only where
 * at least three paths differ in nothing else, and only if what stands there
 * looks like an identifier.  Pure.
 */
#ifndef SBX_PATH_SHAPE_H
#define SBX_PATH_SHAPE_H

#include <stddef.h>
#include <stdint.h>

enum {
	PATH_SHAPE_VALUES = 3,    /* so many different ones make a star */
	PATH_SHAPE_SEGMENTS = 32, /* paths with more stay as they are */
};

struct path_count {
	const char *path; /* as received; not ambiguous */
	uint64_t count;   /* of requests */
};

struct path_shape {
	char *pattern;            /* matches what it stands for (rule_line.h) */
	uint64_t count;           /* of requests */
	size_t values;            /* that a star stands for; 0: there is none */
	const char *first, *last; /* such paths, borrowed */
};

/*
 * paths: count different ones, at least one.  0 and *ret (for
 * path_shapes_free()) and how many; or -ENOMEM.
 */
int path_shapes_find(const struct path_count *paths, size_t count,
	struct path_shape **ret, size_t *ret_count);
void path_shapes_free(struct path_shape *shapes, size_t count);

#endif
