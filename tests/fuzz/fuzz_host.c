/* Any bytes as a host name: what is one is the same when normalised again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char host[HOST_MAX + 1], again[HOST_MAX + 1];

	if (host_normalise((const char *)data, size, host) < 0)
		return 0;
	if (host_normalise(host, strlen(host), again) < 0 ||
		strcmp(host, again) != 0)
		abort();
	return 0;
}
