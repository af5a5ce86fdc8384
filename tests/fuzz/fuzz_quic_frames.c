/* What is under the seal of a client's Initials: packets of frames, each behind
 * its length, and the hello that comes of them. */
#include <stdlib.h>

#include "hello.h"
#include "quic_crypto.h"
#include "quic_frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quic_crypto *crypto = calloc(1, sizeof(*crypto));
	const char *why = NULL;
	struct hello hello;

	while (size >= 2 && why == NULL) {
		size_t len = (size_t)data[0] << 8 | data[1];
		size_t whole = crypto->whole;

		data += 2, size -= 2;
		if (len > size)
			len = size;
		why = quic_frames_read(data, len, crypto);
		if (crypto->whole < whole || crypto->whole > QUIC_CRYPTO_MAX)
			abort();
		data += len, size -= len;
	}
	if (hello_parse_message(crypto->bytes, crypto->whole, &hello, &why) ==
		HELLO_NOT_TLS)
		abort();
	free(crypto);
	return 0;
}
