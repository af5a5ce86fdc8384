#include "roster.h"

#include "spelling.h"

#include <stdlib.h>
#include <string.h>

static int
by_name(const void *va, const void *vb)
{
	const struct roster_entry *a = va, *b = vb;
	int r = strcmp(a->name, b->name);

	if (r != 0)
		return r;
	return a->index < b->index ? -1 : a->index > b->index;
}

void
roster_close(struct roster *r, struct report *report)
{
	char quote[REPORT_QUOTE];
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (r->entries[i].name != NULL)
			r->entries[kept++] = r->entries[i];
	}
	r->count = kept;
	if (kept == 0)
		return;
	qsort(r->entries, kept, sizeof(*r->entries), by_name);
	for (size_t i = 1; i < kept; i++) {
		const struct roster_entry *first = &r->entries[i - 1];
		const struct roster_entry *again = &r->entries[i];

		if (strcmp(first->name, again->name) == 0)
			report_add(report, again->at,
				"%s %s is already defined at %s:%u", r->what,
				report_quote(again->name, quote),
				first->at.file, first->at.line);
	}
}

const struct roster_entry *
roster_find(const struct roster *r, const char *name)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, r->entries[middle].name);

		if (order == 0)
			return &r->entries[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct roster_entry *
roster_expect(const struct roster *r, const char *name, struct report_mark at,
	struct report *report)
{
	const struct roster_entry *found = roster_find(r, name);
	char quote[REPORT_QUOTE], hint[SPELLING_HINT];
	struct spelling spelling;

	if (found != NULL)
		return found;
	spelling_init(&spelling, name);
	for (size_t i = 0; i < r->count; i++)
		spelling_try(&spelling, r->entries[i].name);
	report_add(report, at, "there is no %s %s%s", r->what,
		report_quote(name, quote), spelling_hint(&spelling, hint));
	return NULL;
}
