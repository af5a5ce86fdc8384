/*
 * Text of the log made fit for a terminal: control characters shown instead of
 * obeyed, widths, colours, sizes and times for people.
 */
#ifndef SBX_NETLOG_TEXT_H
#define SBX_NETLOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum netlog_colour {
	NETLOG_PLAIN,
	NETLOG_BOLD,
	NETLOG_DIM,
	NETLOG_RED,
	NETLOG_GREEN,
	NETLOG_YELLOW,
};

/*
 * Appends text to the string in ret (size bytes in all), with each control
 * character as \x1b or \u202e and each bad byte as U+FFFD; cut if need be.
 */
void netlog_append(char *ret, size_t size, const char *text);

/* The same, printed. */
void netlog_print(FILE *out, const char *text);

/* The JSON text of a record, valid before and after. */
void netlog_print_json(FILE *out, const char *text, size_t len);

/* Columns it takes: one for each code point. */
size_t netlog_width(const char *text);

/* Cuts it, in place, to so many columns (>= 1), the last one a "~". */
void netlog_cut(char *text, size_t columns);

/* The colour of a verdict as written in a record. */
enum netlog_colour netlog_verdict_colour(const char *verdict);

/* Text that was appended already, in colour if on. */
void netlog_paint(
	FILE *out, bool on, enum netlog_colour colour, const char *text);

/* "310B", "1.4k", "2.0M"; "12ms", "1.3s", "2m10s". */
void netlog_size(char *ret, size_t size, uint64_t bytes);
void netlog_duration(char *ret, size_t size, double ms);

/* Local time, "11-21 03:25:01", or with the year and microseconds. */
void netlog_time(char *ret, size_t size, uint64_t us);
void netlog_time_long(char *ret, size_t size, uint64_t us);

#endif
