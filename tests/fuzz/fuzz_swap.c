/* Lines: words, each followed by its value; a blank one; the sizes of pieces as
 * bytes; the rest is the text. */
#include <stdint.h>
#include <string.h>

#include "swap_text_law.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span
take_line(struct span *rest)
{
	const char *end = memchr(rest->ptr, '\n', rest->len);
	size_t len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
	size_t taken = len + (end != NULL);

	*rest = (struct span){rest->ptr + taken, rest->len - taken};
	return (struct span){rest->ptr - taken, len};
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = {(const char *)data, size}, line;
	struct swap_law law = {.count = 0};

	while ((line = take_line(&rest)).len > 0 &&
		law.count < SWAP_LAW_WORDS) {
		law.words[law.count] = line;
		law.values[law.count++] = take_line(&rest);
	}
	line = take_line(&rest);
	law.cuts = (const unsigned char *)line.ptr;
	law.cut_count = line.len;
	law.text = rest;
	if (law.text.len > SWAP_LAW_TEXT)
		law.text.len = SWAP_LAW_TEXT;
	swap_law(&law);
	return 0;
}
