#include "credential.h"

#include "token.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define VALUE "${value}"

enum {
	HEADER_MAX = 128, /* bytes, as the three below */
	FORMAT_MAX = 1024,
	PLACEHOLDER_MIN = 4,
	PLACEHOLDER_MAX = 256,
	NAME_MAX_BYTES = 255,
};

/* Fields that say where a message ends or goes: a secret has no place there,
   and setting one would let a binding break the framing. */
static const char *const refused_headers[] = {
	"Host",
	"Content-Length",
	"Transfer-Encoding",
	"Connection",
	"Keep-Alive",
	"TE",
	"Trailer",
	"Upgrade",
	"Expect",
	"HTTP2-Settings",
};

const char *
credential_header_error(const char *name)
{
	if (!token_is_valid(name, HEADER_MAX))
		return "the name of a header field, such as Authorization";
	if (strncasecmp(name, "Proxy-", 6) == 0)
		return "a header field for the origin, not for a proxy";
	for (size_t i = 0;
		i < sizeof(refused_headers) / sizeof(refused_headers[0]); i++) {
		if (strcasecmp(name, refused_headers[i]) == 0)
			return "a header field that carries no framing or "
			       "routing";
	}
	return NULL;
}

const char *
credential_format_error(const char *format)
{
	const char *first = strstr(format, "${");
	size_t len = strlen(format);

	if (len > FORMAT_MAX || !token_is_printable(format, ' '))
		return "printable ASCII, at most 1024 bytes";
	if (format[0] == ' ' || format[len - 1] == ' ')
		return "no space at either end";
	if (first == NULL || strncmp(first, VALUE, strlen(VALUE)) != 0 ||
		strstr(first + 1, "${") != NULL)
		return "${value} in it exactly once, and no other ${";
	return NULL;
}

const char *
credential_placeholder_error(const char *placeholder)
{
	size_t len = strlen(placeholder);

	if (len < PLACEHOLDER_MIN || len > PLACEHOLDER_MAX ||
		!token_is_printable(placeholder, '!'))
		return "4 to 256 bytes of printable ASCII without spaces";
	return NULL;
}

const char *
credential_env_error(const char *name)
{
	bool good = isalpha((unsigned char)name[0]) || name[0] == '_';

	for (const char *s = name; *s != '\0'; s++)
		good &= isascii((unsigned char)*s) &&
			(isalnum((unsigned char)*s) || *s == '_');
	return good && strlen(name) <= NAME_MAX_BYTES
		       ? NULL
		       : "the name of an environment variable";
}

const char *
credential_systemd_error(const char *name)
{
	if (strlen(name) > NAME_MAX_BYTES || !token_is_printable(name, '!') ||
		strchr(name, '/') != NULL || name[0] == '.')
		return "the name of a systemd credential";
	return NULL;
}

const char *
credential_path_error(const char *path)
{
	return path[0] == '/' && path[1] != '\0' ? NULL : "an absolute path";
}
