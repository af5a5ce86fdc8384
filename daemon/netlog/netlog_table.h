/*
 * Columns that fit: as wide as what is in them, cut where the screen is
 * narrow, left out where it is narrower still.  Knows nothing of records.
 */
#ifndef SBX_NETLOG_TABLE_H
#define SBX_NETLOG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "netlog_text.h"

enum {
	NETLOG_COLUMNS_MAX = 9,
	NETLOG_CELL_MAX = 2048,
};

struct netlog_column {
	const char *title;
	size_t most;  /* never padded to more than this */
	size_t least; /* may be cut down to this; 0: is never cut */
	int drop;     /* left out first where it is highest; 0: never */
	bool right;
};

struct netlog_table {
	const struct netlog_column *columns;
	size_t count;
	size_t screen; /* columns of the terminal; 0: no end */
	bool colour;
	size_t natural[NETLOG_COLUMNS_MAX]; /* what the cells would take */
	size_t width[NETLOG_COLUMNS_MAX];   /* what they get; 0: left out */
};

struct netlog_row {
	char cells[NETLOG_COLUMNS_MAX][NETLOG_CELL_MAX];
	enum netlog_colour colours[NETLOG_COLUMNS_MAX];
};

/* columns: borrowed for as long as the table. */
void netlog_table_init(struct netlog_table *t,
	const struct netlog_column *columns, size_t count, size_t screen,
	bool colour);

/* The i-th cell. */
void netlog_row_set(struct netlog_row *row, size_t i, const char *text);

/* Makes the columns wide enough for this row, as far as the screen allows. */
void netlog_table_measure(struct netlog_table *t, const struct netlog_row *row);

void netlog_table_titles(const struct netlog_table *t, FILE *out);

/* Cuts the cells of row where they are too long. */
void netlog_table_print(
	const struct netlog_table *t, struct netlog_row *row, FILE *out);

#endif
