/*
 * The law of the re-serialiser for HTTP/2 (see h1_law.h): whatever the codec
 * accepts and the rules let pass is written as HTTP/1 so that it reads again as
 * the same one message; and no peer makes a conn hold more than its windows.
 * Aborts where it does not hold.  Feeds the input in pieces whose sizes follow
 * from the input.
 */
#ifndef SBX_TEST_H2_LAW_H
#define SBX_TEST_H2_LAW_H

#include <stddef.h>
#include <stdint.h>

/* Input: the frames that a client sends after its preface.  How many requests
 * went through, complete. */
size_t h2_law_server(const uint8_t *data, size_t size);

/* Input: the frames that an origin sends to a client that has asked three
 * times: GET, HEAD and POST.  How many responses went through, complete. */
size_t h2_law_client(const uint8_t *data, size_t size);

#endif
