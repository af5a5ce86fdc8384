#include "usage.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

enum {
	COLUMN = 20, /* where help begins, behind the indent */
	WIDTH = 79,
};

void
usage_getopt(const struct usage_option *options,
	struct option ret[USAGE_OPTIONS_MAX + 1])
{
	size_t n = 0;

	for (const struct usage_option *o = options; o->name != NULL; o++) {
		int takes = o->optional ? optional_argument : required_argument;

		assert(n < USAGE_OPTIONS_MAX);
		if (*o->name == '\0')
			continue;
		ret[n++] = (struct option){o->name,
			o->value != NULL ? takes : no_argument, NULL, o->code};
	}
	ret[n] = (struct option){0};
}

const char *
usage_letters(const struct usage_option *options, const char *flags,
	char ret[USAGE_LETTERS])
{
	size_t len = (size_t)snprintf(ret, USAGE_LETTERS, "%s", flags);

	for (const struct usage_option *o = options; o->name != NULL; o++) {
		if (!o->letter)
			continue;
		assert(len + 3 < USAGE_LETTERS);
		ret[len++] = (char)o->code;
		if (o->value != NULL)
			ret[len++] = ':';
		ret[len] = '\0';
	}
	return ret;
}

static void
pad(FILE *to, int n)
{
	fprintf(to, "%*s", n > 0 ? n : 0, "");
}

/* Words of text between column and WIDTH; at is the column that it is at. */
static void
wrap(FILE *to, const char *text, int at, int column)
{
	if (at + 1 > column) {
		fputc('\n', to);
		at = 0;
	}
	pad(to, column - at);
	at = column;
	while (*text != '\0') {
		int len = (int)strcspn(text, " ");

		if (at > column && at + 1 + len > WIDTH) {
			fputc('\n', to);
			pad(to, column);
			at = column;
		} else if (at > column) {
			fputc(' ', to);
			at++;
		}
		fprintf(to, "%.*s", len, text);
		at += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', to);
}

void
usage_print(FILE *to, const struct usage_option *options, int indent)
{
	for (const struct usage_option *o = options; o->name != NULL; o++) {
		int at = indent;

		pad(to, indent);
		if (o->letter)
			at += fprintf(to, "-%c, ", o->code);
		at += fprintf(to, "--%s", o->name);
		if (o->value != NULL)
			at += fprintf(
				to, o->optional ? "[=%s]" : " %s", o->value);
		wrap(to, o->help, at, indent + COLUMN);
	}
}
