#include "source_value.h"

#include <stdbool.h>
#include <stdio.h>

#include "secret.h"

enum {
	DELETE = 0x7f,
};

/* In a header they would end it, or begin another. */
static bool
has_control(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c < ' ' || c == DELETE)
			return true;
	}
	return false;
}

struct secret *
source_value(const char *data, size_t len, char *reterr, size_t reterr_size)
{
	const char *fault = NULL;
	struct secret *value = NULL;

	if (len > 0 && data[len - 1] == '\n')
		len--;
	if (len == 0)
		fault = "is empty";
	else if (len > SECRET_MAX)
		fault = "is longer than 64 KiB";
	else if (has_control(data, len))
		fault = "has a control character inside";
	else if ((value = secret_new(data, len)) == NULL)
		fault = "does not fit into locked memory";
	if (fault != NULL)
		snprintf(reterr, reterr_size, "%s", fault);
	return value;
}
