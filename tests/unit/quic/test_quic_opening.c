/* What is read, however it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "hello.h"
#include "quic_opening.h"
#include "quic_sealer.h"

enum {
	ROUNDS = 400,
	PIECES = 120,
	PIECE_MAX = 1100, /* with its frame and packet it fits in a datagram */
	HELLO_ROOM = 20000,
};

static uint8_t hello[HELLO_ROOM];
static struct datagram d;
static struct frames f;

static enum quic_result
feed(struct quic_opening *o)
{
	/* Of exactly its size, so that ASan sees each byte too many. */
	uint8_t *bytes = malloc(d.len);
	enum quic_result result;

	assert_non_null(bytes);
	memcpy(bytes, d.bytes, d.len);
	result = quic_opening_feed(o, bytes, d.len);
	free(bytes);
	return result;
}

/* A datagram of one Initial with these bytes of the hello. */
static enum quic_result
say(struct quic_opening *o, const struct initial *i, size_t from, size_t to)
{
	d.len = f.len = 0;
	frames_crypto(&f, from, hello + from, to - from);
	datagram_add(&d, i, &f);
	return feed(o);
}

static void
assert_name(const struct quic_opening *o, const char *name)
{
	assert_non_null(quic_opening_hello(o));
	assert_string_equal(quic_opening_hello(o)->name, name);
	assert_string_equal(quic_opening_hello(o)->protocol, "h3");
	assert_null(quic_opening_why(o));
}

static void
one_datagram(void **state)
{
	static const uint32_t versions[] = {SEAL_V1, SEAL_V2};

	(void)state;
	for (size_t v = 0; v < ARRAY_LEN(versions); v++) {
		size_t len = make_hello("a.example.org", 100, hello);
		struct quic_opening *o = quic_opening_new();
		struct initial i = initial_usual();

		i.version = versions[v];
		assert_null(quic_opening_hello(o));
		assert_int_equal(say(o, &i, 0, len), QUIC_NAME);
		assert_name(o, "a.example.org");
		assert_int_equal(quic_opening_version(o), versions[v]);
		quic_opening_free(o);
	}
}

static void
a_hello_without_a_name(void **state)
{
	size_t len = make_hello(NULL, 100, hello);
	struct quic_opening *o = quic_opening_new();
	struct initial i = initial_usual();

	(void)state;
	assert_int_equal(say(o, &i, 0, len), QUIC_NO_NAME);
	assert_false(quic_opening_hello(o)->has_name);
	quic_opening_free(o);
}

static void
the_first_result_stays(void **state)
{
	size_t len = make_hello("a.example.org", 100, hello);
	struct quic_opening *o = quic_opening_new();
	struct initial i = initial_usual();

	(void)state;
	assert_int_equal(say(o, &i, 0, len), QUIC_NAME);
	make_hello("b.example.org", 100, hello);
	i.number = 1;
	assert_int_equal(say(o, &i, 0, len), QUIC_NAME);
	assert_int_equal(quic_opening_feed(o, hello, 1), QUIC_NAME);
	assert_name(o, "a.example.org");
	quic_opening_free(o);
}

/* The largest hello that the parser takes, and not a byte of it missing. */
static void
the_largest_hello(void **state)
{
	size_t len = make_hello("a.example.org", 0, hello);
	struct quic_opening *o = quic_opening_new();
	struct initial i = initial_usual();

	(void)state;
	len = make_hello("a.example.org", QUIC_HELLO_MAX - len, hello);
	assert_int_equal(len, QUIC_HELLO_MAX);
	for (size_t at = 0; at < len - 1; i.number++) {
		size_t to = at + PIECE_MAX < len - 1 ? at + PIECE_MAX : len - 1;

		assert_int_equal(say(o, &i, at, to), QUIC_MORE);
		at = to;
	}
	assert_int_equal(say(o, &i, len - 1, len), QUIC_NAME);
	assert_name(o, "a.example.org");
	quic_opening_free(o);
}

static size_t
below(size_t n)
{
	return (size_t)rand() % n;
}

struct piece {
	size_t from, to;
};

/* Cuts len bytes into pieces, some of which say again what others say, and
 * shuffles them. */
static size_t
cut(size_t len, struct piece pieces[PIECES])
{
	size_t most = len / (PIECES / 3) + 1 + below(PIECE_MAX / 2);
	size_t count = 0;

	for (size_t at = 0; at < len;) {
		size_t n = 1 + below(most);
		size_t again = below(4) == 0 && at > 0 ? below(at) % 50 : 0;

		if (n > len - at || count == PIECES - 1)
			n = len - at;
		pieces[count++] = (struct piece){at - again, at + n};
		at += n;
	}
	for (size_t i = count - 1; i > 0; i--) {
		size_t j = below(i + 1);
		struct piece swap = pieces[i];

		pieces[i] = pieces[j];
		pieces[j] = swap;
	}
	return count;
}

/* What clients put between their CRYPTO frames. */
static void
put_noise(void)
{
	static const struct {
		const char *bytes;
		size_t len;
	} noises[] = {
		{"\0\0\0", 3},                           /* PADDING */
		{"\x01", 1},                             /* PING */
		{"\x02\x05\x40\x10\x01\x00\x00\x01", 8}, /* ACK, two ranges */
		{"\x03\x05\x00\x00\x00\x01\x02\x03", 8}, /* ACK with ECN */
		{"\x1c\x0a\x06\x02no", 6},               /* CONNECTION_CLOSE */
		{"\x06\x40\x05\x00", 4}, /* CRYPTO of no bytes */
	};
	size_t n = below(ARRAY_LEN(noises));

	if (below(3) == 0)
		frames_put(&f, noises[n].bytes, noises[n].len);
}

/* 0-RTT or Handshake, which is stepped over. */
static void
put_other(const struct initial *initial)
{
	struct initial other = *initial;

	other.type = below(2) ? SEAL_ZERO_RTT : SEAL_HANDSHAKE;
	other.pad_to = 40 + below(100);
	f.len = 0;
	frames_put(&f, "\x08not for us", 11);
	datagram_add(&d, &other, &f);
}

/* As many pieces as fit into one Initial; how many these were. */
static size_t
put_initial(const struct initial *i, const struct piece *pieces, size_t count)
{
	size_t n = 0;

	f.len = 0;
	while (n < count && f.len + pieces[n].to - pieces[n].from < 1130) {
		put_noise();
		frames_crypto(&f, pieces[n].from, hello + pieces[n].from,
			pieces[n].to - pieces[n].from);
		n++;
		if (below(8) == 0)
			break;
	}
	datagram_add(&d, i, &f);
	return n;
}

/* Any pieces in any order, in any packets and datagrams. */
static void
any_split_in_any_order(void **state)
{
	(void)state;
	srand(5);
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = make_hello("any.example.org", below(6000), hello);
		struct quic_opening *o = quic_opening_new();
		enum quic_result result = QUIC_MORE;
		struct initial i = initial_usual();
		struct piece pieces[PIECES];
		size_t count = cut(len, pieces), said = 0;

		i.version = below(2) ? SEAL_V1 : SEAL_V2;
		i.number = below(3) == 0 ? below(1000000) : 0;
		while (said < count && result == QUIC_MORE) {
			i.number_len = i.number > 60000 ? 4 : 2 + below(3);
			d.len = 0;
			if (below(4) == 0)
				put_other(&i);
			i.pad_to = 1200;
			do {
				said += put_initial(
					&i, pieces + said, count - said);
				i.number += 1 + below(3);
			} while (said < count && d.len < 6000);
			if (below(4) == 0)
				put_other(&i);
			result = feed(o);
		}
		if (result != QUIC_NAME)
			fail_msg("round %d: %d, %s", round, result,
				quic_opening_why(o));
		assert_name(o, "any.example.org");
		quic_opening_free(o);
	}
}

/* No byte of a hello may be missing, not even one that says nothing. */
static void
nothing_is_decided_on_a_part(void **state)
{
	size_t len = make_hello("part.example.org", 30, hello);

	(void)state;
	for (size_t gap = 0; gap < len; gap++) {
		struct quic_opening *o = quic_opening_new();
		struct initial i = initial_usual();

		d.len = f.len = 0;
		frames_crypto(&f, gap + 1, hello + gap + 1, len - gap - 1);
		frames_crypto(&f, 0, hello, gap);
		datagram_add(&d, &i, &f);
		assert_int_equal(feed(o), QUIC_MORE);
		i.number = 1;
		assert_int_equal(say(o, &i, gap, gap + 1), QUIC_NAME);
		assert_name(o, "part.example.org");
		quic_opening_free(o);
	}
}

/* The client goes over to the id that the server chose; its keys stay. */
static void
keys_outlive_the_first_id(void **state)
{
	size_t len = make_hello("a.example.org", 100, hello);
	struct quic_opening *o = quic_opening_new();
	struct initial i = initial_usual();

	(void)state;
	assert_int_equal(say(o, &i, 0, 50), QUIC_MORE);
	i.destination = "srv";
	i.number = 1;
	assert_int_equal(say(o, &i, 50, 60), QUIC_MORE);
	i.token_len = 20; /* of a server that was visited before */
	i.number = 2;
	assert_int_equal(say(o, &i, 60, len), QUIC_NAME);
	assert_name(o, "a.example.org");
	quic_opening_free(o);
}

/* Behind a Retry keys come from its id, and the hello begins again. */
static void
keys_of_a_retry(void **state)
{
	size_t len = make_hello("a.example.org", 100, hello);
	struct quic_opening *o = quic_opening_new();
	struct initial i = initial_usual();

	(void)state;
	assert_int_equal(say(o, &i, 0, 50), QUIC_MORE);
	i.destination = i.keys = "retry id";
	i.token_len = 20;
	i.number = 1;
	assert_int_equal(say(o, &i, 0, 60), QUIC_MORE);
	i.destination = "srv";
	i.number = 2;
	assert_int_equal(say(o, &i, 60, len), QUIC_NAME);
	assert_name(o, "a.example.org");
	quic_opening_free(o);
}

/* A flow that is seen from the Retry on, whose id may be short. */
static void
a_retry_that_was_before_us(void **state)
{
	size_t len = make_hello("a.example.org", 100, hello);
	struct quic_opening *o = quic_opening_new();
	struct initial i = initial_usual();

	(void)state;
	i.destination = i.keys = "short";
	i.token_len = 20;
	assert_int_equal(say(o, &i, 0, len), QUIC_NAME);
	quic_opening_free(o);
}

/* 0-RTT may overtake the Initial, in a datagram of its own. */
static void
zero_rtt_comes_first(void **state)
{
	size_t len = make_hello("a.example.org", 100, hello);
	struct quic_opening *o = quic_opening_new();
	struct initial i = initial_usual();

	(void)state;
	i.type = SEAL_ZERO_RTT;
	i.pad_to = 300;
	assert_int_equal(say(o, &i, 0, 10), QUIC_MORE);
	assert_int_equal(quic_opening_version(o), SEAL_V1);
	i = initial_usual();
	assert_int_equal(say(o, &i, 0, len), QUIC_NAME);
	quic_opening_free(o);
}

/* Some clients fill a datagram up behind the packet; 1-RTT ends a row. */
static void
what_is_no_header_takes_the_rest(void **state)
{
	static const uint8_t rests[][40] = {{0}, {0x4a, 0xff, 0xff, 0xff}};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rests); r++) {
		size_t len = make_hello("a.example.org", 0, hello);
		struct quic_opening *o = quic_opening_new();
		struct initial i = initial_usual();

		i.pad_to = 1160;
		d.len = f.len = 0;
		frames_crypto(&f, 0, hello, len);
		datagram_add(&d, &i, &f);
		memcpy(d.bytes + d.len, rests[r], 40);
		d.len += 40;
		assert_int_equal(d.len, 1200);
		assert_int_equal(feed(o), QUIC_NAME);
		quic_opening_free(o);
	}
}

/* A number is completed from the one before it (RFC 9000 A.3). */
static void
packet_numbers_in_few_bytes(void **state)
{
	static const struct {
		uint64_t first, second;
		size_t first_len, second_len;
	} cases[] = {
		{0, 1, 1, 1},
		{250, 260, 2, 1},               /* over the edge of a byte */
		{0x1ff, 0x190, 2, 1},           /* later, but before it */
		{0xa82f30ea, 0xa82f9b32, 4, 2}, /* the example of the RFC */
		{0xfffffffe, 0x100000003, 4, 4},
	};

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		size_t len = make_hello("a.example.org", 100, hello);
		struct quic_opening *o = quic_opening_new();
		struct initial i = initial_usual();

		i.number = cases[c].first;
		i.number_len = cases[c].first_len;
		assert_int_equal(say(o, &i, 0, 50), QUIC_MORE);
		i.number = cases[c].second;
		i.number_len = cases[c].second_len;
		if (say(o, &i, 50, len) != QUIC_NAME)
			fail_msg("%zu: %s", c, quic_opening_why(o));
		quic_opening_free(o);
	}
}

/* … from the highest one, not from the last. */
static void
packet_numbers_out_of_order(void **state)
{
	size_t len = make_hello("a.example.org", 100, hello);
	struct quic_opening *o = quic_opening_new();
	struct initial i = initial_usual();

	(void)state;
	i.number = 0x1ff;
	assert_int_equal(say(o, &i, 0, 50), QUIC_MORE);
	i.number_len = 1;
	i.number = 0x190;
	assert_int_equal(say(o, &i, 50, 60), QUIC_MORE);
	i.number = 0x27f;
	assert_int_equal(say(o, &i, 60, len), QUIC_NAME);
	quic_opening_free(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_datagram),
		cmocka_unit_test(a_hello_without_a_name),
		cmocka_unit_test(the_first_result_stays),
		cmocka_unit_test(the_largest_hello),
		cmocka_unit_test(any_split_in_any_order),
		cmocka_unit_test(nothing_is_decided_on_a_part),
		cmocka_unit_test(keys_outlive_the_first_id),
		cmocka_unit_test(keys_of_a_retry),
		cmocka_unit_test(a_retry_that_was_before_us),
		cmocka_unit_test(zero_rtt_comes_first),
		cmocka_unit_test(what_is_no_header_takes_the_rest),
		cmocka_unit_test(packet_numbers_in_few_bytes),
		cmocka_unit_test(packet_numbers_out_of_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
