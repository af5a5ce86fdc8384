/*
 * parameter.c - one reading of a query
 *
 * Theory of operation
 *
 * As with paths: a rule on the query holds only if the origin sees the values
 * that we saw, so what leaves room for two readings is not read, but called
 * ambiguous.  There is one reading of the rest: pairs end at "&", a name at the
 * first "=", and then escapes and "+" stand for their byte, once.  Pairs are
 * decoded while they are compared, so there is no copy and no limit.
 *
 * Beyond what the bytes are, servers differ in which names they take for the
 * same: some fold case, some cut an index off, some write "_" for what their
 * variables cannot hold.  A name that one of them would take for a wanted one
 * is reported as alike, and whoever has a rule on it denies.
 */
#include "parameter.h"

#include "escape.h"

#include <ctype.h>
#include <string.h>

bool
parameter_ambiguous(const char *query)
{
	struct wildcard_text text = {query, query + strlen(query), true};
	struct escape_utf8 utf8 = {0};

	while (text.at != text.end) {
		int c = *text.at == '%' ? escape_value(text.at) : 1;

		if (c <= 0 || *text.at == ';' ||
			!escape_utf8_accepts(&utf8, wildcard_byte(&text)))
			return true;
	}
	return utf8.need > 0;
}

bool
parameter_next(const char **rest, struct parameter *ret)
{
	const char *start = *rest + strspn(*rest, "&");
	const char *end = start + strcspn(start, "&");
	const char *equals = memchr(start, '=', (size_t)(end - start));

	*rest = end;
	if (start == end)
		return false;
	ret->name = (struct wildcard_text){
		start, equals != NULL ? equals : end, true};
	ret->value = (struct wildcard_text){
		equals != NULL ? equals + 1 : end, end, true};
	return true;
}

/* What a byte of a name becomes where it names a variable. */
static int
fold(int c)
{
	return c == '.' || c == ' ' || c == '[' ? '_' : tolower(c);
}

enum parameter_name
parameter_compare(struct wildcard_text name, const char *wanted)
{
	bool same = true;
	int c = wildcard_byte(&name);

	while (c == ' ') {
		same = false;
		c = wildcard_byte(&name);
	}
	for (; *wanted != '\0'; wanted++) {
		int w = (unsigned char)*wanted;

		if (c < 0 || fold(c) != fold(w))
			return PARAMETER_OTHER;
		same = same && c == w;
		c = wildcard_byte(&name);
	}
	if (c == '[')
		return PARAMETER_ALIKE;
	if (c >= 0)
		return PARAMETER_OTHER;
	return same ? PARAMETER_SAME : PARAMETER_ALIKE;
}
