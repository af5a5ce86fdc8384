/* Whatever an origin sends as HTTP/2: no crash, and the law of the
 * re-serialiser, across the bridge to HTTP/1. */
#include <stddef.h>
#include <stdint.h>

#include "h2_law.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	h2_law_client(data, size);
	return 0;
}
