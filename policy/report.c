#include "report.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REPORT_MAX = 500,  /* lines kept: nobody reads more */
	REPORT_FILES = 64, /* files told apart when sorting */
};

struct entry {
	size_t file;  /* rank of the file: order of first mention */
	size_t order; /* as added: the last word in sorting */
	unsigned line, column;
	char *text; /* the whole line, with newline */
};

struct report {
	struct entry entries[REPORT_MAX];
	char *files[REPORT_FILES];
	size_t kept, count, file_count;
};

struct report *
report_new(void)
{
	return calloc(1, sizeof(struct report));
}

void
report_free(struct report *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->kept; i++)
		free(r->entries[i].text);
	for (size_t i = 0; i < r->file_count; i++)
		free(r->files[i]);
	free(r);
}

static size_t
file_rank(struct report *r, const char *file)
{
	for (size_t i = 0; i < r->file_count; i++) {
		if (strcmp(r->files[i], file) == 0)
			return i;
	}
	if (r->file_count == REPORT_FILES)
		return REPORT_FILES;
	r->files[r->file_count] = strdup(file);
	if (r->files[r->file_count] == NULL)
		return REPORT_FILES;
	return r->file_count++;
}

static char *
whole_line(struct report_mark at, const char *what)
{
	char *line;
	int len;

	if (at.line == 0)
		len = asprintf(&line, "%s: %s\n", at.file, what);
	else
		len = asprintf(&line, "%s:%u:%u: %s\n", at.file, at.line,
			at.column, what);
	return len < 0 ? NULL : line;
}

void
report_add(struct report *r, struct report_mark at, const char *format, ...)
{
	struct entry *e = &r->entries[r->kept];
	va_list args;
	char *what;
	int len;

	r->count++;
	if (r->kept == REPORT_MAX)
		return;
	va_start(args, format);
	len = vasprintf(&what, format, args);
	va_end(args);
	if (len < 0)
		return;
	*e = (struct entry){.file = file_rank(r, at.file),
		.order = r->count,
		.line = at.line,
		.column = at.column,
		.text = whole_line(at, what)};
	free(what);
	if (e->text != NULL)
		r->kept++;
}

size_t
report_count(const struct report *r)
{
	return r->count;
}

bool
report_has(const struct report *r, struct report_mark at)
{
	for (size_t i = 0; i < r->kept; i++) {
		const struct entry *e = &r->entries[i];

		if (e->line == at.line && e->column == at.column &&
			e->file < r->file_count &&
			strcmp(r->files[e->file], at.file) == 0)
			return true;
	}
	return false;
}

static int
by_place(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

char *
report_text(const struct report *r)
{
	struct entry *sorted = calloc(r->kept + 1, sizeof(*sorted));
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	bool bad;

	if (sorted == NULL)
		return NULL;
	memcpy(sorted, r->entries, r->kept * sizeof(*sorted));
	qsort(sorted, r->kept, sizeof(*sorted), by_place);

	out = open_memstream(&text, &size);
	if (out == NULL) {
		free(sorted);
		return NULL;
	}
	for (size_t i = 0; i < r->kept; i++)
		fputs(sorted[i].text, out);
	if (r->count > r->kept)
		fprintf(out, "and %zu more errors\n", r->count - r->kept);
	free(sorted);
	bad = ferror(out) != 0;
	bad |= fclose(out) != 0;
	if (bad) {
		free(text);
		return NULL;
	}
	return text;
}

const char *
report_quote(const char *text, char ret[REPORT_QUOTE])
{
	/* Room for the longest piece (an escape) and for `..."`. */
	const size_t room = REPORT_QUOTE - 9;
	size_t len = 0;

	ret[len++] = '"';
	for (; *text != '\0' && len < room; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			len += (size_t)snprintf(
				ret + len, REPORT_QUOTE - len, "\\x%02x", c);
		else
			ret[len++] = (char)c;
	}
	if (*text != '\0') {
		/* Never leave half a UTF-8 sequence behind. */
		while (len > 1 && ((unsigned char)*text & 0xc0) == 0x80)
			text--, len--;
		len += (size_t)snprintf(ret + len, REPORT_QUOTE - len, "...");
	}
	ret[len++] = '"';
	ret[len] = '\0';
	return ret;
}
