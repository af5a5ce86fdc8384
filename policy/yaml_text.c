#include "yaml_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "scalar.h"

static bool
is_plain(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./-";

	return text[strspn(text, plain)] == '\0' && text[0] != '-' &&
	       scalar_surprise(text) == NULL;
}

/*
 * The code point at *s, which is moved behind it; U+FFFD, one byte on, for
 * what is no UTF-8.
 */
static uint32_t
next_point(const char **s)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least; /* shorter forms exist below it */
	} forms[] = {
		{0x80, 0x00, 0},
		{0xe0, 0xc0, 0x80},
		{0xf0, 0xe0, 0x800},
		{0xf8, 0xf0, 0x10000},
	};
	const unsigned char *at = (const unsigned char *)*s;
	uint32_t point;

	for (size_t len = 0; len < sizeof(forms) / sizeof(forms[0]); len++) {
		size_t i = 1;

		if ((at[0] & forms[len].mask) != forms[len].lead)
			continue;
		point = at[0] & (unsigned char)~forms[len].mask;
		for (; i <= len && (at[i] & 0xc0) == 0x80; i++)
			point = point << 6 | (at[i] & 0x3f);
		if (i <= len || point < forms[len].least || point > 0x10ffff ||
			(point >= 0xd800 && point <= 0xdfff))
			break;
		*s += len + 1;
		return point;
	}
	*s += 1;
	return 0xfffd;
}

/* What YAML takes for the end of a line, for nothing, or does not take. */
static bool
must_escape(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
	       (point >= 0x200b && point <= 0x200f) ||
	       (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069) || point == 0xfeff ||
	       point == 0xfffe || point == 0xffff ||
	       (point >= 0xe0000 && point <= 0xe007f);
}

static void
put_point(FILE *out, uint32_t point, const char *from, const char *behind)
{
	if (point == '"' || point == '\\')
		fprintf(out, "\\%c", (char)point);
	else if (point == 0xfffd)
		fputs("\xef\xbf\xbd", out);
	else if (!must_escape(point))
		fwrite(from, 1, (size_t)(behind - from), out);
	else if (point < 0x100)
		fprintf(out, "\\x%02X", (unsigned)point);
	else if (point < 0x10000)
		fprintf(out, "\\u%04X", (unsigned)point);
	else
		fprintf(out, "\\U%08X", (unsigned)point);
}

void
yaml_put_text(FILE *out, const char *text)
{
	if (is_plain(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	while (*text != '\0') {
		const char *from = text;
		uint32_t point = next_point(&text);

		put_point(out, point, from, text);
	}
	fputc('"', out);
}

void
yaml_put_comment(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c < 0x7f)
			fputc(c, out);
		else
			fprintf(out, "\\x%02x", c);
	}
}
