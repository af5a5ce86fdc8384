/*
 * h2_budget.c
 *
 * Every frame that asks for work and brings none costs a token.  A frame costs
 * when its header has been seen, before the library looks at it; only DATA
 * with padding waits for one byte more, to tell padding from data.  Whether a
 * HEADERS frame is of use depends on its stream: h2_receive.c charges those.
 *
 * What costs is what a flood is made of, so honest peers send it too: a client
 * that measures its link pings once a round trip, one that reads slowly opens
 * windows by small steps.  They live on what they earn meanwhile.
 */
#include "h2_budget.h"

#include <nghttp2/nghttp2.h>

enum {
	EARN_BYTES = 256, /* of body for one token */
};

/* RFC 9113 6 numbers them; all that is not here is unknown, and useless. */
static const bool useful[] = {
	[NGHTTP2_DATA] = true, /* unless it is empty */
	[NGHTTP2_HEADERS] = true,
	[NGHTTP2_PUSH_PROMISE] = true, /* the library ends the connection */
	[NGHTTP2_CONTINUATION] = false,
};

void
h2_budget_init(struct h2_budget *b, uint32_t skip)
{
	*b = (struct h2_budget){.tokens = H2_BUDGET_BURST, .left = skip};
}

void
h2_budget_refill(struct h2_budget *b, double now)
{
	if (now <= b->filled_at)
		return;
	b->tokens += (now - b->filled_at) * H2_BUDGET_RATE;
	if (b->tokens > H2_BUDGET_BURST)
		b->tokens = H2_BUDGET_BURST;
	b->filled_at = now;
}

void
h2_budget_charge(struct h2_budget *b, unsigned tokens)
{
	b->tokens -= tokens;
}

void
h2_budget_earn(struct h2_budget *b, unsigned tokens)
{
	/* Spent is spent: nothing after that brings the connection back. */
	if (h2_budget_is_spent(b))
		return;
	b->tokens += tokens;
	if (b->tokens > H2_BUDGET_BURST)
		b->tokens = H2_BUDGET_BURST;
}

void
h2_budget_earn_bytes(struct h2_budget *b, size_t bytes)
{
	b->earned += bytes;
	h2_budget_earn(b, (unsigned)(b->earned / EARN_BYTES));
	b->earned %= EARN_BYTES;
}

bool
h2_budget_is_spent(const struct h2_budget *b)
{
	return b->tokens < 0;
}

static void
begin_frame(struct h2_budget *b)
{
	uint8_t type = b->header[3], flags = b->header[4];
	bool ends = (flags & NGHTTP2_FLAG_END_STREAM) != 0;

	b->at = 0;
	b->left = (uint32_t)b->header[0] << 16 | (uint32_t)b->header[1] << 8 |
		  b->header[2];
	if (type >= sizeof(useful) || !useful[type]) {
		h2_budget_charge(b, 1);
		return;
	}
	if (type != NGHTTP2_DATA || ends)
		return;
	if (b->left == 0)
		h2_budget_charge(b, 1);
	else
		b->wants_pad = (flags & NGHTTP2_FLAG_PADDED) != 0;
}

static void
look_at_padding(struct h2_budget *b, uint8_t padding)
{
	b->wants_pad = false;
	b->left--;
	if (padding >= b->left)
		h2_budget_charge(b, 1);
}

size_t
h2_budget_read(struct h2_budget *b, struct span bytes)
{
	size_t i = 0;

	while (i < bytes.len && !h2_budget_is_spent(b)) {
		size_t rest = bytes.len - i;

		if (b->wants_pad) {
			look_at_padding(b, (uint8_t)bytes.ptr[i++]);
		} else if (b->left > 0) {
			rest = rest < b->left ? rest : b->left;
			b->left -= (uint32_t)rest;
			i += rest;
		} else {
			b->header[b->at++] = (uint8_t)bytes.ptr[i++];
			if (b->at == H2_FRAME_HEADER)
				begin_frame(b);
		}
	}
	return i;
}
