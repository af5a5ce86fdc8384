/* Datagrams of a client, each behind its length; they are not sealed anew, so
 * fuzz_quic_frames is what gets behind the seal. */
#include <stdlib.h>

#include "hello.h"
#include "quic_opening.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct quic_opening *o, enum quic_result result)
{
	bool whole = result == QUIC_NAME || result == QUIC_NO_NAME;
	bool wrong = result == QUIC_BAD || result == QUIC_NOT_QUIC;

	if (whole != (quic_opening_hello(o) != NULL) ||
		wrong != (quic_opening_why(o) != NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quic_opening *o = quic_opening_new();
	enum quic_result result;

	while (size >= 2) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2, size -= 2;
		if (len > size)
			len = size;
		result = quic_opening_feed(o, data, len);
		check(o, result);
		data += len, size -= len;
	}
	quic_opening_free(o);
	return 0;
}
