#include "logtime.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "array.h"

enum {
	MICROS = 1000000,
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	WEEK = 7 * DAY,
};

/* Exactly width digits at *p, within most; -1 if not. */
static int
take_number(const char **p, int width, int most)
{
	int v = 0;

	for (int i = 0; i < width; i++) {
		if (!isdigit((unsigned char)(*p)[i]))
			return -1;
		v = v * 10 + ((*p)[i] - '0');
	}
	*p += width;
	return v <= most ? v : -1;
}

static bool
take_char(const char **p, const char *any)
{
	if (**p == '\0' || strchr(any, **p) == NULL)
		return false;
	(*p)++;
	return true;
}

/* Days since the epoch in the proleptic Gregorian calendar, year >= 1970. */
static int64_t
days_from_civil(int year, int month, int day)
{
	/* The year begins in March, so that the leap day is its last. */
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static int
days_in(int year, int month)
{
	static const int days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* "2025-11-21" to seconds, or -1. */
static int64_t
take_date(const char **p)
{
	int year, month, day;

	year = take_number(p, 4, 9999);
	if (year < 1970 || !take_char(p, "-"))
		return -1;
	month = take_number(p, 2, 12);
	if (month < 1 || !take_char(p, "-"))
		return -1;
	day = take_number(p, 2, days_in(year, month));
	return day < 1 ? -1 : days_from_civil(year, month, day) * DAY;
}

/* "03:25:01" or "03:25" to seconds, or -1. */
static int64_t
take_clock(const char **p, bool with_seconds)
{
	int64_t hour, minute, second = 0;

	hour = take_number(p, 2, 23);
	if (hour < 0 || !take_char(p, ":"))
		return -1;
	minute = take_number(p, 2, 59);
	if (minute < 0)
		return -1;
	if (with_seconds) {
		if (!take_char(p, ":"))
			return -1;
		second = take_number(p, 2, 60); /* a leap second */
	}
	return second < 0 ? -1 : hour * HOUR + minute * MINUTE + second;
}

/* ".5" to microseconds; digits beyond those are read and lost.  -1: none. */
static int64_t
take_fraction(const char **p)
{
	int64_t v = 0, unit = MICROS / 10;
	const char *start;

	if (!take_char(p, "."))
		return 0;
	for (start = *p; isdigit((unsigned char)**p); (*p)++, unit /= 10)
		v += unit * (**p - '0');
	return *p > start ? v : -1;
}

/* "Z" or "+01:00" to seconds; false if it is neither. */
static bool
take_offset(const char **p, int64_t *ret)
{
	bool west = **p == '-';

	*ret = 0;
	if (take_char(p, "Zz"))
		return true;
	if (!take_char(p, "+-"))
		return false;
	*ret = take_clock(p, false);
	if (*ret < 0)
		return false;
	*ret = west ? -*ret : *ret;
	return true;
}

int
logtime_parse(const char *text, uint64_t *ret)
{
	int64_t date, clock, fraction, offset, seconds;

	date = take_date(&text);
	if (date < 0 || !take_char(&text, "Tt "))
		return -EINVAL;
	clock = take_clock(&text, true);
	if (clock < 0)
		return -EINVAL;
	fraction = take_fraction(&text);
	if (fraction < 0 || !take_offset(&text, &offset) || *text != '\0')
		return -EINVAL;
	seconds = date + clock - offset;
	if (seconds < 0)
		return -EINVAL;
	*ret = (uint64_t)(seconds * MICROS + fraction);
	return 0;
}

static uint64_t
unit_seconds(char c)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = {
		{'s', 1},
		{'m', MINUTE},
		{'h', HOUR},
		{'d', DAY},
		{'w', WEEK},
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].letter == c)
			return units[i].seconds;
	}
	return 0;
}

/* "1h30m" to seconds; 0 if it is none, or longer than there has been time. */
static uint64_t
take_duration(const char *text)
{
	uint64_t sum = 0, v, unit;

	while (*text != '\0') {
		if (!isdigit((unsigned char)*text))
			return 0;
		for (v = 0; isdigit((unsigned char)*text); text++) {
			v = v * 10 + (uint64_t)(*text - '0');
			if (v > UINT32_MAX)
				return 0;
		}
		unit = unit_seconds(*text);
		if (unit == 0)
			return 0;
		sum += v * unit;
		if (sum > UINT32_MAX)
			return 0;
		text++;
	}
	return sum;
}

int
logtime_since(const char *text, uint64_t now_us, uint64_t *ret)
{
	uint64_t ago = take_duration(text) * MICROS;

	if (ago == 0)
		return logtime_parse(text, ret);
	*ret = ago < now_us ? now_us - ago : 0;
	return 0;
}
