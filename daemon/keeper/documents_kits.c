/*
 * documents_kits.c - the kits that policies name, behind all files
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "documents_part.h"
#include "kit_parts.h"
#include "report.h"

struct adding {
	struct documents *d;
	struct report *report;
	bool no_memory;
};

static int
take_part(void *arg, const char *name, char *text)
{
	struct adding *a = arg;

	return documents_add_text(a->d, name, text, strlen(text), a->report);
}

static void
take_note(void *arg, const char *lines)
{
	struct adding *a = arg;
	const char *before = a->d->notes != NULL ? a->d->notes : "";
	char *notes = NULL;

	if (asprintf(&notes, "%s%s", before, lines) < 0) {
		a->no_memory = true;
		return;
	}
	free(a->d->notes);
	a->d->notes = notes;
}

int
documents_add_kits(struct documents *d, struct report *report)
{
	struct adding a = {.d = d, .report = report};
	const struct kit_parts_taker taker = {take_part, take_note, &a};
	size_t count = d->count;
	int r = 0, e;

	for (size_t i = 0; i < count && r != -ENOMEM; i++) {
		const struct document file = d->files[i]; /* the list grows */

		e = file.tree == NULL ? 0
				      : kit_parts_read(file.tree, file.name,
						&taker, report);
		r = e < 0 ? e : r;
	}
	return a.no_memory ? -ENOMEM : r;
}
