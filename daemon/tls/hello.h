/*
 * The first bytes of a flow: is it TLS, and if so, what does the ClientHello
 * ask for (RFC 8446 4.1.2, RFC 6066 3)?
 *
 * Pure: bytes in, an answer out, nothing kept.  The hello may be spread over
 * segments and over records.  The name is reported as it came: whether it is a
 * host name is for policy to say.
 */
#ifndef SBX_HELLO_H
#define SBX_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HELLO_WIRE_MAX = 16 * 1024, /* more bytes than this: refused */
	HELLO_NAME_MAX = 255,
	HELLO_PROTOCOL_MAX = 31, /* registered ones are shorter */
};

enum hello_result {
	HELLO_MORE,    /* a ClientHello may come of it: read on */
	HELLO_OK,      /* *ret is filled */
	HELLO_NOT_TLS, /* the very first bytes say so */
	HELLO_BAD,     /* TLS, but not a hello that we accept: *ret_why */
};

struct hello {
	char name[HELLO_NAME_MAX + 1]; /* server_name; raw bytes */
	size_t name_len;
	bool has_name;
	bool has_ech;      /* encrypted_client_hello, real or GREASE */
	bool has_alpn;     /* application_layer_protocol_negotiation */
	bool offers_http1; /* "http/1.1" among its protocols */
	bool offers_h2;    /* "h2" among them */
	bool offers_alien; /* has_alpn, and neither of the two */
	bool offers_ecdsa; /* may be given a P-256 leaf */
	/* Of its protocols the first that is no GREASE and fits; raw bytes. */
	char protocol[HELLO_PROTOCOL_MAX + 1];
	size_t protocol_len;
};

/*
 * Looks at everything received so far.  ret and ret_why (a static text) are
 * set as the result says and untouched otherwise.
 */
enum hello_result hello_parse(const uint8_t *data, size_t len,
	struct hello *ret, const char **ret_why);

/*
 * The same for a handshake message without records, as QUIC carries it in its
 * CRYPTO frames.  What stands behind the message is not looked at.  Never
 * HELLO_NOT_TLS.
 */
enum hello_result hello_parse_message(const uint8_t *message, size_t len,
	struct hello *ret, const char **ret_why);

#endif
