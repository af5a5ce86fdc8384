/*
 * What a server must refuse, and in which words: the smuggling corpus.  Each
 * input is fed whole, byte by byte and cut in two at every place; all must come
 * to the same.  `accepted` is how many requests came through before the error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array.h"
#include "h1_drive.h"

#define H "Host: a.test\r\n"
#define POST "POST / HTTP/1.1\r\n" H
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define NEXT "GET /next HTTP/1.1\r\n" H "\r\n"

static const struct {
	struct span input;
	int status;
	const char *error; /* NULL: fine */
	size_t accepted;
	const char *reason;
} cases[] = {
#define CASE(input, ...) \
	{ \
		SPAN_LITERAL(input), __VA_ARGS__ \
	}
	/* what must go through */
	CASE(NEXT, 0, NULL, 1, "the simplest request"),
	CASE("\r\n" NEXT, 0, NULL, 1, "one empty line before a request"),
	CASE(NEXT NEXT NEXT, 0, NULL, 3, "pipelined"),
	CASE(POST "Content-Length: 5\r\n\r\nhello" NEXT, 0, NULL, 2,
		"a body with a length"),
	CASE(POST "Content-Length: 0\r\n\r\n" NEXT, 0, NULL, 2,
		"a body of no length"),
	CASE(CHUNKED "5\r\nhello\r\n0\r\n\r\n" NEXT, 0, NULL, 2, "chunks"),
	CASE(CHUNKED "5;a=b\r\nhello\r\n1;a;b=\"c\";d\r\n!\r\n0;x\r\n\r\n" NEXT,
		0, NULL, 2, "chunk extensions are dropped"),
	CASE(CHUNKED "5;a=b;c\r\nhello\r\n0\r\n\r\n", 400,
		"malformed chunk size", 1,
		"llhttp takes nothing behind an unquoted value"),
	CASE(CHUNKED "0005\r\nhello\r\n000\r\n\r\n" NEXT, 0, NULL, 2,
		"zeros before a chunk size"),
	CASE(CHUNKED "A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n" NEXT, 0, NULL,
		2, "trailers"),
	CASE(POST "transfer-encoding: Chunked\r\n\r\n0\r\n\r\n" NEXT, 0, NULL,
		2, "names and codings have no case"),
	CASE("GET / HTTP/1.0\r\n\r\n", 0, NULL, 1, "1.0 needs no Host"),
	CASE("GET / HTTP/1.0\r\n\r\n" NEXT, 0, NULL, 1,
		"1.0 ends after one request"),
	CASE("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" NEXT, 0, NULL,
		2, "1.0 with keep-alive goes on"),
	CASE("GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n" NEXT, 0, NULL,
		1, "close ends the connection"),
	CASE("GET / HTTP/1.1\r\n" H "Connection: x, CLOSE\r\n\r\n" NEXT, 0,
		NULL, 1, "close in a list, in any case"),
	CASE("GET http://a.test/x?y HTTP/1.1\r\n" H "\r\n", 0, NULL, 1,
		"absolute form"),
	CASE("GET HTTP://A.TEST:80 HTTP/1.1\r\n" H "\r\n", 0, NULL, 1,
		"absolute form: case, default port, empty path"),
	CASE("GET https://a.test?q HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 0,
		NULL, 1, "absolute form: query without path"),
	CASE("GET http://a.test/ HTTP/1.0\r\n\r\n", 0, NULL, 1,
		"absolute form stands for Host in 1.0"),
	CASE("OPTIONS * HTTP/1.1\r\n" H "\r\n", 0, NULL, 1, "asterisk form"),
	CASE("OPTIONS http://a.test HTTP/1.1\r\n" H "\r\n", 0, NULL, 1,
		"absolute form of the asterisk"),
	CASE("CONNECT a.test:443 HTTP/1.1\r\n" H "\r\n", 0, NULL, 1,
		"CONNECT is for the rules to refuse"),
	CASE("GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n", 0, NULL, 1,
		"an IPv6 literal"),
	CASE("GET / HTTP/1.1\r\n" H "X:\r\nY:  \t v \t \r\n\r\n", 0, NULL, 1,
		"blanks around values"),
	CASE("GET / HTTP/1.1\r\n" H "X: \xc3\xa9\xff\r\n\r\n", 0, NULL, 1,
		"bytes from 0x80 up in a value"),
	CASE("GET / HTTP/1.1\r\n" H
	     "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	     "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n" NEXT,
		0, NULL, 2, "an upgrade is not taken"),
	CASE("GET / HTTP/1.1\r\n" H
	     "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	     "Content-Length: 3\r\n\r\nabc" NEXT,
		0, NULL, 2, "an upgrade with a body is a request"),
	CASE(POST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nok", 0,
		NULL, 1, "100-continue"),

	/* framing that two readers may read in two ways */
	CASE(POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "0\r\n\r\nG",
		400, "Content-Length with Transfer-Encoding", 0, "CL.TE"),
	CASE(POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
		  "1c\r\n" NEXT,
		400, "Content-Length with Transfer-Encoding", 0, "TE.CL"),
	CASE(POST "Transfer-Encoding: chunked\r\n"
		  "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		400, "two Transfer-Encoding fields", 0, "TE.TE"),
	CASE(POST "Transfer-Encoding: chunked\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		400, "two Transfer-Encoding fields", 0, "the same twice"),
	CASE(POST "Transfer-Encoding: xchunked\r\n\r\n", 400,
		"Transfer-Encoding is not chunked", 0, "a coding like it"),
	CASE(POST "Transfer-Encoding: identity\r\n\r\n", 400,
		"Transfer-Encoding is not chunked", 0, "identity"),
	CASE(POST "Transfer-Encoding:\r\n\r\n", 400,
		"Transfer-Encoding is not chunked", 0, "empty"),
	CASE(POST "Transfer-Encoding: chunked, identity\r\n\r\n", 400,
		"Transfer-Encoding is not chunked", 0, "chunked not last"),
	CASE(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400,
		"Transfer-Encoding is not chunked", 0, "chunked twice"),
	CASE(POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 400,
		"Transfer-Encoding is not chunked", 0, "quoted"),
	CASE(POST "Transfer-Encoding: chunked;q=1\r\n\r\n", 400,
		"Transfer-Encoding is not chunked", 0, "with a parameter"),
	CASE(POST "Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n", 400,
		"Transfer-Encoding is not chunked", 0, "empty member"),
	CASE(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501,
		"a transfer coding other than chunked", 0, "gzip before it"),
	CASE(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400,
		"malformed field", 0, "space before the colon"),
	CASE(POST "Transfer-Encoding\t: chunked\r\n\r\n", 400,
		"malformed field", 0, "tab before the colon"),
	CASE(POST "Transfer-Encoding: \x0b"
		  "chunked\r\n\r\n0\r\n\r\n",
		400, "a control character in the head", 0, "vertical tab"),
	CASE(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400,
		"a folded field or a line that begins with a blank", 0,
		"folded coding"),
	CASE(POST "X: y\r\n Transfer-Encoding: chunked\r\n\r\n", 400,
		"a folded field or a line that begins with a blank", 0,
		"a folded line that looks like a field"),
	CASE(POST "X: y\r\n\tz\r\n\r\n", 400,
		"a folded field or a line that begins with a blank", 0,
		"folded with a tab"),
	CASE("GET / HTTP/1.1\r\n Host: a.test\r\n\r\n", 400,
		"a folded field or a line that begins with a blank", 0,
		"a blank before the first field"),
	CASE("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
	     "0\r\n\r\n",
		400, "Transfer-Encoding in HTTP/1.0", 0, "1.0 has no chunks"),
	CASE(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400,
		"two Content-Length fields", 0, "twice the same"),
	CASE(POST "Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello", 400,
		"two Content-Length fields", 0, "twice different"),
	CASE(POST "Content-Length: 5, 5\r\n\r\nhello", 400,
		"Content-Length is not one plain number", 0, "a list"),
	CASE(POST "Content-Length: +5\r\n\r\nhello", 400,
		"Content-Length is not one plain number", 0, "plus"),
	CASE(POST "Content-Length: -1\r\n\r\n", 400,
		"Content-Length is not one plain number", 0, "minus"),
	CASE(POST "Content-Length: 0x5\r\n\r\nhello", 400,
		"Content-Length is not one plain number", 0, "hex"),
	CASE(POST "Content-Length: 05\r\n\r\nhello", 400,
		"Content-Length is not one plain number", 0, "octal, for some"),
	CASE(POST "Content-Length: 5 5\r\n\r\nhello", 400,
		"Content-Length is not one plain number", 0, "a space inside"),
	CASE(POST "Content-Length: 5_0\r\n\r\nhello", 400,
		"Content-Length is not one plain number", 0, "underscore"),
	CASE(POST "Content-Length: \r\n\r\n", 400,
		"Content-Length is not one plain number", 0, "empty"),
	CASE(POST "Content-Length: 18446744073709551617\r\n\r\nx", 400,
		"Content-Length is not one plain number", 0, "2^64 + 1"),
	CASE(POST "Content-Length: 9223372036854775808\r\n\r\nx", 400,
		"Content-Length is not one plain number", 0, "2^63"),
	CASE(POST "Content-Length: 5\r\n\r\nhel", 400,
		"the connection ended within a body", 1, "a body cut off"),

	/* chunks */
	CASE(CHUNKED "5\nhello\r\n0\r\n\r\n", 400, "malformed chunk size", 1,
		"a bare LF behind a size"),
	CASE(CHUNKED "5\rXhello\r\n0\r\n\r\n", 400,
		"a carriage return without line feed", 1,
		"a bare CR behind a size"),
	CASE(CHUNKED "5;a\nb\r\nhello\r\n0\r\n\r\n", 400,
		"a line feed without carriage return", 1,
		"a bare LF in an extension"),
	CASE(CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n", 400,
		"a carriage return without line feed", 1,
		"a bare CR in an extension"),
	CASE(CHUNKED "5\r\nhelloX\r\n0\r\n\r\n", 400,
		"a chunk does not end where its size says", 1,
		"more data than the size"),
	CASE(CHUNKED "5\r\nhello\n0\r\n\r\n", 400,
		"a line feed without carriage return", 1,
		"a bare LF behind data"),
	CASE(CHUNKED "5 \r\nhello\r\n0\r\n\r\n", 400, "malformed chunk size", 1,
		"a space behind a size"),
	CASE(CHUNKED " 5\r\nhello\r\n0\r\n\r\n", 400, "malformed chunk size", 1,
		"a space before a size"),
	CASE(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", 400, "malformed chunk size",
		1, "0x"),
	CASE(CHUNKED "-5\r\nhello\r\n0\r\n\r\n", 400, "malformed chunk size", 1,
		"a negative size"),
	CASE(CHUNKED "\r\nhello\r\n0\r\n\r\n", 400, "malformed chunk size", 1,
		"no size"),
	CASE(CHUNKED ";a=b\r\nhello\r\n0\r\n\r\n", 400, "malformed chunk size",
		1, "an extension and no size"),
	CASE(CHUNKED "00000000000000005\r\nhello\r\n0\r\n\r\n", 400,
		"a chunk size of more than 16 digits", 1, "17 digits"),
	CASE(CHUNKED "10000000000000000\r\nx", 400,
		"a chunk size of more than 16 digits", 1, "2^64"),
	CASE(CHUNKED "5\r\nhello\r\n", 400,
		"the connection ended within a body", 1, "no last chunk"),
	CASE(CHUNKED "0\r\nHost: b.test\r\n\r\n", 400,
		"a field that may not stand in trailers", 1,
		"Host in the trailers"),
	CASE(CHUNKED "0\r\nAuthorization: x\r\n\r\n", 400,
		"a field that may not stand in trailers", 1,
		"Authorization in the trailers"),
	CASE(CHUNKED "0\r\nContent-Length: 5\r\n\r\n", 400,
		"a field that may not stand in trailers", 1,
		"a length in the trailers"),
	CASE(CHUNKED "0\r\nX: y\r\n z\r\n\r\n", 400,
		"a folded field or a line that begins with a blank", 1,
		"a folded trailer"),
	CASE(CHUNKED "0\r\nX: y\n\r\n", 400,
		"a line feed without carriage return", 1,
		"a bare LF in the trailers"),

	/* lines */
	CASE("GET / HTTP/1.1\n" H "\r\n", 400,
		"a line feed without carriage return", 0,
		"a bare LF behind the request line"),
	CASE("GET / HTTP/1.1\r\nHost: a.test\n\r\n", 400,
		"a line feed without carriage return", 0,
		"a bare LF behind a field"),
	CASE("GET / HTTP/1.1\r\n" H "\n", 400,
		"a line feed without carriage return", 0,
		"a bare LF for the empty line"),
	CASE("GET / HTTP/1.1\r\n" H "X: y\rZ: w\r\n\r\n", 400,
		"a carriage return without line feed", 0,
		"a bare CR in a value"),
	CASE("GET / HTTP/1.1\r\n" H "X: \r y\r\n\r\n", 400,
		"a carriage return without line feed", 0,
		"a bare CR before a value"),
	CASE("GET / HTTP/1.1\r\n" H "\rX: y\r\n\r\n", 400,
		"a carriage return without line feed", 0,
		"a bare CR before a name"),
	CASE("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", 400,
		"a control character in the head", 0, "NUL in a value"),
	CASE("GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", 400,
		"a control character in the head", 0, "DEL in a value"),
	CASE("GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n", 400,
		"a control character in the head", 0, "NUL in a name"),
	CASE("GET / HTTP/1.1\r\n" H "X Y: a\r\n\r\n", 400, "malformed field", 0,
		"a space in a name"),
	CASE("GET / HTTP/1.1\r\n" H "X\xe9: a\r\n\r\n", 400, "malformed field",
		0, "a name that is not ASCII"),
	CASE("GET / HTTP/1.1\r\n" H ": a\r\n\r\n", 400, "malformed field", 0,
		"an empty name"),
	CASE("GET / HTTP/1.1\r\n" H "X\r\n\r\n", 400, "malformed field", 0,
		"no colon"),
	CASE("GET / HTTP/1.1\r\n" H "(X): a\r\n\r\n", 400, "malformed field", 0,
		"a name that is no token"),
	CASE("\r\n\r\n" NEXT, 400, "empty lines before the start line", 0,
		"two empty lines"),
	CASE("\n" NEXT, 400, "a line feed without carriage return", 0,
		"a bare LF before a request"),

	/* request line */
	CASE("GET  / HTTP/1.1\r\n" H "\r\n", 400, "malformed start line", 0,
		"two spaces"),
	CASE("GET /  HTTP/1.1\r\n" H "\r\n", 400, "malformed start line", 0,
		"two spaces before the version"),
	CASE("GET /a b HTTP/1.1\r\n" H "\r\n", 400, "malformed start line", 0,
		"a space in the target"),
	CASE("GET / HTTP/1.1 \r\n" H "\r\n", 400, "malformed start line", 0,
		"a space behind the version"),
	CASE("GET\t/ HTTP/1.1\r\n" H "\r\n", 400, "this is not HTTP", 0,
		"a tab behind the method"),
	CASE(" GET / HTTP/1.1\r\n" H "\r\n", 400, "this is not HTTP", 0,
		"a space before the method"),
	CASE("GET /\r\n\r\n", 400, "malformed start line", 0, "HTTP/0.9"),
	CASE("GET / HTTP/0.9\r\n\r\n", 505,
		"the version is neither HTTP/1.0 nor HTTP/1.1", 0, "0.9"),
	CASE("GET / HTTP/1.2\r\n" H "\r\n", 505,
		"the version is neither HTTP/1.0 nor HTTP/1.1", 0, "1.2"),
	CASE("GET / HTTP/2.0\r\n" H "\r\n", 505,
		"the version is neither HTTP/1.0 nor HTTP/1.1", 0, "2.0"),
	CASE("GET / HTTP/1.10\r\n" H "\r\n", 400, "malformed start line", 0,
		"two digits"),
	CASE("OPTIONS * RTSP/1.0\r\n" H "\r\n", 400, "malformed start line", 0,
		"another protocol that llhttp knows"),
	CASE("SOURCE / ICE/1.0\r\n" H "\r\n", 400, "malformed start line", 0,
		"and a third"),
	CASE("GET / http/1.1\r\n" H "\r\n", 400, "malformed start line", 0,
		"the protocol's name has a case"),
	CASE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505,
		"an HTTP/2 preface on an HTTP/1 connection", 0, "preface"),
	CASE("get / HTTP/1.1\r\n" H "\r\n", 501, "unknown method", 0,
		"methods have a case"),
	CASE("BREW / HTTP/1.1\r\n" H "\r\n", 501, "unknown method", 0,
		"a method nobody knows"),
	CASE("\x16\x03\x01\x02\x00", 400, "this is not HTTP", 0, "TLS"),

	/* target */
	CASE("GET /#f HTTP/1.1\r\n" H "\r\n", 400, "the target has a fragment",
		0, "fragment"),
	CASE("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", 400,
		"the request line is not ASCII", 0, "not ASCII"),
	CASE("GET /\x01 HTTP/1.1\r\n" H "\r\n", 400,
		"a control character in the head", 0, "control character"),
	CASE("GET /\x7f HTTP/1.1\r\n" H "\r\n", 400,
		"a control character in the head", 0, "DEL"),
	CASE("GET * HTTP/1.1\r\n" H "\r\n", 400,
		"this form of target is not for this method", 0,
		"the asterisk is for OPTIONS"),
	CASE("GET a.test:80 HTTP/1.1\r\n" H "\r\n", 400, "malformed target", 0,
		"authority form is for CONNECT"),
	CASE("CONNECT / HTTP/1.1\r\n" H "\r\n", 400,
		"this form of target is not for this method", 0,
		"and CONNECT has no other"),
	CASE("GET ftp://a.test/ HTTP/1.1\r\n" H "\r\n", 400,
		"the target's scheme is not http or https", 0, "scheme"),
	CASE("GET http://b.test/ HTTP/1.1\r\n" H "\r\n", 400,
		"target and Host name different authorities", 0,
		"absolute form against Host"),
	CASE("GET http://a.test:81/ HTTP/1.1\r\n" H "\r\n", 400,
		"target and Host name different authorities", 0, "its port"),
	CASE("GET https://a.test/ HTTP/1.1\r\nHost: a.test:80\r\n\r\n", 400,
		"target and Host name different authorities", 0,
		"the default port is the scheme's"),
	CASE("GET http://u@a.test/ HTTP/1.1\r\n" H "\r\n", 400,
		"malformed target", 0, "userinfo"),

	/* host */
	CASE("GET / HTTP/1.1\r\n\r\n", 400, "no Host field", 0, "no Host"),
	CASE("GET http://a.test/ HTTP/1.1\r\n\r\n", 400, "no Host field", 0,
		"absolute form does not stand for Host in 1.1"),
	CASE("GET / HTTP/1.1\r\n" H H "\r\n", 400, "two Host fields", 0,
		"the same twice"),
	CASE("GET / HTTP/1.1\r\n" H "hOST: b.test\r\n\r\n", 400,
		"two Host fields", 0, "another in another case"),
	CASE("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "Host is not host[:port]",
		0, "empty"),
	CASE("GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n", 400,
		"Host is not host[:port]", 0, "a list"),
	CASE("GET / HTTP/1.1\r\nHost: u@a.test\r\n\r\n", 400,
		"Host is not host[:port]", 0, "userinfo"),
	CASE("GET / HTTP/1.1\r\nHost: a.test:99999\r\n\r\n", 400,
		"Host is not host[:port]", 0, "port"),
	CASE("GET / HTTP/1.1\r\nHost: a.test:443@b\r\n\r\n", 400,
		"Host is not host[:port]", 0, "port that is a password"),
	CASE("GET / HTTP/1.1\r\nHost: a.test%00.b\r\n\r\n", 400,
		"Host is not host[:port]", 0, "percent"),
	CASE("GET / HTTP/1.1\r\nHost: a.test\tb\r\n\r\n", 400,
		"Host is not host[:port]", 0, "tab"),
	CASE("GET / HTTP/1.1\r\nHost: a.\r\n test\r\n\r\n", 400,
		"a folded field or a line that begins with a blank", 0,
		"folded"),

	/* the rest */
	CASE(POST "Expect: 200-ok\r\nContent-Length: 2\r\n\r\nok", 417,
		"an expectation other than 100-continue", 0, "Expect"),
	CASE("GET / HTTP/1.1\r\nHost: a", 400,
		"the connection ended within a head", 0, "a head cut off"),
	CASE(NEXT "X / HTTP/1.1\r\n" H "\r\n", 501, "unknown method", 1,
		"the second of two"),
};

/* All that differ are told before it fails. */
static void
test_requests(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *error = cases[i].error ? cases[i].error : "none";
		struct outcome o =
			drive_server_every_way(cases[i].input, cases[i].reason);
		const char *got = o.error ? o.error : "none";

		if (o.status != cases[i].status || strcmp(got, error) != 0 ||
			o.messages != cases[i].accepted) {
			print_error("%s: expected %zu requests and %d %s, got "
				    "%zu and %d %s:\n%s",
				cases[i].reason, cases[i].accepted,
				cases[i].status, error, o.messages, o.status,
				got, o.text);
			wrong++;
		}
		/* After an error nothing goes on. */
		if (o.status != 0)
			assert_true(o.must_close);
		free(o.text);
	}
	assert_int_equal(wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
