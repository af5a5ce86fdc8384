/*
 * packet_ipv6.c - the fixed header of IPv6 and those behind it
 *
 * Theory of operation
 *
 * The chain is walked as far as Linux walks it (hop-by-hop, routing, fragment,
 * destination options, authentication), so that our verdict is about the same
 * protocol that conntrack and nft see; everything else ends it, ESP, "no next
 * header" and protocols that nobody knows among them.  It may have eight links.
 *
 * Bad is what makes the addresses of the fixed header a lie: a routing header
 * with segments left, a home address; and jumbograms, for which all lengths
 * would have to be read otherwise.
 */
#include <string.h>
#include <sys/socket.h>

#include "packet_part.h"

enum {
	IPV6_HEADER = 40,
	EXTENSIONS_MOST = 8,
	EXTENSION_UNIT = 8,
	AUTHENTICATION_UNIT = 4,
	AUTHENTICATION_LEAST = 12,
	FRAGMENT_OFFSET_MASK = 0xfff8,
	FRAGMENT_MORE = 1,
};

enum {
	HOP_BY_HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	AUTHENTICATION = 51,
	DESTINATION = 60,
};

enum {
	OPTION_PAD1 = 0,
	OPTION_JUMBO = 0xc2,
	OPTION_HOME_ADDRESS = 0xc9,
};

static bool
embeds_v4(const uint8_t address[16])
{
	static const uint8_t compatible[12],
		mapped[12] = {[10] = 0xff, [11] = 0xff},
		translated[12] = {[8] = 0xff, [9] = 0xff};

	/* :: and ::1 are no IPv4 addresses, nor is the rest of ::/120. */
	if (memcmp(address, compatible, 12) == 0)
		return address[12] != 0 || address[13] != 0 || address[14] != 0;
	return memcmp(address, mapped, 12) == 0 ||
	       memcmp(address, translated, 12) == 0;
}

static const char *
read_options(const uint8_t *at, size_t left)
{
	while (left > 0) {
		size_t len = 1;

		if (at[0] == OPTION_JUMBO)
			return "a jumbogram";
		if (at[0] == OPTION_HOME_ADDRESS)
			return "a home address besides the source";
		if (at[0] != OPTION_PAD1) {
			if (left < 2 || (size_t)at[1] + 2 > left)
				return "a malformed IPv6 option";
			len = (size_t)at[1] + 2;
		}
		at += len;
		left -= len;
	}
	return NULL;
}

static const char *
read_fragment(struct packet *p, const uint8_t *h, const uint8_t *first)
{
	unsigned word = packet_get16(h + 2);

	if (p->is_fragment)
		return "a fragment of a fragment";
	return packet_read_fragment(p, word & FRAGMENT_OFFSET_MASK,
		word & FRAGMENT_MORE, (size_t)(h - first));
}

/* How long the header at h is; 0: impossible. */
static size_t
extension_len(unsigned kind, const uint8_t *h)
{
	size_t len;

	if (kind == FRAGMENT)
		return EXTENSION_UNIT;
	if (kind != AUTHENTICATION)
		return ((size_t)h[1] + 1) * EXTENSION_UNIT;
	len = ((size_t)h[1] + 2) * AUTHENTICATION_UNIT;
	return len >= AUTHENTICATION_LEAST ? len : 0;
}

/* One link of the chain; first is where the chain begins. */
static const char *
read_extension(struct packet *p, const uint8_t *first)
{
	const uint8_t *h = p->payload;
	unsigned kind = p->protocol;
	size_t len;

	if (p->payload_len < EXTENSION_UNIT)
		return "an extension header that is cut short";
	if (kind == HOP_BY_HOP && h != first)
		return "a hop-by-hop header that is not the first";
	len = extension_len(kind, h);
	if (len == 0 || packet_take(p, len) == NULL)
		return "an extension header that is cut short";
	p->protocol = h[0];
	p->has_options = p->has_options || kind != FRAGMENT;
	switch (kind) {
	case FRAGMENT:
		return read_fragment(p, h, first);
	case ROUTING:
		return h[3] > 0 ? "a source route" : NULL;
	case AUTHENTICATION:
		return NULL;
	default:
		return read_options(h + 2, len - 2);
	}
}

static bool
is_extension(unsigned protocol)
{
	return protocol == HOP_BY_HOP || protocol == ROUTING ||
	       protocol == FRAGMENT || protocol == AUTHENTICATION ||
	       protocol == DESTINATION;
}

static const char *
read_extensions(struct packet *p)
{
	const uint8_t *first = p->payload;
	unsigned count = 0;
	const char *why;

	while (is_extension(p->protocol) && !p->is_later_fragment) {
		if (count++ == EXTENSIONS_MOST)
			return "more than eight extension headers";
		why = read_extension(p, first);
		if (why != NULL)
			return why;
	}
	return NULL;
}

const char *
packet_read_ipv6(struct packet *p)
{
	const uint8_t *h = packet_take(p, IPV6_HEADER);
	size_t len;

	if (h == NULL)
		return "shorter than an IPv6 header";
	p->family = AF_INET6;
	memcpy(p->source, h + 8, 16);
	memcpy(p->destination, h + 24, 16);
	p->has_embedded_v4 = embeds_v4(p->source) || embeds_v4(p->destination);
	p->protocol = h[6];
	len = packet_get16(h + 4);
	if (len == 0 && p->protocol == HOP_BY_HOP)
		return "a jumbogram";
	if (len > p->payload_len)
		return "shorter than its IPv6 header says";
	p->payload_len = len;
	return read_extensions(p);
}
