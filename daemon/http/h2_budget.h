/*
 * What a peer may ask for nothing: a bucket of tokens that useless frames
 * empty and useful work and time fill (threats 46: rapid reset, MadeYouReset,
 * floods of PING, SETTINGS, PRIORITY, WINDOW_UPDATE, CONTINUATION, empty DATA,
 * unknown frames).
 *
 * Reads frame headers on the wire by itself, because the library shows neither
 * CONTINUATION nor what it ignores.  Pure; knows nothing of streams: what only
 * their states tell, the codec charges.
 */
#ifndef SBX_HTTP_H2_BUDGET_H
#define SBX_HTTP_H2_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

enum {
	H2_BUDGET_BURST = 1000,
	H2_BUDGET_RATE = 33, /* a second */
	H2_FRAME_HEADER = 9,
};

struct h2_budget {
	double tokens, filled_at;
	size_t earned;  /* bytes that have not made a whole token yet */
	uint32_t left;  /* bytes of the frame that are not looked at */
	uint8_t at;     /* bytes of header that have been seen */
	bool wants_pad; /* the next byte is a DATA frame's padding length */
	uint8_t header[H2_FRAME_HEADER];
};

/* skip: bytes before the first frame (the client's preface). */
void h2_budget_init(struct h2_budget *b, uint32_t skip);

/* now: seconds of a clock that never goes back. */
void h2_budget_refill(struct h2_budget *b, double now);

/* Charges what the frames in these bytes cost, and returns how many of them
 * may be read: all, or up to the frame that the budget did not allow. */
size_t h2_budget_read(struct h2_budget *b, struct span bytes);

void h2_budget_charge(struct h2_budget *b, unsigned tokens);
void h2_budget_earn(struct h2_budget *b, unsigned tokens);

/* Body bytes were moved, either way. */
void h2_budget_earn_bytes(struct h2_budget *b, size_t bytes);

bool h2_budget_is_spent(const struct h2_budget *b);

#endif
