#include "cli_document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_talk.h"
#include "control_proto.h"

/*
 * Half a file is a document of its own, and an empty one allows or forbids
 * something, too: so it is all of it, or an error.  NULL, or what is wrong.
 */
static const char *
fill(FILE *file, char *text)
{
	size_t len;

	errno = 0;
	len = fread(text, 1, CONTROL_QUESTION_MAX + 1, file);
	if (ferror(file) != 0)
		return strerror(errno);
	if (len > CONTROL_QUESTION_MAX)
		return "it is too long";
	text[len] = '\0';
	return strlen(text) == len ? NULL : "it holds a NUL";
}

char *
cli_document_read(const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = malloc(CONTROL_QUESTION_MAX + 2);
	const char *wrong = strerror(errno);

	if (file != NULL && text != NULL)
		wrong = fill(file, text);
	if (file != NULL && file != stdin)
		fclose(file);
	if (wrong == NULL)
		return text;
	cli_complain(CLI_FAILED, "cannot read %s: %s", path, wrong);
	free(text);
	return NULL;
}
