#include "escape.h"

#include <ctype.h>

int
escape_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
escape_value(const char *s)
{
	int high = escape_digit(s[1]);
	int low = high < 0 ? -1 : escape_digit(s[2]);

	return low < 0 ? -1 : high * 16 + low;
}

bool
escape_utf8_accepts(struct escape_utf8 *u, int c)
{
	if (u->need > 0) {
		if (c < u->low || c > u->high)
			return false;
		*u = (struct escape_utf8){u->need - 1, 0x80, 0xbf};
		return true;
	}
	if (c < 0x80)
		return true;
	if (c < 0xc2 || c > 0xf4)
		return false;
	/* Overlong forms and surrogates are shut out by the second byte. */
	u->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	u->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	u->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	return true;
}
