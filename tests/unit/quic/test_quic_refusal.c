/* What is refused, because a server would read it differently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "quic_opening.h"
#include "quic_sealer.h"

static uint8_t hello[20000];
static struct datagram d;
static struct frames f;

static enum quic_result
feed(struct quic_opening *o, size_t len)
{
	uint8_t *bytes = malloc(len > 0 ? len : 1);
	enum quic_result result;

	assert_non_null(bytes);
	memcpy(bytes, d.bytes, len);
	result = quic_opening_feed(o, bytes, len);
	free(bytes);
	return result;
}

static void
put_part(const struct initial *i, size_t from, size_t to)
{
	f.len = 0;
	frames_crypto(&f, from, hello + from, to - from);
	datagram_add(&d, i, &f);
}

/* What a table below may do to a second datagram; the first was good. */
struct second {
	struct initial initial;
	size_t from, to;    /* of the hello */
	const char *frames; /* instead; what they say is up to them */
	size_t frames_len;
	size_t cut; /* the datagram ends there */
};

enum { FIRST_NUMBER = 7 };

/* What is not said differently is as usual. */
static struct initial
second_initial(const struct initial *with)
{
	struct initial i = initial_usual();

	i.number = with->number > 0 ? with->number : FIRST_NUMBER + 1;
	i.type = with->type;
	i.flip = with->flip;
	i.token_len = with->token_len;
	if (with->version > 0)
		i.version = with->version;
	if (with->pad_to > 0)
		i.pad_to = with->pad_to;
	if (with->keys != NULL)
		i.keys = with->keys;
	if (with->destination != NULL)
		i.destination = with->destination;
	if (with->source != NULL)
		i.source = with->source;
	return i;
}

static void
assert_second(const struct second *s, const char *expected, const char *why)
{
	struct quic_opening *o = quic_opening_new();
	struct initial first = initial_usual(), initial;
	enum quic_result result;

	initial = second_initial(&s->initial);
	first.number = FIRST_NUMBER;
	d.len = 0;
	put_part(&first, 0, 50);
	assert_int_equal(feed(o, d.len), QUIC_MORE);
	d.len = f.len = 0;
	if (s->frames != NULL)
		frames_put(&f, s->frames, s->frames_len);
	else
		frames_crypto(&f, s->from, hello + s->from, s->to - s->from);
	datagram_add(&d, &initial, &f);
	result = feed(o, s->cut > 0 ? s->cut : d.len);
	if (expected == NULL) {
		if (result != QUIC_NAME)
			fail_msg("%s: %s", why, quic_opening_why(o));
	} else if (result != QUIC_BAD ||
		   strcmp(quic_opening_why(o), expected) != 0) {
		fail_msg("%s: %d, %s", why, result, quic_opening_why(o));
	}
	quic_opening_free(o);
}

#define TOO_LONG "123456789012345678901"

static const struct {
	struct initial initial;
	size_t cut;
	const char *expected, *why;
} packets[] = {
	{{0}, 0, NULL, "nothing is wrong"},
	{{.pad_to = 1199}, 0,
		"an Initial in a datagram of less than 1,200 bytes",
		"servers throw it away"},
	{{.number = FIRST_NUMBER}, 0, "a packet number that is used twice",
		"servers read the first one"},
	{{.source = "other"}, 0, "an Initial with another source id",
		"servers throw it away"},
	{{.source = ""}, 0, "an Initial with another source id", "no id"},
	{{.version = SEAL_V2}, 0, "a change of version",
		"nobody can have agreed on that"},
	{{.version = 0x1a2a3a4a}, 0, "a change of version", "greased"},
	{{.flip = 0x40}, 0, "a QUIC packet without its fixed bit",
		"servers throw it away"},
	{{.flip = 0x04}, 0, "an Initial with reserved bits",
		"a server ends the connection"},
	{{.flip = 0x08}, 0, "an Initial with reserved bits", "the other"},
	{{.type = SEAL_RETRY}, 0, "a packet that only servers send", "a Retry"},
	{{.destination = TOO_LONG}, 0, "a connection id of more than 20 bytes",
		"destination"},
	{{.source = TOO_LONG}, 0, "a connection id of more than 20 bytes",
		"source"},
	{{.keys = "another!"}, 0, "an Initial that its keys do not open",
		"keys of elsewhere"},
	{{.keys = "retry id", .destination = "retry id"}, 0,
		"an Initial that its keys do not open",
		"a Retry, but no token"},
	{{.keys = "another!", .destination = "retry id", .token_len = 9}, 0,
		"an Initial that its keys do not open",
		"a Retry, but keys of elsewhere"},
	{{0}, 1199, "a QUIC packet that is cut short", "a byte"},
	{{0}, 20, "a QUIC packet that is cut short", "within the header"},
	{{0}, 7, "a QUIC packet that is cut short", "within an id"},
};

static void
packets_with_two_readings(void **state)
{
	size_t len = make_hello("a.example.org", 0, hello);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
		struct second s = {
			.initial = packets[i].initial,
			.from = 50,
			.to = len,
			.cut = packets[i].cut,
		};

		assert_second(&s, packets[i].expected, packets[i].why);
	}
}

#define FRAMES(bytes) (bytes), sizeof(bytes) - 1

static const struct {
	const char *bytes;
	size_t len;
	const char *expected, *why;
} frames[] = {
	{FRAMES("\x08\x00\x01\x01"), "a frame that an Initial must not have",
		"STREAM"},
	{FRAMES("\x1d\x00\x00"), "a frame that an Initial must not have",
		"CONNECTION_CLOSE of an application"},
	{FRAMES("\x1e"), "a frame that an Initial must not have",
		"HANDSHAKE_DONE"},
	{FRAMES("\x40\x06\x00\x00"), "a frame that an Initial must not have",
		"CRYPTO, its type in two bytes"},
	{FRAMES("\x06\x00\x01\xff"), "CRYPTO frames that contradict each other",
		"byte 0"},
	{FRAMES("\x06\x31\x01\xff"), "CRYPTO frames that contradict each other",
		"byte 49"},
	{FRAMES("\x06\x80\x00\x40\x00\x01\x00"), "more than 16 KiB of CRYPTO",
		"one byte behind"},
	{FRAMES("\x06\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"),
		"more than 16 KiB of CRYPTO", "the largest offset"},
};

static void
frames_that_are_refused(void **state)
{
	(void)state;
	make_hello("a.example.org", 0, hello);
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		struct second s = {
			.frames = frames[i].bytes,
			.frames_len = frames[i].len,
		};

		assert_second(&s, frames[i].expected, frames[i].why);
	}
}

static const struct {
	const char *bytes;
	size_t len;
} cut_frames[] = {
	{FRAMES("\x06\x40\x32\x44\x00")}, /* CRYPTO of 1,024 bytes */
	{FRAMES("\x02\x05\x00\x3f\x00")}, /* ACK with 63 ranges */
	{FRAMES("\x02\x05\x00\xff\xff\xff\xff\xff\xff\xff\xff")},
	{FRAMES("\x03\x05\x00\x00\x00\x01\x02\xc0")},
	{FRAMES("\x1c\x00\x06\x05no")},
};

/* Frames at the very end of a packet that is not padded behind them. */
static void
frames_that_are_cut_short(void **state)
{
	(void)state;
	make_hello("a.example.org", 0, hello);
	for (size_t i = 0; i < ARRAY_LEN(cut_frames); i++) {
		char bytes[1200] = {0};
		size_t room = 1200 - 41, len = cut_frames[i].len;
		struct second s = {
			.frames = bytes,
			.frames_len = room,
		};

		memcpy(bytes + room - len, cut_frames[i].bytes, len);
		assert_second(&s, "a frame that is cut short", "cut");
	}
}

/* The seal covers each byte of a packet, whichever of them is another one. */
static void
a_changed_byte_never_gives_a_name(void **state)
{
	size_t len = make_hello("a.example.org", 0, hello);
	struct initial i = initial_usual();
	struct datagram good;

	(void)state;
	d.len = 0;
	put_part(&i, 0, len);
	good = d;
	for (size_t at = 0; at < good.len; at++) {
		struct quic_opening *o = quic_opening_new();
		enum quic_result result;

		d = good;
		d.bytes[at] ^= (uint8_t)(1 << at % 8);
		result = feed(o, d.len);
		if (result == QUIC_NAME || result == QUIC_NO_NAME)
			fail_msg("byte %zu", at);
		quic_opening_free(o);
	}
}

static void
assert_bad(struct quic_opening *o, const char *expected)
{
	if (feed(o, d.len) != QUIC_BAD ||
		strcmp(quic_opening_why(o), expected) != 0)
		fail_msg("not \"%s\": %s", expected, quic_opening_why(o));
	assert_null(quic_opening_hello(o));
	quic_opening_free(o);
}

/* A server looks at the first packet and throws away what is of others. */
static void
two_connections_in_one_datagram(void **state)
{
	size_t len = make_hello("a.example.org", 0, hello);
	struct initial i = initial_usual();

	(void)state;
	d.len = 0;
	i.pad_to = 600;
	put_part(&i, 0, 50);
	i.destination = "some id";
	i.number = 1;
	put_part(&i, 50, len);
	assert_bad(quic_opening_new(),
		"packets of two connections in one datagram");
}

/* Behind a good packet, too, nobody has agreed on another version. */
static void
another_version_in_one_datagram(void **state)
{
	static const char other[] = "\xc3\x1a\x2a\x3a\x4a\0\0";
	size_t len = make_hello("a.example.org", 0, hello);
	struct initial i = initial_usual();

	(void)state;
	d.len = 0;
	put_part(&i, 0, len);
	memcpy(d.bytes + d.len, other, sizeof(other));
	d.len += sizeof(other);
	assert_bad(quic_opening_new(), "a change of version");
}

static void
a_first_id_that_can_be_guessed(void **state)
{
	struct initial i = initial_usual();

	(void)state;
	d.len = 0;
	i.keys = i.destination = "1234567";
	put_part(&i, 0, 50);
	assert_bad(quic_opening_new(),
		"a first connection id of less than eight bytes");
}

static void
an_initial_without_frames(void **state)
{
	struct initial i = initial_usual();

	(void)state;
	d.len = f.len = 0;
	i.number_len = 4;
	i.pad_to = 0;
	datagram_add(&d, &i, &f);
	memset(d.bytes + d.len, 0, 1200);
	d.len = 1200;
	assert_bad(quic_opening_new(), "an Initial without frames");
}

/* Too short for the sample that its mask is made of. */
static void
an_initial_too_short_to_open(void **state)
{
	struct initial i = initial_usual();

	(void)state;
	memset(d.bytes, 0, 1200);
	d.len = f.len = 0;
	i.number_len = 1;
	i.pad_to = 0;
	frames_put(&f, "\x01\x01", 2);
	datagram_add(&d, &i, &f);
	memset(d.bytes + d.len, 0, 1200);
	d.len = 1200;
	assert_bad(quic_opening_new(), "an Initial that its keys do not open");
}

static void
an_initial_too_long_to_open(void **state)
{
	struct initial i = initial_usual();

	(void)state;
	d.len = 0;
	i.pad_to = 16385;
	put_part(&i, 0, 50);
	assert_bad(quic_opening_new(), "an Initial that its keys do not open");
}

/* Threat 11: a hello has a bound, and so has waiting for one. */
static void
threat_11_hellos_without_an_end(void **state)
{
	struct quic_opening *o = quic_opening_new();
	struct initial i = initial_usual();

	(void)state;
	memset(hello, 0, sizeof(hello));
	memcpy(hello, "\x01\x00\x3f\xfd", 4); /* 16,385 bytes with this */
	d.len = 0;
	put_part(&i, 0, 4);
	assert_bad(o, "a ClientHello of more than 16 KiB");

	make_hello("a.example.org", 0, hello);
	o = quic_opening_new();
	for (; i.number < QUIC_DATAGRAMS - 1; i.number++) {
		d.len = 0;
		put_part(&i, 0, 4);
		assert_int_equal(feed(o, d.len), QUIC_MORE);
	}
	d.len = 0;
	put_part(&i, 0, 4);
	assert_bad(o, "no whole ClientHello in 16 datagrams");

	o = quic_opening_new();
	d.len = 0;
	i.pad_to = 60;
	for (i.number = 0; i.number < 65; i.number++)
		put_part(&i, 0, 4);
	assert_bad(o, "more than 64 Initials");
}

static void
a_message_that_is_no_hello(void **state)
{
	struct initial i = initial_usual();

	(void)state;
	make_hello("a.example.org", 0, hello);
	hello[0] = 2; /* ServerHello */
	d.len = 0;
	put_part(&i, 0, 4);
	assert_bad(quic_opening_new(),
		"the first handshake message is no ClientHello");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_with_two_readings),
		cmocka_unit_test(frames_that_are_refused),
		cmocka_unit_test(frames_that_are_cut_short),
		cmocka_unit_test(a_changed_byte_never_gives_a_name),
		cmocka_unit_test(two_connections_in_one_datagram),
		cmocka_unit_test(another_version_in_one_datagram),
		cmocka_unit_test(a_first_id_that_can_be_guessed),
		cmocka_unit_test(an_initial_without_frames),
		cmocka_unit_test(an_initial_too_short_to_open),
		cmocka_unit_test(an_initial_too_long_to_open),
		cmocka_unit_test(threat_11_hellos_without_an_end),
		cmocka_unit_test(a_message_that_is_no_hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
