#include "serve_scene.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca.h"
#include "context.h"
#include "loop_until.h"
#include "loopback.h"
#include "sandbox.h"

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = "dead.test", AF_INET, {"127.0.0.9"}},
	{.host = "dead.test", AF_INET6, {NULL}},
	{.host = "silent.test", AF_INET, {"127.0.0.1"}, .after = -1},
	{.host = "silent.test", AF_INET6, {NULL}, .after = -1},
	{.host = NULL},
};

static const char policy[] =
	"version: 1\n"
	"policies:\n"
	"  p:\n"
	"    default: deny\n"
	"    allow:\n"
	"      - {host: [a.test, silent.test, dead.test], port: %u,\n"
	"         method: [GET, POST]}\n";

void
serve_scene_open(struct serve_scene *s)
{
	static const uint8_t ticket[32];
	char text[512], why[256];

	memset(s, 0, sizeof(*s));
	s->listener = loopback_listen("127.0.0.1", 0, SERVE_ORIGINS);
	s->port = loopback_port(s->listener);
	snprintf(s->authority, sizeof(s->authority), "a.test:%u", s->port);
	snprintf(text, sizeof(text), policy, s->port);
	session_lab_open(&s->lab, rows, text);
	s->accept = context_accept(ticket, "origin");
	assert_non_null(s->accept);
	assert_int_equal(context_connect(span_of(ca_pem(s->lab.ca)), &s->trust,
				 why, sizeof(why)),
		0);
}

void
serve_scene_close(struct serve_scene *s)
{
	http_end_close(&s->client);
	for (size_t i = 0; i < s->count; i++)
		http_end_close(&s->origins[i]);
	SSL_CTX_free(s->trust);
	SSL_CTX_free(s->accept);
	close(s->listener);
	session_lab_close(&s->lab);
}

static void
open_client(struct serve_scene *s)
{
	http_end_close(&s->client);
	http_end_open(&s->client, s->lab.services.turn, s->lab.loop,
		session_lab_dial(&s->lab, s->port), false);
}

void
serve_scene_dial(struct serve_scene *s, enum http_version v)
{
	open_client(s);
	http_end_speak(&s->client, v);
	http_conn_set_plain(s->client.http);
}

void
serve_scene_begin_tls(
	struct serve_scene *s, const char *name, enum tls_offer offer)
{
	open_client(s);
	http_end_connect(&s->client, s->trust, name, offer);
}

void
serve_scene_dial_tls(
	struct serve_scene *s, const char *name, enum tls_offer offer)
{
	serve_scene_begin_tls(s, name, offer);
	assert_true(http_end_is_ready(&s->client));
}

static struct http_end *
accept_one(struct serve_scene *s)
{
	struct http_end *e = &s->origins[s->count];

	assert_true(s->count < SERVE_ORIGINS);
	http_end_open(e, s->lab.services.turn, s->lab.loop,
		session_lab_accept(&s->lab, s->listener), true);
	s->count++;
	return e;
}

struct http_end *
serve_scene_origin_plain(struct serve_scene *s, enum http_version v)
{
	struct http_end *e = accept_one(s);

	http_end_speak(e, v);
	return e;
}

struct http_end *
serve_scene_origin(struct serve_scene *s)
{
	return serve_scene_origin_plain(s, HTTP_2);
}

struct http_end *
serve_scene_origin_tls(struct serve_scene *s, enum tls_alpn answer)
{
	struct http_end *e = accept_one(s);

	http_end_accept(e, s->accept, s->lab.ca, "a.test", answer);
	return e;
}

void
serve_scene_assert_no_more(struct serve_scene *s)
{
	struct pollfd p = {.fd = s->listener, .events = POLLIN};

	loop_once(s->lab.loop);
	assert_int_equal(poll(&p, 1, 0), 0);
}

struct http_stream *
serve_scene_ask(struct serve_scene *s, const char *path)
{
	return talk_ask(&s->client, s->authority, path);
}

struct http_stream *
serve_scene_ask_host(struct serve_scene *s, const char *host, const char *path)
{
	char authority[64];

	snprintf(authority, sizeof(authority), "%s:%u", host, s->port);
	return talk_ask(&s->client, authority, path);
}

static bool
has(const char *line, const char *end, const char *part)
{
	return part == NULL ||
	       memmem(line, (size_t)(end - line), part, strlen(part)) != NULL;
}

unsigned
serve_scene_lines(struct serve_scene *s, const char *a, const char *b)
{
	const char *at = session_lab_log(&s->lab), *end;
	unsigned n = 0;

	for (; (end = strchr(at, '\n')) != NULL; at = end + 1)
		n += has(at, end, a) && has(at, end, b);
	return n;
}

struct wanted {
	struct serve_scene *scene;
	const char *a, *b;
	unsigned n;
};

static bool
are_there(void *arg)
{
	struct wanted *w = arg;

	return serve_scene_lines(w->scene, w->a, w->b) >= w->n;
}

void
serve_scene_until(
	struct serve_scene *s, const char *a, const char *b, unsigned n)
{
	struct wanted w = {s, a, b, n};

	loop_until(s->lab.loop, are_there, &w, a);
	assert_int_equal(serve_scene_lines(s, a, b), n);
}

static bool
is_over(void *arg)
{
	struct serve_scene *s = arg;

	return s->lab.sandbox->connections == 0;
}

void
serve_scene_until_over(struct serve_scene *s)
{
	loop_until(s->lab.loop, is_over, s, "the end of all connections");
}
