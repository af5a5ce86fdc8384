#include "scalar.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"

static const struct {
	const char *word; /* in any case */
	const char *meaning;
} words[] = {
	{"", "nothing"},
	{"~", "nothing"},
	{"null", "nothing"},
	{"y", "a boolean"},
	{"yes", "a boolean"},
	{"true", "a boolean"},
	{"on", "a boolean"},
	{"n", "a boolean"},
	{"no", "a boolean"},
	{"false", "a boolean"},
	{"off", "a boolean"},
	{".inf", "a number"},
	{"+.inf", "a number"},
	{"-.inf", "a number"},
	{".nan", "a number"},
};

/* 0x1f, 0b101, 0o17: s is behind the sign. */
static bool
is_prefixed_number(const char *s)
{
	const char *digits = NULL;

	if (s[0] != '0' || s[1] == '\0' || s[2] == '\0')
		return false;
	switch (s[1]) {
	case 'x':
		digits = "0123456789abcdefABCDEF_";
		break;
	case 'o':
		digits = "01234567_";
		break;
	case 'b':
		digits = "01_";
		break;
	default:
		return false;
	}
	return s[2 + strspn(s + 2, digits)] == '\0';
}

/* Integers, floats, and base 60 (1:30); s is behind the sign. */
static bool
is_number(const char *s)
{
	size_t whole = isdigit((unsigned char)*s) ? strspn(s, DIGITS "_") : 0;
	size_t fraction = 0;
	bool base60 = false;

	s += whole;
	while (whole > 0 && s[0] == ':' && isdigit((unsigned char)s[1])) {
		s += 1 + strspn(s + 1, DIGITS);
		base60 = true;
	}
	if (*s == '.') {
		fraction = strspn(s + 1, DIGITS "_");
		s += 1 + fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (!base60 && (*s == 'e' || *s == 'E')) {
		size_t sign = s[1] == '+' || s[1] == '-';
		size_t digits = strspn(s + 1 + sign, DIGITS);

		if (digits > 0)
			s += 1 + sign + digits;
	}
	return *s == '\0';
}

/* 2024-01-31, perhaps with a time behind. */
static bool
is_date(const char *s)
{
	size_t len = strspn(s, DIGITS);

	if (len != 4 || s[4] != '-')
		return false;
	s += 5;
	len = strspn(s, DIGITS);
	if (len < 1 || len > 2 || s[len] != '-')
		return false;
	s += len + 1;
	len = strspn(s, DIGITS);
	return len >= 1 && len <= 2 &&
	       (s[len] == '\0' || strchr("Tt \t", s[len]) != NULL);
}

const char *
scalar_surprise(const char *word)
{
	const char *unsigned_word = word;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(word, words[i].word) == 0)
			return words[i].meaning;
	}
	if (*word == '+' || *word == '-')
		unsigned_word++;
	if (is_prefixed_number(unsigned_word) || is_number(unsigned_word))
		return "a number";
	return is_date(word) ? "a date" : NULL;
}
