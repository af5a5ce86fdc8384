/*
 * quic_opening.c - datagrams of a client until its hello is whole
 *
 * Theory of operation
 *
 * A datagram is a row of packets.  Initials are opened and their frames go into
 * one stream; 0-RTT and Handshake packets are stepped over by their length; a
 * short header or anything that is no header takes the rest (padding is often
 * put there).  When the row ends the stream is asked whether a ClientHello has
 * come together.
 *
 * Which keys.  Those of the destination id of the first Initial hold on, even
 * when the client begins to use the id that the server chose.  Only a Retry
 * changes them: behind it the client shows a token, and the keys come from the
 * new id (RFC 9001 5.2).  That is tried when the old ones do not open a packet
 * with a token, and believed if it opens.  Another version can only be agreed
 * on when the server has the whole hello (RFC 9368), and so have we then.
 *
 * One reading.  Whatever a server would throw away unread and we would have
 * read (an Initial in a small datagram, a second use of a packet number,
 * another source id, a packet of another connection in the same datagram) could
 * show us a name that the server never sees.  Clients do none of this, so the
 * opening is bad and nothing more is read.
 */
#include "quic_opening.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "hello.h"
#include "quic_crypto.h"
#include "quic_frames.h"
#include "quic_keys.h"
#include "quic_packet.h"

enum {
	INITIALS_MOST = 64, /* over all datagrams */
	FIRST_ID_LEAST = 8, /* what the keys come from is not to be guessed */
};

static_assert((int)QUIC_CRYPTO_MAX == (int)QUIC_HELLO_MAX &&
		      (int)QUIC_CRYPTO_MAX >= (int)HELLO_WIRE_MAX,
	"a hello that the parser takes has room");

static const char change_of_version[] = "a change of version";

struct quic_opening {
	enum quic_result result;
	const char *why;
	uint32_t version; /* of the first long header */
	unsigned datagrams;

	/* From the first Initial on. */
	bool has_keys;
	struct quic_keys keys;
	struct quic_id first_destination, source;
	uint64_t seen[INITIALS_MOST]; /* packet numbers */
	size_t seen_count;
	uint64_t expected; /* the number behind the highest one */

	struct quic_crypto crypto;
	struct hello hello;
};

struct quic_opening *
quic_opening_new(void)
{
	struct quic_opening *o = calloc(1, sizeof(*o));

	if (o != NULL)
		o->result = QUIC_MORE;
	return o;
}

void
quic_opening_free(struct quic_opening *o)
{
	free(o);
}

static const char *
take_number(struct quic_opening *o, uint64_t number)
{
	for (size_t i = 0; i < o->seen_count; i++) {
		if (o->seen[i] == number)
			return "a packet number that is used twice";
	}
	if (o->seen_count == INITIALS_MOST)
		return "more than 64 Initials";
	o->seen[o->seen_count++] = number;
	if (number >= o->expected)
		o->expected = number + 1;
	return NULL;
}

/* Opens p with the keys of that version and id, and keeps these if it does. */
static int
open_with_id(struct quic_opening *o, const struct quic_packet *p,
	const struct quic_id *id, struct quic_plain *ret)
{
	struct quic_keys keys;
	int r;

	r = quic_keys_derive(p->version, id, &keys);
	if (r == 0)
		r = quic_keys_open(&keys, p, o->expected, ret);
	if (r == 0) {
		o->keys = keys;
		o->has_keys = true;
	}
	return r;
}

static int
open_initial(struct quic_opening *o, const struct quic_packet *p,
	struct quic_plain *ret)
{
	int r = -EBADMSG;

	if (o->has_keys)
		r = quic_keys_open(&o->keys, p, o->expected, ret);
	else
		r = open_with_id(o, p, &o->first_destination, ret);
	if (r == -EBADMSG && p->has_token)
		r = open_with_id(o, p, &p->destination, ret);
	return r;
}

/* Of the first Initial the ids are kept, of others the source must agree. */
static const char *
check_ids(struct quic_opening *o, const struct quic_packet *p)
{
	if (o->seen_count > 0)
		return quic_id_equals(&p->source, &o->source)
			       ? NULL
			       : "an Initial with another source id";
	if (p->destination.len < FIRST_ID_LEAST && !p->has_token)
		return "a first connection id of less than eight bytes";
	o->first_destination = p->destination;
	o->source = p->source;
	return NULL;
}

static const char *
read_initial(struct quic_opening *o, const struct quic_packet *p)
{
	struct quic_plain plain;
	const char *why;
	int r;

	why = check_ids(o, p);
	if (why != NULL)
		return why;
	r = open_initial(o, p, &plain);
	if (r == -EBADMSG)
		return "an Initial that its keys do not open";
	if (r < 0)
		return "an Initial for which there was no memory";
	if (plain.reserved != 0)
		return "an Initial with reserved bits";
	why = take_number(o, plain.number);
	if (why != NULL)
		return why;
	return quic_frames_read(plain.frames, plain.len, &o->crypto);
}

/* What the packets of one datagram have to agree on. */
struct row {
	const uint8_t *start;
	size_t size; /* of the datagram */
	struct quic_id destination;
};

static const char *
read_packet(
	struct quic_opening *o, struct row *row, const struct quic_packet *p)
{
	if (p->start == row->start)
		row->destination = p->destination;
	if (p->number != o->version)
		return change_of_version;
	if (!quic_id_equals(&p->destination, &row->destination))
		return "packets of two connections in one datagram";
	if (p->type != QUIC_INITIAL)
		return NULL;
	if (row->size < QUIC_DATAGRAM_LEAST)
		return "an Initial in a datagram of less than 1,200 bytes";
	return read_initial(o, p);
}

static enum quic_result
bad(struct quic_opening *o, enum quic_result result, const char *why)
{
	o->why = why;
	return result;
}

/* Something else than a packet that can be read, with all that is behind it. */
static enum quic_result
not_ours(struct quic_opening *o, enum quic_form form, uint32_t version)
{
	if (o->version != 0)
		return form == QUIC_FORM_NONE
			       ? QUIC_MORE
			       : bad(o, QUIC_BAD, change_of_version);
	if (form == QUIC_FORM_NONE)
		return bad(o, QUIC_NOT_QUIC, "no long header of QUIC");
	o->version = version;
	return QUIC_OTHER_VERSION;
}

static enum quic_result
judge_hello(struct quic_opening *o)
{
	const char *why = NULL;

	switch (hello_parse_message(
		o->crypto.bytes, o->crypto.whole, &o->hello, &why)) {
	case HELLO_OK:
		return o->hello.has_name ? QUIC_NAME : QUIC_NO_NAME;
	case HELLO_BAD:
		return bad(o, QUIC_BAD, why);
	default:
		break;
	}
	if (o->datagrams == QUIC_DATAGRAMS)
		return bad(o, QUIC_BAD, "no whole ClientHello in 16 datagrams");
	return QUIC_MORE;
}

static enum quic_result
read_datagram(struct quic_opening *o, const uint8_t *datagram, size_t len)
{
	struct row row = {.start = datagram, .size = len};
	struct quic_packet p = {0};
	const char *why = NULL;
	enum quic_form form;
	size_t at = 0;

	do {
		form = quic_packet_parse(datagram + at, len - at, &p, &why);
		if (form != QUIC_FORM_LONG)
			return not_ours(o, form, p.number);
		if (o->version == 0)
			o->version = p.number;
		if (why == NULL)
			why = read_packet(o, &row, &p);
		if (why != NULL)
			return bad(o, QUIC_BAD, why);
		at += p.len;
	} while (at < len);
	return QUIC_MORE;
}

enum quic_result
quic_opening_feed(struct quic_opening *o, const uint8_t *datagram, size_t len)
{
	if (o->result != QUIC_MORE)
		return o->result;
	o->datagrams++;
	o->result = read_datagram(o, datagram, len);
	if (o->result == QUIC_MORE)
		o->result = judge_hello(o);
	return o->result;
}

const struct hello *
quic_opening_hello(const struct quic_opening *o)
{
	if (o->result != QUIC_NAME && o->result != QUIC_NO_NAME)
		return NULL;
	return &o->hello;
}

uint32_t
quic_opening_version(const struct quic_opening *o)
{
	return o->version;
}

const char *
quic_opening_why(const struct quic_opening *o)
{
	return o->why;
}
