/*
 * source_vault.c - what is wanted, as lines
 *
 * A line for each word, in their order, and one with the seconds that it may
 * take.  No word has a line end inside: documents are held to that where they
 * are read.  None of this is secret: tokens are in files, whose paths these
 * are.
 */
#include "source_vault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char program[] = "/proc/self/exe", option[] = SOURCE_VAULT_OPTION;

char *const source_vault_argv[] = {program, option, NULL};

enum { SECONDS_DIGITS = 6 };

char *
source_vault_write(const struct source_vault *v)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < SOURCE_VAULT_WORDS; i++)
		fprintf(out, "%s\n", v->words[i]);
	fprintf(out, "%u\n", v->timeout_seconds);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static char *
take_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (end == NULL)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return line;
}

int
source_vault_read(char *text, struct source_vault *ret)
{
	const char *seconds;
	size_t digits;

	for (size_t i = 0; i < SOURCE_VAULT_WORDS; i++) {
		ret->words[i] = take_line(&text);
		if (ret->words[i] == NULL)
			return -EINVAL;
	}
	seconds = take_line(&text);
	if (seconds == NULL || *text != '\0')
		return -EINVAL;
	digits = strspn(seconds, "0123456789");
	if (digits == 0 || digits > SECONDS_DIGITS || seconds[digits] != '\0')
		return -EINVAL;
	ret->timeout_seconds = (unsigned)strtoul(seconds, NULL, 10);
	return 0;
}
