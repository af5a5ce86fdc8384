#include "swap_text_law.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "swap.h"

enum { OUT_MAX = 64 * 1024 };

struct out {
	char bytes[OUT_MAX];
	size_t len;
	uint32_t found;
};

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "swap: %s\n", what);
	abort();
}

static void
put(struct out *out, struct span s)
{
	must(s.len <= OUT_MAX - out->len, "the text is too long");
	memcpy(out->bytes + out->len, s.ptr, s.len);
	out->len += s.len;
}

/* One that begins with the text, or -1: none is in another, so at most one. */
static int
word_at(const struct swap_law *law, struct span text)
{
	for (size_t i = 0; i < law->count; i++) {
		if (law->words[i].len <= text.len &&
			memcmp(law->words[i].ptr, text.ptr,
				law->words[i].len) == 0)
			return (int)i;
	}
	return -1;
}

static void
swap_slowly(const struct swap_law *law, struct out *out)
{
	struct span text = law->text;

	while (text.len > 0) {
		int i = word_at(law, text);
		struct span taken = {text.ptr, 1}, put_in = taken;

		if (i >= 0) {
			taken.len = law->words[i].len;
			put_in =
				law->values[i].len > 0 ? law->values[i] : taken;
			out->found |= UINT32_C(1) << i;
		}
		put(out, put_in);
		text.ptr += taken.len;
		text.len -= taken.len;
	}
}

static size_t
next_cut(const struct swap_law *law, size_t *at)
{
	if (law->cut_count == 0)
		return SWAP_LAW_TEXT;
	return law->cuts[(*at)++ % law->cut_count] + (size_t)1;
}

static void
swap_piecewise(const struct swap_law *law, struct swap *s, struct out *out)
{
	struct span text = law->text;
	char room[SWAP_LAW_TEXT];
	size_t at = 0, n, size;

	while (text.len > 0) {
		size_t len = next_cut(law, &at);
		struct span piece = {text.ptr, len < text.len ? len : text.len};

		text.ptr += piece.len;
		text.len -= piece.len;
		do {
			size = next_cut(law, &at);
			n = swap_run(s, &piece, room, size);
			must(n <= size, "more than there is room");
			put(out, (struct span){room, n});
		} while (n == size);
		must(piece.len == 0, "it has stopped early");
	}
	while ((n = swap_end(s, room, next_cut(law, &at))) > 0)
		put(out, (struct span){room, n});
}

static void
look_piecewise(const struct swap_law *law, struct swap *s)
{
	struct span text = law->text;
	size_t at = 0;

	while (text.len > 0) {
		size_t len = next_cut(law, &at);

		if (len > text.len)
			len = text.len;
		swap_look(s, (struct span){text.ptr, len});
		text.ptr += len;
		text.len -= len;
	}
}

static void
give_all(const struct swap_law *law, struct swap *s)
{
	for (size_t i = 0; i < law->count; i++) {
		struct secret *value;

		if (law->values[i].len == 0)
			continue;
		value = secret_new(law->values[i].ptr, law->values[i].len);
		must(value != NULL, "no memory for a value");
		swap_give(s, i, value);
		secret_unref(value);
	}
}

void
swap_law(const struct swap_law *law)
{
	static struct out slow, swapped;
	size_t most = 3 * law->text.len;
	struct swap_set *set;
	struct swap s;

	if (swap_set_new(law->words, law->count, &set) < 0)
		return;
	slow.len = slow.found = swapped.len = 0;
	swap_slowly(law, &slow);

	swap_init(&s, set, SWAP_PLAIN);
	give_all(law, &s);
	swap_piecewise(law, &s, &swapped);
	must(slow.len == swapped.len &&
			memcmp(slow.bytes, swapped.bytes, slow.len) == 0,
		"other bytes");
	must(swap_found(&s) == slow.found, "other stand-ins found");
	must(s.work <= most, "more than three looks a byte");
	swap_done(&s);

	swap_init(&s, set, SWAP_PLAIN);
	look_piecewise(law, &s);
	must(swap_found(&s) == slow.found, "other stand-ins seen");
	must(s.work <= most, "more than three looks a byte to see them");
	swap_done(&s);
	swap_set_unref(set);
}
