#include "codepoint.h"

#include "array.h"

static const struct {
	uint32_t first, last;
} controls[] = {
	{0x0000, 0x001F},   /* C0: escape, newline, backspace, bell */
	{0x007F, 0x009F},   /* DEL and C1: 8-bit CSI and OSC */
	{0x00AD, 0x00AD},   /* soft hyphen: not seen */
	{0x061C, 0x061C},   /* Arabic letter mark */
	{0x180E, 0x180E},   /* Mongolian vowel separator: not seen */
	{0x200B, 0x200F},   /* zero width, left-to-right and back */
	{0x2028, 0x202E},   /* line separators, embeddings, overrides */
	{0x2060, 0x206F},   /* word joiner, isolates, deprecated format */
	{0xFE00, 0xFE0F},   /* variation selectors */
	{0xFEFF, 0xFEFF},   /* byte order mark */
	{0xFFF9, 0xFFFB},   /* interlinear annotation */
	{0xE0000, 0xE01EF}, /* tags: text that nobody sees */
};

bool
codepoint_is_control(uint32_t cp)
{
	for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
		if (cp < controls[i].first)
			return false;
		if (cp <= controls[i].last)
			return true;
	}
	return false;
}

/* What the first byte promises: length, its own bits, the least value that
 * needs that length (anything smaller is an overlong form). */
static const struct {
	uint8_t mask, lead;
	uint8_t len;
	uint32_t least;
} forms[] = {
	{0x80, 0x00, 1, 0x0},
	{0xE0, 0xC0, 2, 0x80},
	{0xF0, 0xE0, 3, 0x800},
	{0xF8, 0xF0, 4, 0x10000},
};

static size_t
decode(const uint8_t *s, size_t len, size_t form, uint32_t *ret)
{
	uint32_t cp = s[0] & (uint8_t)~forms[form].mask;

	if (forms[form].len > len)
		return 0;
	for (size_t i = 1; i < forms[form].len; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3F);
	}
	if (cp < forms[form].least || cp > 0x10FFFF ||
		(cp >= 0xD800 && cp <= 0xDFFF))
		return 0;
	*ret = cp;
	return forms[form].len;
}

size_t
codepoint_next(const char *s, size_t len, uint32_t *ret)
{
	const uint8_t *bytes = (const uint8_t *)s;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if ((bytes[0] & forms[i].mask) == forms[i].lead)
			n = decode(bytes, len, i, ret);
	}
	if (n > 0)
		return n;
	*ret = CODEPOINT_BAD;
	return 1;
}
