/*
 * The first byte picks a format and a field, the rest is what a source printed.
 * There is a value without control characters, or a reason.
 */
#include <stdint.h>
#include <stdlib.h>

#include "secret.h"
#include "secret_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct secret_format formats[] = {
		{SECRET_FORMAT_RAW, NULL}, {SECRET_FORMAT_JSON, "a"},
		{SECRET_FORMAT_JSON, "a.0.b"}, {SECRET_FORMAT_GIT, "password"},
		{SECRET_FORMAT_DOCKER, "Secret"},
		{SECRET_FORMAT_AWS, "SecretAccessKey"},
		{SECRET_FORMAT_AWS, "SessionToken"}};
	char reason[128] = "";
	int64_t expires = -1;
	struct secret *value;

	if (size == 0)
		return 0;
	value = secret_format_read(
		&formats[data[0] % (sizeof(formats) / sizeof(formats[0]))],
		(struct span){(const char *)data + 1, size - 1}, 1000, &expires,
		reason, sizeof(reason));
	if ((value == NULL) != (reason[0] != '\0') ||
		(value != NULL && expires != 0 && expires <= 1000))
		abort();
	for (size_t i = 0; value != NULL && i < secret_bytes(value).len; i++)
		if ((unsigned char)secret_bytes(value).ptr[i] < ' ')
			abort();
	secret_unref(value);
	return 0;
}
