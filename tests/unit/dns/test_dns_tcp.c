#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dns_tcp.h"

/* Three messages: "abc", an empty one, "z". */
static const uint8_t stream[] = "\0\3abc\0\0\0\1z";
enum { STREAM_LEN = sizeof(stream) - 1 };

/* Adds the message to what was read so far; until it is popped nothing is
 * taken. */
static void
read_message(struct dns_tcp *t, char *text)
{
	const uint8_t *message;
	size_t len;

	if (dns_tcp_next(t, &message, &len) != 1)
		return;
	strncat(text, (const char *)message, len);
	strncat(text, "|", 8);
	assert_int_equal(dns_tcp_feed(t, (const uint8_t *)"x", 1), 0);
	dns_tcp_pop(t);
}

static void
test_however_it_is_cut(void **state)
{
	struct dns_tcp t = {0};
	const uint8_t *message;
	size_t at, len;

	(void)state;
	for (size_t piece = 1; piece <= STREAM_LEN; piece++) {
		char text[64] = "";

		for (at = 0; at < STREAM_LEN; read_message(&t, text)) {
			len = at + piece < STREAM_LEN ? piece : STREAM_LEN - at;
			at += dns_tcp_feed(&t, stream + at, len);
		}
		assert_string_equal(text, "abc||z|");
		assert_int_equal(dns_tcp_next(&t, &message, &len), 0);
	}
}

static void
test_longest_message(void **state)
{
	static uint8_t data[DNS_TCP_PREFIX + DNS_TCP_QUERY];
	struct dns_tcp t = {0};
	const uint8_t *message;
	size_t len;

	(void)state;
	dns_tcp_prefix(data, DNS_TCP_QUERY);
	assert_int_equal(dns_tcp_feed(&t, data, sizeof(data)), sizeof(data));
	assert_int_equal(dns_tcp_next(&t, &message, &len), 1);
	assert_int_equal(len, DNS_TCP_QUERY);
}

/* Seen as soon as the prefix is there; nothing is taken after it. */
static void
test_longer_message_is_the_end(void **state)
{
	uint8_t data[64] = {0};
	struct dns_tcp t = {0};
	const uint8_t *message;
	size_t len;

	(void)state;
	dns_tcp_prefix(data, DNS_TCP_QUERY + 1);
	assert_int_equal(dns_tcp_feed(&t, data, 1), 1);
	assert_int_equal(dns_tcp_next(&t, &message, &len), 0);
	assert_int_equal(dns_tcp_feed(&t, data + 1, sizeof(data) - 1), 1);
	assert_int_equal(dns_tcp_next(&t, &message, &len), -EMSGSIZE);
	assert_int_equal(dns_tcp_feed(&t, data, sizeof(data)), 0);
	assert_int_equal(dns_tcp_next(&t, &message, &len), -EMSGSIZE);
}

static void
test_prefix(void **state)
{
	uint8_t prefix[DNS_TCP_PREFIX];

	(void)state;
	dns_tcp_prefix(prefix, 0x1234);
	assert_memory_equal(prefix, "\x12\x34", 2);
	dns_tcp_prefix(prefix, 65535);
	assert_memory_equal(prefix, "\xff\xff", 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_however_it_is_cut),
		cmocka_unit_test(test_longest_message),
		cmocka_unit_test(test_longer_message_is_the_end),
		cmocka_unit_test(test_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
