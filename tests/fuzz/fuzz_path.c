/* A path, a NUL and a pattern: both readings end, and agree on "/" + "**". */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *path = calloc(1, size + 2);
	const char *pattern;

	if (path == NULL)
		abort();
	memcpy(path, data, size);
	pattern = path + strlen(path) + 1;
	if (!path_is_ambiguous(path)) {
		if (!path_matches("/**", path))
			abort();
		if (strchr(path, '*') == NULL && !path_matches(path, path))
			abort();
		if (path_pattern_error(pattern) == NULL)
			(void)path_matches(pattern, path);
	}
	free(path);
	return 0;
}
