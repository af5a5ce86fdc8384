/*
 * vault_url.c - what is asked for, as a URL
 *
 * A mount and a path are names with slashes between them.  Each name is escaped
 * byte for byte, so that nothing in it is a query, a fragment or a way up; the
 * ways up that need no escape, "." and "..", are refused here once more, for a
 * sandbox's labels may be in a path by now.
 */
#include "vault_url.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "source_vault.h"

struct text {
	char *at;
	size_t left; /* without the last NUL */
	bool bad;
};

static void
put(struct text *t, const char *bytes, size_t len)
{
	if (len > t->left) {
		t->bad = true;
		return;
	}
	memcpy(t->at, bytes, len);
	t->at += len;
	t->left -= len;
	*t->at = '\0';
}

static void
put_text(struct text *t, const char *text)
{
	put(t, text, strlen(text));
}

static void
put_byte(struct text *t, unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char escaped[] = {'%', digits[c >> 4], digits[c & 0xf]};
	const char plain = (char)c;

	if (isascii(c) && (isalnum(c) || strchr("-._~", c) != NULL))
		put(t, &plain, 1);
	else
		put(t, escaped, sizeof(escaped));
}

static void
put_names(struct text *t, const char *names)
{
	while (true) {
		size_t len = strcspn(names, "/");

		if (len == 0 || (len <= 2 && strspn(names, ".") >= len))
			t->bad = true;
		for (size_t i = 0; i < len; i++)
			put_byte(t, (unsigned char)names[i]);
		names += len;
		if (*names == '\0')
			return;
		put_text(t, "/");
		names++;
	}
}

const char *
vault_url_socket(const struct source_vault *v)
{
	static const char prefix[] = "unix:";
	const char *address = v->words[SOURCE_VAULT_ADDRESS];

	return strncmp(address, prefix, strlen(prefix)) == 0
		       ? address + strlen(prefix)
		       : NULL;
}

static struct text
begin(const struct source_vault *v, char ret[VAULT_URL_MAX])
{
	struct text t = {.at = ret, .left = VAULT_URL_MAX - 1};

	put_text(&t, vault_url_socket(v) != NULL
			     ? "http://localhost"
			     : v->words[SOURCE_VAULT_ADDRESS]);
	put_text(&t, "/v1/");
	return t;
}

int
vault_url_read(const struct source_vault *v, char ret[VAULT_URL_MAX])
{
	struct text t = begin(v, ret);

	put_names(&t, v->words[SOURCE_VAULT_MOUNT]);
	put_text(&t, "/data/");
	put_names(&t, v->words[SOURCE_VAULT_PATH]);
	if (*v->words[SOURCE_VAULT_VERSION] != '\0') {
		put_text(&t, "?version=");
		put_names(&t, v->words[SOURCE_VAULT_VERSION]);
	}
	return t.bad ? -EINVAL : 0;
}

int
vault_url_login(const struct source_vault *v, char ret[VAULT_URL_MAX])
{
	struct text t = begin(v, ret);

	put_text(&t, "auth/");
	put_names(&t, v->words[SOURCE_VAULT_APPROLE_MOUNT]);
	put_text(&t, "/login");
	return t.bad ? -EINVAL : 0;
}

int
vault_url_revoke(const struct source_vault *v, char ret[VAULT_URL_MAX])
{
	struct text t = begin(v, ret);

	put_text(&t, "auth/token/revoke-self");
	return t.bad ? -EINVAL : 0;
}
