/* quic_version.c - a table of versions, and one of patterns */
#include "quic_version.h"

#include "array.h"

/* RFC 9001 5.2, RFC 9000 17.2; RFC 9369 3.1 to 3.3. */
static const struct quic_version versions[] = {
	{
		.number = 0x00000001,
		.salt = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d,
			0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb,
			0x7f, 0x0a},
		.key_label = "quic key",
		.iv_label = "quic iv",
		.hp_label = "quic hp",
		.types = {QUIC_INITIAL, QUIC_ZERO_RTT, QUIC_HANDSHAKE,
			QUIC_RETRY},
	},
	{
		.number = 0x6b3343cf,
		.salt = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81,
			0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd,
			0x2e, 0xd9},
		.key_label = "quicv2 key",
		.iv_label = "quicv2 iv",
		.hp_label = "quicv2 hp",
		.types = {QUIC_RETRY, QUIC_INITIAL, QUIC_ZERO_RTT,
			QUIC_HANDSHAKE},
	},
};

static const struct {
	uint32_t mask, number;
} patterns[] = {
	{0x0f0f0f0f, 0x0a0a0a0a}, /* greased, to force a negotiation */
	{0xffffff00, 0xff000000}, /* drafts of the IETF */
	{0xffffff00, 0xff020000}, /* drafts of version 2 */
	{0xffff0000, 0x51300000}, /* Q0.. of Google */
	{0xffff0000, 0x54300000}, /* T0.. of Google */
	{0xfffffff0, 0xfaceb000}, /* mvfst */
};

const struct quic_version *
quic_version_find(uint32_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		if (versions[i].number == number)
			return &versions[i];
	}
	return NULL;
}

bool
quic_version_is_known(uint32_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		if ((number & patterns[i].mask) == patterns[i].number)
			return true;
	}
	return quic_version_find(number) != NULL;
}
