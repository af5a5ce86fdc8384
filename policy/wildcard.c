#include "wildcard.h"

#include "escape.h"

#include <stddef.h>

int
wildcard_byte(struct wildcard_text *t)
{
	int c;

	if (t->at == t->end)
		return -1;
	if (t->form && *t->at == '%') {
		c = escape_value(t->at);
		t->at += 3;
		return c;
	}
	c = t->form && *t->at == '+' ? ' ' : (unsigned char)*t->at;
	t->at++;
	return c;
}

bool
wildcard_matches(const char *pattern, struct wildcard_text text)
{
	struct wildcard_text resume = text;
	const char *star = NULL;

	/* Only the last star ever has to take more: those before it took the
	 * first place that would do, and no later one is better. */
	while (text.at != text.end) {
		struct wildcard_text rest = text;

		if (*pattern == '*') {
			star = ++pattern;
			resume = text;
		} else if (wildcard_byte(&rest) == (unsigned char)*pattern &&
			   *pattern != '\0') {
			pattern++;
			text = rest;
		} else if (star != NULL) {
			(void)wildcard_byte(&resume);
			text = resume;
			pattern = star;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
