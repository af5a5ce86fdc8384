#include "sniff.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	TLS_HANDSHAKE = 22,
	METHOD_MAX = 24, /* longer ones exist in no registry */
};

static bool
is_method_char(char c)
{
	return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

enum sniff
sniff(struct span bytes)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	size_t n = sizeof(preface) - 1;
	size_t at;

	if (bytes.len == 0)
		return SNIFF_MORE;
	if ((uint8_t)bytes.ptr[0] == TLS_HANDSHAKE)
		return SNIFF_TLS;
	if (bytes.len < n)
		n = bytes.len;
	if (memcmp(bytes.ptr, preface, n) == 0)
		return bytes.len < sizeof(preface) - 1 ? SNIFF_MORE
						       : SNIFF_HTTP2;
	for (at = 0; at < bytes.len && at < METHOD_MAX; at++) {
		if (!is_method_char(bytes.ptr[at]))
			break;
	}
	if (at == bytes.len)
		return SNIFF_MORE;
	if (at > 0 && at < METHOD_MAX && bytes.ptr[at] == ' ')
		return SNIFF_HTTP1;
	return SNIFF_OTHER;
}
