#include "token.h"

#include <string.h>

bool
token_is_valid(const char *text, unsigned max)
{
	static const char bytes[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t len = strlen(text);

	return len >= 1 && len <= max && strspn(text, bytes) == len;
}

bool
token_is_printable(const char *text, char first)
{
	for (const char *s = text; *s != '\0'; s++) {
		if (*s < first || *s > '~')
			return false;
	}
	return *text != '\0';
}
