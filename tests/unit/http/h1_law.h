/*
 * The law of the re-serialiser: whatever the codec accepts and the rules let
 * pass is written so that it reads again as the same one message, with nothing
 * left over.  Aborts where it does not hold, so that fuzzers and tests can use
 * it alike.  Feeds the input in pieces whose sizes follow from the input.
 */
#ifndef SBX_TEST_H1_LAW_H
#define SBX_TEST_H1_LAW_H

#include <stddef.h>
#include <stdint.h>

/* Input: what a sandbox sends.  How many requests went through, complete.  One
 * that asks to be upgraded is: the rest is a tunnel. */
size_t h1_law_request(const uint8_t *data, size_t size);

/* Input: what an origin answers to a GET, or to a HEAD where the first byte is
 * 'H' and no status line begins so ("HHTTP/1.1 200 …"), or to an upgrade
 * ("UHTTP/1.1 101 …"). */
size_t h1_law_response(const uint8_t *data, size_t size);

#endif
