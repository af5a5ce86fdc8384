/* A query, a NUL, a name and a pattern: what is not ambiguous is read whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parameter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_whole(struct wildcard_text text)
{
	int c = 0;

	if (!wildcard_matches("*", text))
		abort();
	while (text.at != text.end && (c = wildcard_byte(&text)) > 0)
		;
	if (c < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *query = calloc(1, size + 3);
	const char *rest = query, *name, *pattern;
	struct parameter pair;

	memcpy(query, data, size);
	name = query + strlen(query) + 1;
	pattern = name + strlen(name) + (name < query + size + 1);
	while (!parameter_ambiguous(query) && parameter_next(&rest, &pair)) {
		read_whole(pair.name);
		read_whole(pair.value);
		(void)parameter_compare(pair.name, name);
		(void)wildcard_matches(pattern, pair.value);
	}
	free(query);
	return 0;
}
