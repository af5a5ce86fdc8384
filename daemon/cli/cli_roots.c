#include "cli_roots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_ask.h"
#include "trust.h"

enum { ROOTS_MAX = 16 * 1024 * 1024 };

/* The text of a file; NULL with errno. */
static char *
read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0, len;
	FILE *copy;
	int c;

	if (file == NULL)
		return NULL;
	copy = open_memstream(&text, &size);
	for (len = 0; copy != NULL && len < ROOTS_MAX; len++) {
		c = getc(file);
		if (c == EOF)
			break;
		putc(c, copy);
	}
	fclose(file);
	if (copy == NULL || fclose(copy) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int
cli_get_roots(struct control_client *c, char **ret, char *reterr, size_t size)
{
	int e = cli_get_text(c, "/v1/trust.pem", ret, reterr, size);

	if (e != -ENOENT)
		return e;
	for (const char *const *p = trust_bundle_places(); *p != NULL; p++) {
		*ret = read_file(*p);
		if (*ret != NULL)
			return 0;
	}
	snprintf(reterr, size,
		"neither the daemon nor this host has any root certificates");
	return -ENOENT;
}
