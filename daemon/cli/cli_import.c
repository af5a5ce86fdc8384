/*
 * cli_import.c - import: the document on standard output, notes beside it
 *
 * Asks no daemon, and prints nothing when anything is wrong: what was printed
 * can be piped into a file of policies.d.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_talk.h"
#include "import_file.h"

static int
print_usage(void)
{
	const char *name;

	fputs("usage: sbx-netctl import DIALECT FILE, DIALECT one of:\n",
		stderr);
	for (size_t i = 0; (name = import_dialect_name(i)) != NULL; i++)
		fprintf(stderr, "  %s\n", name);
	return CLI_USAGE;
}

static int
print_import(const struct import *import)
{
	fputs(import_notes(import), stderr);
	fputs(import_document(import), stdout);
	return fflush(stdout) == 0
		       ? CLI_OK
		       : cli_complain(CLI_FAILED, "cannot write: %s",
				 strerror(errno));
}

int
cli_import(const struct cli *cli, int argc, char **argv)
{
	enum import_dialect dialect;
	struct import *import = NULL;
	char *text;
	int e, status;

	(void)cli;
	if (argc != 3 || !import_dialect_find(argv[1], &dialect))
		return print_usage();
	e = import_file_read(dialect, argv[2], &import, &text);
	if (e < 0) {
		fputs(text != NULL ? text : "out of memory\n", stderr);
		free(text);
		return CLI_FAILED;
	}
	status = print_import(import);
	import_free(import);
	return status;
}
