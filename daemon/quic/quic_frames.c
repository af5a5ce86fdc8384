/* quic_frames.c - a walk over the frames of an Initial, by one table of types
 */
#include "quic_frames.h"

#include "array.h"
#include "quic_crypto.h"
#include "quic_cursor.h"

static const char *
read_nothing(struct quic_cursor *c, struct quic_crypto *crypto)
{
	(void)c, (void)crypto;
	return NULL;
}

static const char *
read_ack(struct quic_cursor *c, struct quic_crypto *crypto)
{
	uint64_t ranges;

	(void)crypto;
	quic_cursor_varint(c); /* the largest */
	quic_cursor_varint(c); /* delay */
	ranges = quic_cursor_varint(c);
	quic_cursor_varint(c); /* the first range */
	for (uint64_t i = 0; i < ranges && !c->bad; i++) {
		quic_cursor_varint(c); /* gap */
		quic_cursor_varint(c); /* range */
	}
	return NULL;
}

static const char *
read_ack_ecn(struct quic_cursor *c, struct quic_crypto *crypto)
{
	read_ack(c, crypto);
	for (int i = 0; i < 3; i++)
		quic_cursor_varint(c); /* ECT0, ECT1, CE */
	return NULL;
}

static const char *
read_crypto(struct quic_cursor *c, struct quic_crypto *crypto)
{
	uint64_t offset = quic_cursor_varint(c);
	uint64_t len = quic_cursor_varint(c);
	const uint8_t *data = quic_cursor_bytes(c, len);

	if (data == NULL)
		return NULL;
	return quic_crypto_add(crypto, offset, data, (size_t)len);
}

static const char *
read_close(struct quic_cursor *c, struct quic_crypto *crypto)
{
	(void)crypto;
	quic_cursor_varint(c); /* error */
	quic_cursor_varint(c); /* the frame that it is about */
	quic_cursor_bytes(c, quic_cursor_varint(c)); /* the reason */
	return NULL;
}

/* Every frame that an Initial may have; its type is written in one byte (RFC
 * 9000 12.4).  What is cut short leaves the cursor bad. */
static const struct {
	uint8_t type;
	const char *(*read)(struct quic_cursor *c, struct quic_crypto *crypto);
} kinds[] = {
	{0x00, read_nothing}, /* PADDING */
	{0x01, read_nothing}, /* PING */
	{0x02, read_ack},
	{0x03, read_ack_ecn},
	{0x06, read_crypto},
	{0x1c, read_close},
};

static const char *
read_frame(struct quic_cursor *c, struct quic_crypto *crypto)
{
	uint64_t type = quic_cursor_number(c, 1);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].type == type)
			return kinds[i].read(c, crypto);
	}
	return "a frame that an Initial must not have";
}

const char *
quic_frames_read(const uint8_t *frames, size_t len, struct quic_crypto *crypto)
{
	struct quic_cursor c = {frames, len, false};
	const char *why = NULL;

	if (len == 0)
		return "an Initial without frames";
	while (c.left > 0 && why == NULL)
		why = read_frame(&c, crypto);
	if (c.bad && why == NULL)
		return "a frame that is cut short";
	return why;
}
