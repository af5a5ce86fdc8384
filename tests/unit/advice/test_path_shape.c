#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "path_shape.h"

enum { PATHS = 8, TEXT = 1024 };

static const struct {
	const char *paths[PATHS];
	const char
		*patterns; /* each with its count, and values if it is wide */
	const char *why;
} cases[] = {
	{{"/a"}, "/a 1; ", "one"},
	{{"/u/1", "/u/2"}, "/u/1 1; /u/2 1; ", "two are not enough"},
	{{"/u/1", "/u/2", "/u/3"}, "/u/* 3 (3); ", "three are"},
	{{"/u/1", "/u/2", "/u/a"}, "/u/1 1; /u/2 1; /u/a 1; ",
		"a word is no identifier"},
	{{"/u/a1", "/u/v2-x", "/u/f_3.4"}, "/u/* 3 (3); ", "these are"},
	{{"/1", "/2", "/3"}, "/1 1; /2 1; /3 1; ", "never the first segment"},
	{{"/u/1/k", "/u/2/k", "/u/3/j"}, "/u/1/k 1; /u/2/k 1; /u/3/j 1; ",
		"the rest has to be the same"},
	{{"/u/1/k", "/u/2/k", "/u/3/k", "/u/3"}, "/u/*/k 3 (3); /u/3 1; ",
		"in the middle"},
	{{"/r/1/i/1", "/r/1/i/2", "/r/1/i/3", "/r/2/i/1", "/r/3/i/1"},
		"/r/1/i/* 3 (3); /r/2/i/1 1; /r/3/i/1 1; ",
		"one star, the last"},
	{{"/u/1", "/u/2", "/u/3/"}, "/u/1 1; /u/2 1; /u/3/ 1; ",
		"a slash at the end is another path"},
	{{"/u/1;", "/u/%31", "/u/2"}, "/u/%31 1; /u/1%3B 1; /u/2 1; ",
		"what is escaped is no identifier"},
	{{"/*/1", "/*/2", "/*/3"}, "/%2A/* 3 (3); ", "a star that was sent"},
	{{"/**", "/a b"}, "/%2A%2A 1; /a%20b 1; ", "stars that were sent"},
};

static void
test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct path_count paths[PATHS];
		struct path_shape *shapes;
		size_t n = 0, count, len = 0;
		char text[TEXT] = "";

		for (; n < PATHS && cases[i].paths[n] != NULL; n++)
			paths[n] = (struct path_count){cases[i].paths[n], 1};
		assert_int_equal(
			path_shapes_find(paths, n, &shapes, &count), 0);
		for (size_t k = 0; k < count; k++) {
			len += (size_t)snprintf(text + len, TEXT - len, "%s %d",
				shapes[k].pattern, (int)shapes[k].count);
			if (shapes[k].values > 0)
				len += (size_t)snprintf(text + len, TEXT - len,
					" (%zu)", shapes[k].values);
			len += (size_t)snprintf(text + len, TEXT - len, "; ");
		}
		if (strcmp(text, cases[i].patterns) != 0)
			fail_msg("%s: %s", cases[i].why, text);
		path_shapes_free(shapes, count);
	}
}

static void
test_many_segments_stay(void **state)
{
	static char texts[3][256];
	struct path_count paths[3];
	struct path_shape *shapes;
	size_t count;

	(void)state;
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < PATH_SHAPE_SEGMENTS; k++)
			strcat(texts[i], "/a");
		sprintf(texts[i] + strlen(texts[i]), "/%d", i);
		paths[i] = (struct path_count){texts[i], 1};
	}
	assert_int_equal(path_shapes_find(paths, 3, &shapes, &count), 0);
	assert_int_equal(count, 3);
	path_shapes_free(shapes, count);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_many_segments_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
