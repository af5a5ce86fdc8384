/* The first bytes of a flow, however they are cut into segments. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { LONG = 64 }; /* an answer is known by then */
	struct span bytes = {(const char *)data, size};
	enum sniff whole = sniff(bytes), part;
	bool said = false;

	if (size >= LONG && whole == SNIFF_MORE)
		abort();
	for (bytes.len = 0; bytes.len < size && bytes.len < LONG; bytes.len++) {
		part = sniff(bytes);
		if (part == SNIFF_MORE ? said : part != whole)
			abort();
		said = part != SNIFF_MORE;
	}
	return 0;
}
