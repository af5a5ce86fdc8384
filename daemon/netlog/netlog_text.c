#include "netlog_text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "array.h"
#include "codepoint.h"
#include "record.h"

enum {
	SHOWN_MAX = 16, /* bytes that one code point is shown by */
};

static const char *const sequences[] = {
	[NETLOG_PLAIN] = "",
	[NETLOG_BOLD] = "\033[1m",
	[NETLOG_DIM] = "\033[2m",
	[NETLOG_RED] = "\033[31m",
	[NETLOG_GREEN] = "\033[32m",
	[NETLOG_YELLOW] = "\033[33m",
};

/* The code point at text as it may be shown; returns the bytes it took. */
static size_t
show(const char *text, size_t len, char ret[SHOWN_MAX])
{
	uint32_t cp;
	size_t n = codepoint_next(text, len, &cp);

	if (cp == CODEPOINT_BAD) {
		memcpy(ret, "\xEF\xBF\xBD", 4);
	} else if (!codepoint_is_control(cp)) {
		memcpy(ret, text, n);
		ret[n] = '\0';
	} else if (cp < 0x80) {
		snprintf(ret, SHOWN_MAX, "\\x%02" PRIx32, cp);
	} else {
		snprintf(ret, SHOWN_MAX, "\\u%04" PRIx32, cp);
	}
	return n;
}

void
netlog_append(char *ret, size_t size, const char *text)
{
	size_t used = strlen(ret), rest = strlen(text), n, len;
	char shown[SHOWN_MAX];

	while (rest > 0) {
		n = show(text, rest, shown);
		len = strlen(shown);
		if (used + len >= size)
			return;
		memcpy(ret + used, shown, len + 1);
		used += len;
		text += n;
		rest -= n;
	}
}

void
netlog_print(FILE *out, const char *text)
{
	size_t rest = strlen(text), n;
	char shown[SHOWN_MAX];

	for (; rest > 0; text += n, rest -= n) {
		n = show(text, rest, shown);
		fputs(shown, out);
	}
}

/* What was between the tokens may be a space, what was in a string \u. */
static void
print_json_control(FILE *out, uint32_t cp)
{
	if (cp < ' ') {
		fputc(' ', out);
	} else if (cp < 0x10000) {
		fprintf(out, "\\u%04" PRIx32, cp);
	} else {
		cp -= 0x10000;
		fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xD800 | cp >> 10,
			0xDC00 | (cp & 0x3FF));
	}
}

void
netlog_print_json(FILE *out, const char *text, size_t len)
{
	uint32_t cp;
	size_t n;

	for (; len > 0; text += n, len -= n) {
		n = codepoint_next(text, len, &cp);
		if (codepoint_is_control(cp))
			print_json_control(out, cp);
		else
			fwrite(text, 1, n, out);
	}
	fputc('\n', out);
}

size_t
netlog_width(const char *text)
{
	size_t rest = strlen(text), width = 0, n;
	uint32_t cp;

	for (; rest > 0; text += n, rest -= n, width++)
		n = codepoint_next(text, rest, &cp);
	return width;
}

void
netlog_cut(char *text, size_t columns)
{
	size_t rest = strlen(text), n;
	uint32_t cp;

	if (netlog_width(text) <= columns)
		return;
	for (; columns > 1; columns--, text += n, rest -= n)
		n = codepoint_next(text, rest, &cp);
	memcpy(text, "~", 2);
}

enum netlog_colour
netlog_verdict_colour(const char *verdict)
{
	static const enum netlog_colour colours[] = {
		[RECORD_ALLOWED] = NETLOG_GREEN,
		[RECORD_DENIED] = NETLOG_RED,
		[RECORD_AUDITED] = NETLOG_YELLOW,
		[RECORD_ERROR] = NETLOG_YELLOW,
	};

	for (size_t i = 0; i < ARRAY_LEN(colours); i++) {
		if (strcmp(verdict, record_verdict_name(i)) == 0)
			return colours[i];
	}
	return NETLOG_PLAIN;
}

void
netlog_paint(FILE *out, bool on, enum netlog_colour colour, const char *text)
{
	if (on && colour != NETLOG_PLAIN && text[0] != '\0')
		fprintf(out, "%s%s\033[0m", sequences[colour], text);
	else
		fputs(text, out);
}

void
netlog_size(char *ret, size_t size, uint64_t bytes)
{
	static const char units[] = "kMGTPE";
	double v = (double)bytes / 1000;
	int unit = 0;

	if (bytes < 1000) {
		snprintf(ret, size, "%" PRIu64 "B", bytes);
		return;
	}
	while (v >= 999.5) {
		v /= 1000;
		unit++;
	}
	snprintf(ret, size, "%.*f%c", v < 9.95 ? 1 : 0, v, units[unit]);
}

void
netlog_duration(char *ret, size_t size, double ms)
{
	int seconds = ms < 3599500 ? (int)(ms / 1000 + 0.5) : 0;

	if (ms < 9.95)
		snprintf(ret, size, "%.1fms", ms);
	else if (ms < 999.5)
		snprintf(ret, size, "%.0fms", ms);
	else if (ms < 59950)
		snprintf(ret, size, "%.1fs", ms / 1000);
	else if (ms < 3599500)
		snprintf(ret, size, "%dm%02ds", seconds / 60, seconds % 60);
	else
		snprintf(ret, size, "%.1fh", ms / 3600e3);
}

static struct tm
local(uint64_t us)
{
	time_t t = (time_t)(us / 1000000);
	struct tm tm = {0};

	(void)localtime_r(&t, &tm);
	return tm;
}

void
netlog_time(char *ret, size_t size, uint64_t us)
{
	struct tm tm = local(us);

	strftime(ret, size, "%m-%d %T", &tm);
}

void
netlog_time_long(char *ret, size_t size, uint64_t us)
{
	struct tm tm = local(us);
	char day[32], zone[16];

	strftime(day, sizeof(day), "%F %T", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(ret, size, "%s.%06u %s", day, (unsigned int)(us % 1000000),
		zone);
}
