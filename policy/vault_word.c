#include "vault_word.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "own_word.h"

enum {
	HOST_MAX = 253, /* bytes */
	PORT_DIGITS = 5,
	PORT_MAX = 65535,
	SOCKET_MAX = 107, /* bytes of a path that an address has room for */
	LOOPBACK = 127,   /* first byte of such an address */
	DELETE = 0x7f,
};

static const char https[] = "https://", http[] = "http://", unix_[] = "unix:";

static const char address_error[] =
	"https://HOST:PORT, http:// to 127.0.0.1 or [::1], or unix:/PATH";

static bool
begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
vault_word_is_https(const char *address)
{
	return begins_with(address, https);
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == DELETE)
			return true;
	}
	return false;
}

/* ---- the address -------------------------------------------------------- */

static bool
is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	long port = strtol(text, NULL, 10);

	return digits >= 1 && digits <= PORT_DIGITS && text[digits] == '\0' &&
	       text[0] != '0' && port <= PORT_MAX;
}

static bool
is_name(const char *host)
{
	for (const char *s = host; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("-_.", *s) == NULL)
			return false;
	return isalnum((unsigned char)host[0]);
}

static bool
is_loopback(const char *host, bool brackets)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	if (brackets)
		return inet_pton(AF_INET6, host, bytes) == 1 &&
		       IN6_IS_ADDR_LOOPBACK((struct in6_addr *)bytes);
	return inet_pton(AF_INET, host, bytes) == 1 && bytes[0] == LOOPBACK;
}

/* HOST or [HOST], and perhaps a port; nothing else, not even a slash. */
static bool
is_place(const char *text, bool only_loopback)
{
	bool brackets = text[0] == '[';
	size_t len = strcspn(text + brackets, brackets ? "]" : ":");
	const char *end = text + brackets + len;
	char host[HOST_MAX + 1];
	struct in6_addr ignored;

	if (len == 0 || len > HOST_MAX || (brackets && *end != ']'))
		return false;
	memcpy(host, text + brackets, len);
	host[len] = '\0';
	end += brackets;
	if (*end != '\0' && (*end != ':' || !is_port(end + 1)))
		return false;
	if (only_loopback)
		return is_loopback(host, brackets);
	return brackets ? inet_pton(AF_INET6, host, &ignored) == 1
			: is_name(host);
}

static const char *
find_address_error(const char *text)
{
	bool good = false;

	if (begins_with(text, https))
		good = is_place(text + strlen(https), false);
	else if (begins_with(text, http))
		good = is_place(text + strlen(http), true);
	else if (begins_with(text, unix_))
		good = text[strlen(unix_)] == '/' &&
		       strlen(text + strlen(unix_)) <= SOCKET_MAX;
	return good ? NULL : address_error;
}

/* ---- the others --------------------------------------------------------- */

/* Names with slashes between them; none that leads to another folder. */
static const char *
find_path_error(const char *text)
{
	while (true) {
		size_t len = strcspn(text, "/");

		if (len == 0 || (len == 1 && text[0] == '.') ||
			(len == 2 && text[0] == '.' && text[1] == '.'))
			return "names with \"/\" between them, none of them "
			       "empty, \".\" or \"..\"";
		if (text[len] == '\0')
			return NULL;
		text += len + 1;
	}
}

static const char *
find_file_error(const char *text)
{
	return text[0] == '/' && text[1] != '\0' ? NULL : "an absolute path";
}

static const char *
find_text_error(const char *text)
{
	(void)text;
	return NULL;
}

static const char *
find_version_error(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0' ? NULL : "a number";
}

const char *
vault_word_error(enum vault_word which, const char *text)
{
	static const char *(*const checks[VAULT_WORDS])(const char *) = {
		[VAULT_ADDRESS] = find_address_error,
		[VAULT_MOUNT] = find_path_error,
		[VAULT_PATH] = find_path_error,
		[VAULT_FIELD] = find_text_error,
		[VAULT_VERSION] = find_version_error,
		[VAULT_NAMESPACE] = find_path_error,
		[VAULT_CA_FILE] = find_file_error,
		[VAULT_TOKEN_FILE] = find_file_error,
		[VAULT_ROLE_ID] = find_text_error,
		[VAULT_SECRET_ID_FILE] = find_file_error,
		[VAULT_APPROLE_MOUNT] = find_path_error,
	};

	if (has_control(text))
		return "a text without control characters";
	if (which != VAULT_PATH && own_word_is(text))
		return "no ${, which only \"path\" may have";
	return checks[which](text);
}
