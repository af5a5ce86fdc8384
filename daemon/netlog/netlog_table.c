#include "netlog_table.h"

#include <assert.h>
#include <string.h>

enum {
	GAP = 2, /* between two columns */
};

static size_t
total_width(const struct netlog_table *t)
{
	size_t total = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (t->width[i] > 0)
			total += t->width[i] + (total > 0 ? GAP : 0);
	}
	return total;
}

/* Takes one column off the widest cell that may be cut; false: none may. */
static bool
shrink(struct netlog_table *t)
{
	size_t widest = t->count;

	for (size_t i = 0; i < t->count; i++) {
		if (t->columns[i].least == 0 ||
			t->width[i] <= t->columns[i].least)
			continue;
		if (widest == t->count || t->width[i] > t->width[widest])
			widest = i;
	}
	if (widest == t->count)
		return false;
	t->width[widest]--;
	return true;
}

/* How far down the list of what can be left out one must go. */
static void
widths_without(struct netlog_table *t, int dropped)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct netlog_column *c = &t->columns[i];
		size_t width =
			t->natural[i] < c->most ? t->natural[i] : c->most;

		t->width[i] = c->drop > dropped ? 0 : width;
	}
}

static void
fit(struct netlog_table *t)
{
	int most = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (t->columns[i].drop > most)
			most = t->columns[i].drop;
	}
	for (int dropped = most; dropped >= 0; dropped--) {
		widths_without(t, dropped);
		if (t->screen == 0)
			return;
		while (total_width(t) > t->screen && shrink(t))
			continue;
		if (total_width(t) <= t->screen)
			return;
	}
}

void
netlog_table_init(struct netlog_table *t, const struct netlog_column *columns,
	size_t count, size_t screen, bool colour)
{
	assert(count <= NETLOG_COLUMNS_MAX);
	*t = (struct netlog_table){.columns = columns,
		.count = count,
		.screen = screen,
		.colour = colour};
}

void
netlog_row_set(struct netlog_row *row, size_t i, const char *text)
{
	row->cells[i][0] = '\0';
	netlog_append(row->cells[i], sizeof(row->cells[i]), text);
}

void
netlog_table_measure(struct netlog_table *t, const struct netlog_row *row)
{
	bool grown = false;

	for (size_t i = 0; i < t->count; i++) {
		size_t width = netlog_width(row->cells[i]);

		if (width <= t->natural[i])
			continue;
		t->natural[i] = width;
		grown = true;
	}
	if (grown)
		fit(t);
}

static void
pad(FILE *out, size_t n)
{
	while (n-- > 0)
		fputc(' ', out);
}

/* True for the last column that has something in it: no spaces behind it. */
static bool
is_last(const struct netlog_table *t, const struct netlog_row *row, size_t i)
{
	while (++i < t->count) {
		if (t->width[i] > 0 && row->cells[i][0] != '\0')
			return false;
	}
	return true;
}

void
netlog_table_print(
	const struct netlog_table *t, struct netlog_row *row, FILE *out)
{
	size_t width, space;
	bool first = true;

	for (size_t i = 0; i < t->count; i++) {
		char *cell = row->cells[i];

		if (t->width[i] == 0)
			continue;
		if (!first)
			pad(out, GAP);
		first = false;
		if (t->screen > 0)
			netlog_cut(cell, t->width[i]);
		width = netlog_width(cell);
		space = width < t->width[i] ? t->width[i] - width : 0;
		if (t->columns[i].right)
			pad(out, space);
		netlog_paint(out, t->colour, row->colours[i], cell);
		if (is_last(t, row, i))
			break;
		if (!t->columns[i].right)
			pad(out, space);
	}
	fputc('\n', out);
}

void
netlog_table_titles(const struct netlog_table *t, FILE *out)
{
	static struct netlog_row row;

	for (size_t i = 0; i < t->count; i++) {
		netlog_row_set(&row, i, t->columns[i].title);
		row.colours[i] = NETLOG_BOLD;
	}
	netlog_table_print(t, &row, out);
}
