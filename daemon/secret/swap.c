/*
 * swap.c - stand-ins out, values in
 *
 * Between two bytes of the text there is
 *
 *	node	where the automaton is: its text was read, and not yet written
 *	due	bytes of the set that are known to be no stand-in (or one that
 *		stays), and go out before anything else is read
 *	value	and behind them the value that goes out
 *
 * A step from one node to another one that is less deep says that the front of
 * the text held back can belong to no stand-in any more: that much becomes due.
 * With nothing held back, whatever the table skips is copied from input to
 * output as it is.
 */
#include "swap.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "secret.h"

enum {
	LETTERS_MAX = 6, /* one byte in any spelling */
	NO_VALUE = -1,
};

static const char hex[] = "0123456789ABCDEF";

/* ---- spelling ----------------------------------------------------------- */

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

/* Returns how many letters. */
static unsigned
spell(enum swap_spelling spelling, char byte, char ret[LETTERS_MAX])
{
	unsigned char c = (unsigned char)byte;

	if (spelling == SWAP_PERCENT && !is_unreserved(c)) {
		ret[0] = '%';
		ret[1] = hex[c >> 4];
		ret[2] = hex[c & 15];
		return 3;
	}
	if (spelling == SWAP_JSON && c < ' ') {
		ret[0] = '\\';
		ret[1] = 'u';
		ret[2] = ret[3] = '0';
		ret[4] = hex[c >> 4];
		ret[5] = hex[c & 15];
		return 6;
	}
	if (spelling == SWAP_JSON && (c == '"' || c == '\\')) {
		ret[0] = '\\';
		ret[1] = byte;
		return 2;
	}
	ret[0] = byte;
	return 1;
}

static size_t
spelled_len(enum swap_spelling spelling, struct span value)
{
	char letters[LETTERS_MAX];
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++)
		len += spell(spelling, value.ptr[i], letters);
	explicit_bzero(letters, sizeof(letters));
	return len;
}

/* ---- what is due -------------------------------------------------------- */

static bool
owes(const struct swap *s)
{
	return s->due.len > 0 || s->value != NO_VALUE;
}

/* What goes out for a stand-in that was found; itself when it has no value. */
static struct span
value_of(const struct swap *s, int entry)
{
	if (s->values[entry] == NULL)
		return swap_set_get(s->set, (size_t)entry);
	return secret_bytes(s->values[entry]);
}

static size_t
write_value(struct swap *s, char *out, size_t room)
{
	struct span value = value_of(s, s->value);
	char letters[LETTERS_MAX];
	size_t n = 0;

	while (n < room && s->value_at < value.len) {
		unsigned count =
			spell(s->spelling, value.ptr[s->value_at], letters);

		out[n++] = letters[s->letter_at++];
		if (s->letter_at == count) {
			s->letter_at = 0;
			s->value_at++;
		}
	}
	explicit_bzero(letters, sizeof(letters));
	if (s->value_at == value.len) {
		s->value = NO_VALUE;
		s->value_at = 0;
	}
	return n;
}

static size_t
write_due(struct swap *s, char *out, size_t room)
{
	size_t n = s->due.len < room ? s->due.len : room;

	if (n > 0) {
		memcpy(out, s->due.ptr, n);
		s->due.ptr += n;
		s->due.len -= n;
	}
	if (s->due.len == 0 && s->value != NO_VALUE)
		n += write_value(s, out + n, room - n);
	return n;
}

/* ---- a step ------------------------------------------------------------- */

/*
 * Of what is held back and that byte, whatever no stand-in can begin with any
 * more becomes due.  False: that is all that was held back, and the byte has
 * not been read, for it may begin one.
 */
static bool
step(struct swap *s, char byte)
{
	struct span held = swap_set_text(s->set, s->node);
	swap_node to = swap_set_step(s->set, s->node, byte, &s->work);
	int entry = swap_set_entry(s->set, to);

	s->node = to;
	s->due = held;
	if (to == SWAP_NOWHERE)
		return false;
	s->due.len = held.len + 1 - swap_set_text(s->set, to).len;
	if (entry >= 0) {
		s->found |= UINT32_C(1) << entry;
		s->node = SWAP_NOWHERE;
		s->value = entry;
	}
	return true;
}

/* How many bytes at the front of text can go as they are.  0: something is held
 * back, or the first of them may begin a stand-in. */
static size_t
skip(struct swap *s, struct span text, size_t most)
{
	if (s->node != SWAP_NOWHERE)
		return 0;
	return swap_set_skip(s->set, text, most, &s->work);
}

static void
advance(struct span *text, size_t len)
{
	text->ptr += len;
	text->len -= len;
}

/* Goes on in what is held back for as long as the text does. */
static size_t
follow(struct swap *s, struct span text)
{
	size_t n = swap_set_follow(s->set, &s->node, text);

	s->work += n;
	return n;
}

/* With room for a byte and something to read. */
static size_t
read_some(struct swap *s, struct span *in, char *out, size_t room)
{
	size_t n = skip(s, *in, room);

	if (n == 0) {
		advance(in, follow(s, *in));
		if (in->len == 0)
			return 0;
		if (step(s, in->ptr[0])) {
			advance(in, 1);
			return 0;
		}
		if (owes(s))
			return 0;
		n = 1;
	}
	memcpy(out, in->ptr, n);
	advance(in, n);
	return n;
}

/* ---- over a text -------------------------------------------------------- */

void
swap_init(struct swap *s, struct swap_set *set, enum swap_spelling spelling)
{
	*s = (struct swap){
		.set = swap_set_ref(set),
		.spelling = spelling,
		.node = SWAP_NOWHERE,
		.value = NO_VALUE,
	};
}

void
swap_done(struct swap *s)
{
	for (size_t i = 0; i < SWAP_MAX; i++)
		secret_unref(s->values[i]);
	swap_set_unref(s->set);
	*s = (struct swap){.value = NO_VALUE};
}

void
swap_give(struct swap *s, size_t entry, struct secret *value)
{
	assert(entry < swap_set_count(s->set) && s->values[entry] == NULL);
	s->values[entry] = secret_ref(value);
}

bool
swap_gives(const struct swap *s, struct secret *const values[SWAP_MAX])
{
	for (size_t i = 0; i < swap_set_count(s->set); i++) {
		if (!secret_equals(s->values[i], values[i]))
			return false;
	}
	return true;
}

size_t
swap_run(struct swap *s, struct span *in, char *out, size_t room)
{
	size_t n = write_due(s, out, room);

	while (n < room && in->len > 0) {
		n += read_some(s, in, out + n, room - n);
		n += write_due(s, out + n, room - n);
	}
	return n;
}

size_t
swap_end(struct swap *s, char *out, size_t room)
{
	if (!owes(s)) {
		s->due = swap_set_text(s->set, s->node);
		s->node = SWAP_NOWHERE;
	}
	return write_due(s, out, room);
}

void
swap_look(struct swap *s, struct span piece)
{
	while (piece.len > 0) {
		size_t n = skip(s, piece, piece.len) + follow(s, piece);

		if (n == 0) {
			bool read = step(s, piece.ptr[0]);

			n = read || s->due.len == 0;
			s->due.len = 0;
			s->value = NO_VALUE;
		}
		advance(&piece, n);
	}
}

uint32_t
swap_found(const struct swap *s)
{
	return s->found;
}

bool
swap_keeps_length(const struct swap *s)
{
	for (size_t i = 0; i < swap_set_count(s->set); i++) {
		if (spelled_len(s->spelling, value_of(s, (int)i)) !=
			swap_set_get(s->set, i).len)
			return false;
	}
	return true;
}

/* What a text that did not fit has left behind. */
static void
forget(struct swap *s)
{
	s->node = SWAP_NOWHERE;
	s->due.len = 0;
	s->value = NO_VALUE;
	s->value_at = 0;
	s->letter_at = 0;
}

ssize_t
swap_text(struct swap *s, struct span text, char *out, size_t size)
{
	size_t n = swap_run(s, &text, out, size);

	n += swap_end(s, out + n, size - n);
	n += swap_end(s, out + n, size - n);
	if (text.len == 0 && !owes(s))
		return (ssize_t)n;
	explicit_bzero(out, n);
	forget(s);
	return -EMSGSIZE;
}
