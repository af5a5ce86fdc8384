/*
 * The TLS handshake with a client: who fails it and how that is told, and that
 * a name which is denied is opened all the same, to say why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "array.h"
#include "ca.h"
#include "context.h"
#include "loop_until.h"
#include "sandbox.h"
#include "session_lab.h"
#include "tls.h"

static const struct resolver_row rows[] = {{.host = NULL}};

static const char policy[] = "version: 1\n"
			     "policies: {p: {allow: [{host: a.test}]}}\n";

struct scene {
	struct session_lab lab;
	SSL_CTX *context;
	struct tls *tls;
	int client;
};

/* A client that trusts ca (NULL: the sandbox's), for host. */
static void
open_scene(struct scene *s, const char *host, const struct ca *ca)
{
	char why[256];

	memset(s, 0, sizeof(*s));
	session_lab_open(&s->lab, rows, policy);
	if (ca == NULL)
		ca = s->lab.ca;
	assert_int_equal(context_connect(span_of(ca_pem(ca)), &s->context, why,
				 sizeof(why)),
		0);
	s->client = session_lab_dial(&s->lab, 443);
	s->tls =
		tls_connect(s->context, s->client, host, NULL, TLS_OFFER_HTTP1);
	assert_non_null(s->tls);
}

static void
close_scene(struct scene *s)
{
	tls_free(s->tls);
	SSL_CTX_free(s->context);
	close(s->client);
	session_lab_close(&s->lab);
}

/* 1 when the client is content, or negative when it is not. */
static int
shake(struct scene *s)
{
	int r;

	while ((r = tls_handshake(s->tls)) == 0) {
		loop_until_readable(s->lab.loop, s->client, "the handshake");
		tls_readable(s->tls);
	}
	return r;
}

static void
leave(struct scene *s)
{
	shutdown(s->client, SHUT_WR);
}

static void
send_garbage(struct scene *s)
{
	session_lab_send(s->client, "GET / HTTP/1.1\r\n\r\n");
}

static void
wait_too_long(struct scene *s)
{
	(void)s;
}

static void
test_handshakes_that_end(void **state)
{
	static const struct {
		void (*then)(struct scene *s);
		const char *detail, *reason;
	} cases[] = {
		{leave, "was closed during", "it leaves"},
		{send_garbage, "handshake failed", "it goes on in plain text"},
		{wait_too_long, "took too long", "it says no more"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char rest[8192];
		const char *line;
		struct scene s;

		print_message("%s\n", cases[i].reason);
		open_scene(&s, "a.test", NULL);
		if (cases[i].then == wait_too_long)
			s.lab.services.limits.hello_seconds = 0.05;
		assert_int_equal(tls_handshake(s.tls), 0); /* the hello */
		loop_until_readable(s.lab.loop, s.client, "the server's hello");
		cases[i].then(&s);
		line = session_lab_line(&s.lab, "client_tls", "\"error\"");
		assert_non_null(strstr(line, "\"host\":\"a.test\""));
		assert_non_null(strstr(line, cases[i].detail));
		session_lab_read(&s.lab, s.client, "", rest, sizeof(rest));
		assert_int_equal(s.lab.sandbox->connections, 0);
		close_scene(&s);
	}
}

/* The operator must be able to tell what is the matter. */
static void
test_a_client_that_does_not_trust_us(void **state)
{
	const char *line;
	struct scene s;
	char why[256];
	struct ca *other;

	(void)state;
	assert_int_equal(
		ca_new("other", time(NULL), &other, why, sizeof(why)), 0);
	open_scene(&s, "a.test", other);
	assert_true(shake(&s) < 0);
	line = session_lab_line(&s.lab, "client_tls", "\"error\"");
	assert_non_null(strstr(line, "unknown ca"));
	assert_int_equal(s.lab.sandbox->connections, 0);
	close_scene(&s);
	ca_free(other);
}

static void
test_a_denied_name_is_told_why(void **state)
{
	static const char request[] = "GET /x HTTP/1.1\r\nHost: b.test\r\n\r\n";
	char answer[4096];
	size_t len = 0;
	struct scene s;

	(void)state;
	open_scene(&s, "b.test", NULL);
	assert_int_equal(shake(&s), 1); /* the leaf is for that name */
	assert_int_equal(
		tls_write(s.tls, request, strlen(request)), strlen(request));
	answer[0] = '\0';
	while (strstr(answer, "policy_denied") == NULL) {
		ssize_t n =
			tls_read(s.tls, answer + len, sizeof(answer) - 1 - len);

		assert_int_not_equal(n, 0);
		len += n > 0 ? (size_t)n : 0;
		answer[len] = '\0';
		if (n > 0)
			continue;
		loop_until_readable(s.lab.loop, s.client, "the refusal");
		tls_readable(s.tls);
	}
	assert_memory_equal(answer, "HTTP/1.1 403 ", 13);
	session_lab_line(&s.lab, "no_rule", "\"host\":\"b.test\"");
	assert_int_equal(resolver_double_asked(s.lab.services.resolver), 0);
	close_scene(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshakes_that_end),
		cmocka_unit_test(test_a_client_that_does_not_trust_us),
		cmocka_unit_test(test_a_denied_name_is_told_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
