#include "h2_refusal.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>

#include "array.h"

static const struct h2_refusal refusals[H2_REFUSED_COUNT] = {
	[H2_MALFORMED] = {400, "malformed message"},
	[H2_BAD_FIELD] = {400, "malformed field"},
	[H2_HEAD_SIZE] = {431, "the head is larger than 64 KiB"},
	[H2_FIELD_COUNT] = {431, "more than 128 fields"},
	[H2_HEADS_HELD] = {431, "too many large heads on one connection"},
	[H2_BAD_SCHEME] = {400, "the scheme is not http or https"},
	[H2_BAD_AUTHORITY] = {400, ":authority is not host[:port]"},
	[H2_TWO_AUTHORITIES] = {400,
		":authority and Host name different authorities"},
	[H2_BAD_TARGET] = {400, "malformed target"},
	[H2_LONG_TARGET] = {414, "the target is longer than 16 KiB"},
	[H2_CONNECT] = {405, "CONNECT is not carried: tunnels would not be "
			     "inspected"},
	[H2_BAD_PROTOCOL] = {400, ":protocol without CONNECT"},
	[H2_EXPECT] = {417, "an expectation other than 100-continue"},
	[H2_BAD_LENGTH] = {400, "Content-Length is not one plain number"},
	[H2_BAD_STATUS] = {502, "the status is not in 100..599"},
	[H2_INTERIMS] = {502, "more than 16 interim responses"},
	[H2_BODY_FORBIDDEN] = {502, "a body where the status allows none"},
	[H2_NO_MEMORY] = {503, "out of memory"},
};

const struct h2_refusal *
h2_refusal(enum h2_refused why)
{
	assert(why > H2_FINE && why < H2_REFUSED_COUNT);
	return &refusals[why];
}

const char *
h2_code_text(uint32_t code)
{
	static const char *const texts[] = {
		[NGHTTP2_NO_ERROR] = "the connection is closing",
		[NGHTTP2_PROTOCOL_ERROR] = "frames against the protocol",
		[NGHTTP2_INTERNAL_ERROR] = "the codec gave up",
		[NGHTTP2_FLOW_CONTROL_ERROR] = "more data than the window",
		[NGHTTP2_SETTINGS_TIMEOUT] = "settings were not acknowledged",
		[NGHTTP2_STREAM_CLOSED] = "frames on a closed stream",
		[NGHTTP2_FRAME_SIZE_ERROR] = "a frame of the wrong size",
		[NGHTTP2_REFUSED_STREAM] = "a stream was refused",
		[NGHTTP2_CANCEL] = "cancelled",
		[NGHTTP2_COMPRESSION_ERROR] = "malformed header compression",
		[NGHTTP2_CONNECT_ERROR] = "a tunnel failed",
		[NGHTTP2_ENHANCE_YOUR_CALM] = "too many useless frames",
	};

	return code < ARRAY_LEN(texts) ? texts[code] : "an unknown error";
}

const char *
h2_library_text(int error)
{
	switch (error) {
	case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
		return "no HTTP/2 preface";
	case NGHTTP2_ERR_NOMEM:
	case NGHTTP2_ERR_CALLBACK_FAILURE: /* ours fail for this alone */
		return "out of memory";
	default:
		return h2_code_text(NGHTTP2_INTERNAL_ERROR);
	}
}
