#include "stand_in.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "array.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Kept, for tools look at them before they send anything; the longest one that
 * fits.  Each is public, and says nothing but who issued the value. */
static const char *const prefixes[] = {
	"AIza",
	"AKIA",
	"ASIA",
	"SG.",
	"dckr_pat_",
	"dop_v1_",
	"ghp_",
	"gho_",
	"ghr_",
	"ghs_",
	"ghu_",
	"github_pat_",
	"glpat-",
	"gsk_",
	"hf_",
	"npm_",
	"pypi-",
	"rk_live_",
	"sk-",
	"sk-ant-",
	"sk-ant-api03-",
	"sk-ant-oat01-",
	"sk-or-v1-",
	"sk-proj-",
	"sk_live_",
	"sk_test_",
	"xapp-",
	"xoxb-",
	"xoxp-",
};

/* What one character is replaced by: one of these, all as likely. */
static const struct kind {
	const char *letters;
	unsigned count;
	unsigned millibits; /* of randomness in one, rounded down */
} kinds[] = {
	{LOWER, 26, 4700},
	{UPPER, 26, 4700},
	{DIGITS, 10, 3321},
};
static const struct kind any_letter = {LOWER UPPER, 52, 5700};
static const struct kind plain = {LOWER UPPER DIGITS, 62, 5954};

static bool
is_kept(char c)
{
	return c != '\0' && strchr("-_.", c) != NULL;
}

static const struct kind *
kind_of(char c)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (memchr(kinds[i].letters, c, kinds[i].count) != NULL)
			return &kinds[i];
	}
	return &any_letter;
}

static size_t
prefix_len(struct span value)
{
	size_t best = 0;

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t len = strlen(prefixes[i]);

		if (len > best && len <= value.len &&
			memcmp(value.ptr, prefixes[i], len) == 0)
			best = len;
	}
	return best;
}

/* Whether one of that shape could be nothing else by accident. */
static bool
is_random_enough(struct span value, size_t prefix)
{
	size_t millibits = 0;

	for (size_t i = prefix; i < value.len; i++)
		if (!is_kept(value.ptr[i]))
			millibits += kind_of(value.ptr[i])->millibits;
	return millibits >= (size_t)STAND_IN_BITS * 1000;
}

/* Bytes beyond the last whole multiple are drawn again: no letter may be
 * likelier than another. */
static int
draw_letter(const struct kind *kind, char *ret)
{
	unsigned most = 256 - 256 % kind->count;
	uint8_t byte;

	do {
		if (getrandom(&byte, sizeof(byte), 0) != sizeof(byte))
			return -errno;
	} while (byte >= most);
	*ret = kind->letters[byte % kind->count];
	return 0;
}

static int
draw_like(struct span value, size_t prefix, char *ret)
{
	int r = 0;

	memcpy(ret, value.ptr, prefix);
	for (size_t i = prefix; i < value.len && r == 0; i++) {
		if (is_kept(value.ptr[i]))
			ret[i] = value.ptr[i];
		else
			r = draw_letter(kind_of(value.ptr[i]), &ret[i]);
	}
	ret[value.len] = '\0';
	return r;
}

static int
draw_plain(char *ret)
{
	int r = 0;

	for (size_t i = 0; i < STAND_IN_PLAIN && r == 0; i++)
		r = draw_letter(&plain, &ret[i]);
	ret[STAND_IN_PLAIN] = '\0';
	return r;
}

int
stand_in_draw(struct span value, char ret[STAND_IN_MAX + 1])
{
	size_t prefix = prefix_len(value);
	bool like =
		value.len <= STAND_IN_MAX && is_random_enough(value, prefix);
	int r;

	do {
		r = like ? draw_like(value, prefix, ret) : draw_plain(ret);
	} while (r == 0 && span_equals(span_of(ret), value));
	return r;
}

bool
stand_in_is_valid(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_kept(text.ptr[i]) &&
			kind_of(text.ptr[i]) == &any_letter)
			return false;
	return text.len <= STAND_IN_MAX && is_random_enough(text, 0);
}
