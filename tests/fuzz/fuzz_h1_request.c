/* Whatever a sandbox sends: no crash, and the law of the re-serialiser. */
#include <stddef.h>
#include <stdint.h>

#include "h1_law.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	h1_law_request(data, size);
	return 0;
}
