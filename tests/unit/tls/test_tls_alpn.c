/* Which protocol the two ends of TLS agree on, and what becomes of it when
 * they do not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "array.h"
#include "tls_pair.h"

static const struct {
	enum tls_offer offer;
	enum tls_alpn answer, agreed;
	bool fails;
	const char *reason;
} cases[] = {
	{TLS_OFFER_HTTP1, TLS_ALPN_HTTP1, TLS_ALPN_HTTP1, false, "the one"},
	{TLS_OFFER_H2, TLS_ALPN_H2, TLS_ALPN_H2, false, "the one, HTTP/2"},
	{TLS_OFFER_H2_HTTP1, TLS_ALPN_H2, TLS_ALPN_H2, false, "first of two"},
	{TLS_OFFER_H2_HTTP1, TLS_ALPN_HTTP1, TLS_ALPN_HTTP1, false,
		"second of two"},
	{TLS_OFFER_HTTP1_H2, TLS_ALPN_HTTP1, TLS_ALPN_HTTP1, false,
		"first, the other way round"},
	{TLS_OFFER_HTTP1_H2, TLS_ALPN_H2, TLS_ALPN_H2, false,
		"second, the other way round"},
	{TLS_OFFER_H2_HTTP1, TLS_ALPN_NONE, TLS_ALPN_NONE, false,
		"an answer without the extension"},
	{TLS_OFFER_H2, TLS_ALPN_NONE, TLS_ALPN_NONE, false,
		"… which is no refusal of what was offered alone"},
	{TLS_OFFER_HTTP1, TLS_ALPN_H2, TLS_ALPN_NONE, true, "not offered"},
	{TLS_OFFER_H2, TLS_ALPN_HTTP1, TLS_ALPN_NONE, true,
		"not offered, HTTP/1.1"},
};

static void
test_one_of_what_is_offered_is_answered(void **state)
{
	int client, server;
	struct tls_pair p;

	(void)state;
	tls_pair_open(&p, "a.test");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int expected = cases[i].fails ? -EPROTO : 1;

		p.offer = cases[i].offer;
		p.answer = cases[i].answer;
		tls_pair_begin(&p, "a.test", NULL);
		assert_int_equal(tls_alpn(p.client), TLS_ALPN_NONE);
		tls_pair_shake(&p, &client, &server);
		if (client != expected || server != expected ||
			tls_alpn(p.client) != cases[i].agreed ||
			tls_alpn(p.server) != cases[i].agreed ||
			tls_refused_protocols(p.client) != cases[i].fails)
			fail_msg("%s: %d %d, agreed on %d %d", cases[i].reason,
				client, server, tls_alpn(p.client),
				tls_alpn(p.server));
		tls_pair_end(&p);
	}
	tls_pair_close(&p);
}

static unsigned char offered[64];
static size_t offered_len;

/* Looks at the list as it came, and lies. */
static int
answer_another(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
	const unsigned char *in, unsigned len, void *arg)
{
	struct span name = *(struct span *)arg;

	(void)ssl;
	assert_true(len <= sizeof(offered));
	memcpy(offered, in, len);
	offered_len = len;
	*ret = (const unsigned char *)name.ptr;
	*ret_len = (unsigned char)name.len;
	return SSL_TLSEXT_ERR_OK;
}

static void
test_the_offer_is_in_the_order_that_was_asked_for(void **state)
{
	static const struct {
		enum tls_offer offer;
		struct span wire;
	} orders[] = {
		{TLS_OFFER_HTTP1, {"\x08http/1.1", 9}},
		{TLS_OFFER_H2, {"\x02h2", 3}},
		{TLS_OFFER_H2_HTTP1, {"\x02h2\x08http/1.1", 12}},
		{TLS_OFFER_HTTP1_H2, {"\x08http/1.1\x02h2", 12}},
	};
	struct span name = SPAN_LITERAL("h2");
	int client, server;
	struct tls_pair p;

	(void)state;
	tls_pair_open(&p, "a.test");
	SSL_CTX_set_alpn_select_cb(p.accept, answer_another, &name);
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		p.offer = orders[i].offer;
		tls_pair_begin(&p, "a.test", NULL);
		tls_pair_shake(&p, &client, &server);
		assert_int_equal(offered_len, orders[i].wire.len);
		assert_memory_equal(offered, orders[i].wire.ptr, offered_len);
		tls_pair_end(&p);
	}
	tls_pair_close(&p);
}

/* Threat 34: what was not offered would be read by the wrong codec.  OpenSSL
 * sees to it; older ones did not. */
static void
test_threat_34_an_origin_that_chooses_what_was_not_offered(void **state)
{
	static const struct {
		enum tls_offer offer;
		struct span name;
		int result;
		const char *reason;
	} lies[] = {
		{TLS_OFFER_HTTP1, {"http/1.1", 8}, 1, "the truth"},
		{TLS_OFFER_HTTP1, {"h2", 2}, -EPROTO, "the other one"},
		{TLS_OFFER_H2, {"http/1.1", 8}, -EPROTO, "the other one"},
		{TLS_OFFER_H2_HTTP1, {"spdy/3", 6}, -EPROTO, "unknown"},
		{TLS_OFFER_H2_HTTP1, {"h", 1}, -EPROTO, "a part of one"},
	};
	struct span name;
	int client, server;
	struct tls_pair p;

	(void)state;
	tls_pair_open(&p, "a.test");
	SSL_CTX_set_alpn_select_cb(p.accept, answer_another, &name);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		name = lies[i].name;
		p.offer = lies[i].offer;
		tls_pair_begin(&p, "a.test", NULL);
		tls_pair_shake(&p, &client, &server);
		if (client != lies[i].result)
			fail_msg("%s: %d", lies[i].reason, client);
		assert_false(tls_refused_protocols(p.client));
		tls_pair_end(&p);
	}
	tls_pair_close(&p);
}

/* A client that is not ours, with this list; true: the handshake went well. */
static bool
foreign_client(struct tls_pair *p, struct span list)
{
	SSL *ssl;
	int client = 0, server = 0;

	tls_pair_begin(p, "a.test", NULL);
	ssl = SSL_new(p->connect);
	assert_non_null(ssl);
	assert_int_equal(SSL_set_fd(ssl, p->fds[1]), 1);
	assert_int_equal(SSL_set_tlsext_host_name(ssl, "a.test"), 1);
	if (list.len > 0)
		assert_int_equal(SSL_set_alpn_protos(ssl,
					 (const unsigned char *)list.ptr,
					 (unsigned)list.len),
			0);
	for (int i = 0; i < 20 && client != 1 && server >= 0; i++) {
		client = SSL_connect(ssl);
		tls_readable(p->server);
		if (server == 0)
			server = tls_handshake(p->server);
	}
	SSL_free(ssl);
	return client == 1 && server == 1;
}

static void
test_clients_of_all_kinds(void **state)
{
	static const struct {
		struct span list;
		enum tls_alpn answer;
		bool done;
		enum tls_alpn agreed;
		const char *reason;
	} clients[] = {
		{{"", 0}, TLS_ALPN_HTTP1, true, TLS_ALPN_NONE, "no ALPN"},
		{{"", 0}, TLS_ALPN_NONE, true, TLS_ALPN_NONE, "no ALPN, none"},
		{{"\x03"
		  "foo",
			 4},
			TLS_ALPN_HTTP1, false, TLS_ALPN_NONE,
			"only unknown ones: an alert"},
		{{"\x03"
		  "foo",
			 4},
			TLS_ALPN_NONE, true, TLS_ALPN_NONE,
			"only unknown ones, ignored"},
		{{"\x03"
		  "foo\x02h2",
			 7},
			TLS_ALPN_H2, true, TLS_ALPN_H2, "one known"},
	};
	struct tls_pair p;

	(void)state;
	tls_pair_open(&p, "a.test");
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		p.answer = clients[i].answer;
		if (foreign_client(&p, clients[i].list) != clients[i].done ||
			tls_alpn(p.server) != clients[i].agreed)
			fail_msg("%s", clients[i].reason);
		tls_pair_end(&p);
	}
	tls_pair_close(&p);
}

/* Other failures are not taken for a refusal of the protocol. */
static void
test_tells_a_refusal_from_other_failures(void **state)
{
	int client, server;
	struct tls_pair p;

	(void)state;
	tls_pair_open(&p, "a.test");
	tls_pair_begin(&p, "b.test", NULL);
	tls_pair_shake(&p, &client, &server);
	assert_int_equal(client, -EPROTO);
	assert_false(tls_refused_protocols(p.client));
	tls_pair_end(&p);

	tls_pair_begin(&p, "a.test", NULL);
	assert_int_equal(tls_handshake(p.client), 0);
	shutdown(p.fds[0], SHUT_RDWR);
	tls_readable(p.client);
	assert_int_equal(tls_handshake(p.client), -EPROTO);
	assert_false(tls_refused_protocols(p.client));
	tls_pair_end(&p);
	tls_pair_close(&p);
}

static SSL_SESSION *kept;

static int
keep(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

/* A ticket does not bring its protocol along: each handshake agrees anew. */
static void
test_resumption_with_another_protocol(void **state)
{
	static const struct {
		enum tls_offer offer;
		enum tls_alpn answer;
		bool resumed;
	} turns[] = {
		{TLS_OFFER_HTTP1, TLS_ALPN_HTTP1, false},
		{TLS_OFFER_H2_HTTP1, TLS_ALPN_H2, true},
		{TLS_OFFER_H2, TLS_ALPN_NONE, true},
		{TLS_OFFER_HTTP1_H2, TLS_ALPN_HTTP1, true},
	};
	int client, server;
	struct tls_pair p;
	char byte;

	(void)state;
	tls_pair_open(&p, "a.test");
	SSL_CTX_sess_set_new_cb(p.connect, keep);
	for (int version = TLS1_3_VERSION; version >= TLS1_2_VERSION;
		version--) {
		SSL_CTX_set_max_proto_version(p.connect, version);
		for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
			p.offer = turns[i].offer;
			p.answer = turns[i].answer;
			tls_pair_begin(&p, "a.test", kept);
			tls_pair_shake(&p, &client, &server);
			assert_int_equal(client, 1);
			assert_int_equal(server, 1);
			assert_int_equal(
				tls_resumed(p.client), turns[i].resumed);
			assert_int_equal(tls_alpn(p.client), p.answer);
			assert_int_equal(tls_alpn(p.server), p.answer);
			tls_readable(p.client);
			assert_int_equal(tls_read(p.client, &byte, 1), -EAGAIN);
			tls_pair_end(&p);
		}
		SSL_SESSION_free(kept);
		kept = NULL;
	}
	tls_pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_of_what_is_offered_is_answered),
		cmocka_unit_test(
			test_the_offer_is_in_the_order_that_was_asked_for),
		cmocka_unit_test(
			test_threat_34_an_origin_that_chooses_what_was_not_offered),
		cmocka_unit_test(test_clients_of_all_kinds),
		cmocka_unit_test(test_tells_a_refusal_from_other_failures),
		cmocka_unit_test(test_resumption_with_another_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
