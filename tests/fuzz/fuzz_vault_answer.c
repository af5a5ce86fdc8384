/*
 * The first byte picks a status and which answer it is, the rest is the body.
 * There is a value without control characters, or one line of printable ASCII.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "vault_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = {200, 404, 403, 307, 503};
	char why[128] = "";
	struct vault_answer a;
	struct secret *value;
	int64_t expires = 0;

	if (size == 0)
		return 0;
	a.status = statuses[data[0] / 2 % 5];
	a.body = (struct span){(const char *)data + 1, size - 1};
	value = data[0] % 2 == 0 ? vault_answer_field(&a, "token", &expires,
					   why, sizeof(why))
				 : vault_answer_token(&a, why, sizeof(why));
	if ((value == NULL) != (why[0] != '\0') || expires < 0)
		abort();
	for (const char *s = why; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			abort();
	for (size_t i = 0; value != NULL && i < secret_bytes(value).len; i++)
		if ((unsigned char)secret_bytes(value).ptr[i] < ' ')
			abort();
	secret_unref(value);
	return 0;
}
