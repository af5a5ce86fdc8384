/*
 * What a command line may say: a row for each option and command, from which
 * the parser's table, --help and completion in a shell are made.  Pure.
 *
 * A value or argument is called by what it is: FILE, PATH, DIR, COMMAND,
 * SANDBOX, POLICY, VERDICT, KIND, REASON and METHOD complete as such, words in
 * small letters as themselves ("sh|json"), any other name stands for a text.
 */
#ifndef SBX_USAGE_H
#define SBX_USAGE_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
	USAGE_OPTIONS_MAX = 32, /* of one table */
	USAGE_LETTERS = 80,     /* bytes of the short options of one */
};

struct usage_option {
	const char *name; /* without dashes; "": help is a heading; NULL ends */
	int code;         /* what getopt gives */
	bool letter;      /* code is a short option, too */
	bool optional;    /* --name alone will do */
	const char *value; /* NULL: takes none */
	const char *takes; /* what completes it; NULL: as value says */
	const char *help;
};

struct usage_command {
	const char *name;
	const char *args; /* alternatives apart by " | ", each with its word */
	const char *help;
};

struct usage_line {          /* the options behind "run", "sandbox add" */
	const char *command; /* NULL ends */
	const struct usage_option *options;
};

struct usage_program {
	const char *name;
	const struct usage_option *options;
	const struct usage_command *commands; /* NULL: none */
	size_t command_count;
	const struct usage_line *lines;
};

/* The long options, ended by zeros. */
void usage_getopt(const struct usage_option *options,
	struct option ret[USAGE_OPTIONS_MAX + 1]);

/* The short options behind getopt's flags ("+"), with a colon where they take a
 * value.  Returns ret. */
const char *usage_letters(const struct usage_option *options, const char *flags,
	char ret[USAGE_LETTERS]);

/* Two columns, wrapped, each line behind that many blanks. */
void usage_print(FILE *to, const struct usage_option *options, int indent);

enum usage_kind {   /* what a word may be that is being typed */
	USAGE_WORD, /* one of ours: the text */
	USAGE_FILE,
	USAGE_DIRECTORY,
	USAGE_COMMAND,
	USAGE_SANDBOX,
	USAGE_POLICY,
	USAGE_VERDICT,
	USAGE_RECORD_KIND,
	USAGE_REASON,
};

struct usage_wish {
	enum usage_kind kind;
	const char *text;  /* USAGE_WORD */
	const char *help;  /* may be NULL */
	const char *typed; /* what it begins with; behind "--name=", too */
};

/*
 * Calls wish for all that the last of count words (at least one) can be; those
 * before it are complete.  Words are as a shell has them: bash makes a word of
 * its own of the "=" in "--name=value".
 */
void usage_complete(const struct usage_program *program, size_t count,
	const char *const *words,
	void (*wish)(void *arg, const struct usage_wish *w), void *arg);

/* sbx-netd's; the other programs' are where they are read. */
extern const struct usage_option usage_netd[];

enum usage_netd_code {
	USAGE_NETD_CONFIG = 256,
	USAGE_NETD_RUNTIME_DIR,
	USAGE_NETD_CHECK,
	USAGE_NETD_PRINT,
	USAGE_NETD_PRINT_SCHEMA,
	USAGE_NETD_FOREGROUND,
	USAGE_NETD_VERSION,
	USAGE_NETD_HELP,
};

#endif
