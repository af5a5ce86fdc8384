/*
 * An exported authority out of a pipe.  What is accepted must work, and must
 * come out again as an export that is accepted too.
 */
#include <stdint.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "ca.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ca *ca, *twin;
	uint8_t *again;
	char err[128];
	size_t len;

	if (ca_import(data, size, &ca, err, sizeof(err)) < 0) {
		if (ERR_peek_error() != 0)
			abort();
		return 0;
	}
	if (ca_export(ca, &again, &len) < 0 ||
		ca_import(again, len, &twin, err, sizeof(err)) < 0)
		abort();
	ca_free(twin);
	ca_free(ca);
	free(again);
	return 0;
}
