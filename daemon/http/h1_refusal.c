#include "h1_refusal.h"

#include <assert.h>

static const struct h1_refusal refusals[H1_REFUSED_COUNT] = {
	[H1_NOT_HTTP] = {400, "this is not HTTP"},
	[H1_UNKNOWN_METHOD] = {501, "unknown method"},
	[H1_PREFACE] = {505, "an HTTP/2 preface on an HTTP/1 connection"},
	[H1_EMPTY_LINE] = {400, "empty lines before the start line"},
	[H1_BAD_START] = {400, "malformed start line"},
	[H1_BAD_VERSION] = {505,
		"the version is neither HTTP/1.0 nor HTTP/1.1"},
	[H1_LONG_LINE] = {414, "the start line is longer than 16 KiB"},
	[H1_BAD_TARGET] = {400, "malformed target"},
	[H1_TARGET_FRAGMENT] = {400, "the target has a fragment"},
	[H1_TARGET_FORM] = {400, "this form of target is not for this method"},
	[H1_TARGET_SCHEME] = {400, "the target's scheme is not http or https"},
	[H1_TARGET_AUTHORITY] = {400,
		"target and Host name different authorities"},

	[H1_CONTROL] = {400, "a control character in the head"},
	[H1_NOT_ASCII] = {400, "the request line is not ASCII"},
	[H1_BARE_LF] = {400, "a line feed without carriage return"},
	[H1_BARE_CR] = {400, "a carriage return without line feed"},
	[H1_FOLD] = {400, "a folded field or a line that begins with a blank"},
	[H1_BAD_FIELD] = {400, "malformed field"},
	[H1_HEAD_SIZE] = {431, "the head is larger than 64 KiB"},
	[H1_FIELD_COUNT] = {431, "more than 128 fields"},

	[H1_NO_HOST] = {400, "no Host field"},
	[H1_TWO_HOSTS] = {400, "two Host fields"},
	[H1_BAD_HOST] = {400, "Host is not host[:port]"},
	[H1_EXPECT] = {417, "an expectation other than 100-continue"},

	[H1_TWO_LENGTHS] = {400, "two Content-Length fields"},
	[H1_BAD_LENGTH] = {400, "Content-Length is not one plain number"},
	[H1_LENGTH_AND_TE] = {400, "Content-Length with Transfer-Encoding"},
	[H1_TWO_TE] = {400, "two Transfer-Encoding fields"},
	[H1_BAD_TE] = {400, "Transfer-Encoding is not chunked"},
	[H1_UNKNOWN_TE] = {501, "a transfer coding other than chunked"},
	[H1_TE_IN_1_0] = {400, "Transfer-Encoding in HTTP/1.0"},
	[H1_BAD_CHUNK_SIZE] = {400, "malformed chunk size"},
	[H1_LONG_CHUNK_SIZE] = {400, "a chunk size of more than 16 digits"},
	[H1_CHUNK_EXTENSION] = {400, "more than 16 KiB of chunk extensions"},
	[H1_CHUNK_END] = {400, "a chunk does not end where its size says"},
	[H1_TRAILER_FIELD] = {400, "a field that may not stand in trailers"},

	[H1_BAD_STATUS] = {502, "the status is not in 100..599"},
	[H1_SWITCHED] = {502, "101 without being asked"},
	[H1_SWITCHED_OTHER] = {502, "101 to another protocol than asked for"},
	[H1_INTERIMS] = {502, "more than 16 interim responses"},
	[H1_BODY_FORBIDDEN] = {502, "framing where the status allows no body"},

	[H1_CUT_HEAD] = {400, "the connection ended within a head"},
	[H1_CUT_BODY] = {400, "the connection ended within a body"},
	[H1_NO_RESPONSE] = {502, "the connection ended before a response"},

	[H1_MALFORMED] = {400, "malformed message"},
	[H1_DISAGREE] = {400, "two readings of where the message ends"},
	[H1_NO_MEMORY] = {503, "out of memory"},
};

const struct h1_refusal *
h1_refusal(enum h1_refused why)
{
	assert(why > H1_FINE && why < H1_REFUSED_COUNT);
	return &refusals[why];
}
