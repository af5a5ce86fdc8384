/* The first bytes of a flow, in one piece and cut short at every length. */
#include <stdlib.h>

#include "hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum hello_result whole, part;
	struct hello hello;
	const char *why = NULL;
	size_t step = size / 64 + 1;

	whole = hello_parse(data, size, &hello, &why);
	if (whole == HELLO_BAD && why == NULL)
		abort();
	if (whole == HELLO_OK && hello.name_len > HELLO_NAME_MAX)
		abort();
	/* No answer about a part may differ from the answer about the whole,
	 * unless it is "more". */
	for (size_t len = 1; len < size; len += step) {
		part = hello_parse(data, len, &hello, &why);
		if (part == HELLO_NOT_TLS && whole != HELLO_NOT_TLS &&
			whole != HELLO_BAD)
			abort();
		if (part == HELLO_OK && whole != HELLO_OK && whole != HELLO_BAD)
			abort();
	}
	return 0;
}
