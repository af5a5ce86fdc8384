#include "torture_world.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "ca.h"
#include "context.h"
#include "failing_memory.h"
#include "loop_until.h"
#include "loopback.h"

enum {
	PATIENCE_SECONDS = 20, /* only a hang is cut short by it */
	NEVER_SECONDS = 1000,  /* no deadline of ours is to end a step */
};

static const struct {
	const char *host, *address, *certified;
} places[SIDES] = {
	[A_TEST] = {"a.test", "127.0.0.1", "a.test"},
	[EVIL_TEST] = {"evil.test", "127.0.0.2", "other.test"},
	[PASS_TEST] = {"pass.test", "127.0.0.3", "pass.test"},
};

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = "evil.test", AF_INET, {"127.0.0.2"}},
	{.host = "evil.test", AF_INET6, {NULL}},
	{.host = "pass.test", AF_INET, {"127.0.0.3"}},
	{.host = "pass.test", AF_INET6, {NULL}},
	{.host = NULL},
};

static const char policy_format[] =
	"version: 1\n"
	"credentials:\n"
	"  key: {source: {env: X}, inject: [\n"
	"    {host: a.test, port: %u, header: X-Key},\n"
	"    {host: evil.test, port: %u, header: X-Key}]}\n"
	"policies:\n"
	"  p:\n"
	"    default: deny\n"
	"    allow:\n"
	"      - {host: a.test, port: %u, method: [GET]}\n"
	"      - {host: evil.test, port: %u}\n"
	"      - {host: pass.test, port: %u, tls: passthrough}\n"
	"    credentials: [key]\n";

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
			     "hello";

static void
open_side(struct world *w, int i)
{
	struct side *side = &w->sides[i];
	uint8_t ticket[32] = {(uint8_t)i};
	struct ca_leaf *leaf;
	bool minted;

	side->listener = loopback_listen(places[i].address, 0, SIDE_PEERS);
	side->port = loopback_port(side->listener);
	side->context = context_accept(ticket, places[i].host);
	assert_non_null(side->context);
	/* It answers for sessions of tls.c, which the origins' are not. */
	SSL_CTX_set_alpn_select_cb(side->context, NULL, NULL);
	assert_int_equal(ca_leaf(w->lab.ca, places[i].certified, CA_KEY_EC,
				 time(NULL), &leaf, &minted),
		0);
	assert_int_equal(
		SSL_CTX_use_cert_and_key(side->context,
			ca_leaf_certificate(leaf), ca_leaf_key(leaf), NULL, 1),
		1);
	ca_leaf_unref(leaf);
	for (int n = 0; n < SIDE_PEERS; n++)
		side->peers[n].fd = -1;
}

static void
be_patient(struct services *s)
{
	s->limits.hello_seconds = NEVER_SECONDS;
	s->limits.head_seconds = NEVER_SECONDS;
	s->limits.idle_seconds = NEVER_SECONDS;
	s->upstream.handshake_seconds = NEVER_SECONDS;
	s->upstream.dialler.timeout = NEVER_SECONDS;
}

void
world_open(struct world *w)
{
	const struct side *s = w->sides;
	char why[256];

	memset(w, 0, sizeof(*w));
	w->client.fd = -1;
	session_lab_open(&w->lab, rows, NULL);
	be_patient(&w->lab.services);
	for (int i = 0; i < SIDES; i++)
		open_side(w, i);
	assert_int_equal(context_connect(span_of(ca_pem(w->lab.ca)), &w->trust,
				 why, sizeof(why)),
		0);
	snprintf(w->policy, sizeof(w->policy), policy_format, s[A_TEST].port,
		s[EVIL_TEST].port, s[A_TEST].port, s[EVIL_TEST].port,
		s[PASS_TEST].port);
}

void
world_close(struct world *w)
{
	peer_close(&w->client);
	for (int i = 0; i < SIDES; i++) {
		for (size_t n = 0; n < w->sides[i].count; n++)
			peer_close(&w->sides[i].peers[n]);
		SSL_CTX_free(w->sides[i].context);
		close(w->sides[i].listener);
	}
	SSL_CTX_free(w->trust);
	session_lab_close(&w->lab);
}

void
world_dial(struct world *w, uint16_t port, const char *name)
{
	int fd;

	peer_close(&w->client);
	w->lines = world_lines(w, NULL, NULL, NULL);
	failing_memory_arm(w->scarce);
	fd = session_lab_dial(&w->lab, port);
	failing_memory_arm(false);
	peer_open(&w->client, fd, name[0] != '\0' ? w->trust : NULL, name);
}

/* ---- the law ------------------------------------------------------------- */

static bool
has(const char *line, const char *end, const char *part)
{
	return part == NULL ||
	       memmem(line, (size_t)(end - line), part, strlen(part)) != NULL;
}

unsigned
world_lines(const struct world *w, const char *a, const char *b, const char *c)
{
	const char *at = session_lab_log(&w->lab), *end;
	unsigned n = 0;

	for (; (end = strchr(at, '\n')) != NULL; at = end + 1)
		n += has(at, end, a) && has(at, end, b) && has(at, end, c);
	return n;
}

/* As many allowed decisions about this host, at least. */
static void
hold_connection_to_record(struct world *w, int i)
{
	char host[64];

	snprintf(host, sizeof(host), "\"host\":\"%s\"", places[i].host);
	if (world_lines(w, host, "\"event\":\"decision\"",
		    "\"verdict\":\"allowed\"") < w->sides[i].count)
		fail_msg("%s was dialled off the record", places[i].host);
}

static void
hold_request_to_record(struct world *w, const char *text)
{
	const char *path = strchr(text, ' ') + 1;
	const char *key = strstr(text, "X-Key: " TORTURE_SECRET "\r\n");
	char part[64];

	snprintf(part, sizeof(part),
		"\"path\":\"%.*s\",\"verdict\":\"allowed\"",
		(int)strcspn(path, " "), path);
	assert_int_equal(
		world_lines(w, part, "\"event\":\"decision\"", NULL), 1);
	assert_int_equal(world_lines(w, part, "\"injected\":\"key\"", NULL),
		key != NULL);
	assert_null(
		strstr(key != NULL ? key + 7 + strlen(TORTURE_SECRET) : text,
			TORTURE_SECRET));
}

static void
hear(struct world *w, int i, struct peer *p)
{
	if (p->len > 0 && i == EVIL_TEST)
		fail_msg("an unverified origin was told: %s", p->text);
	if (strstr(p->text, "\r\n\r\n") == NULL)
		return;
	if (i == A_TEST)
		hold_request_to_record(w, p->text);
	else /* what passes unopened is the client's own */
		assert_null(strstr(p->text, TORTURE_SECRET));
	peer_forget(p);
	peer_say(p, answer, strlen(answer));
	peer_run(p);
}

static bool
is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void
run_side(struct world *w, int i)
{
	struct side *side = &w->sides[i];

	if (is_readable(side->listener)) {
		assert_true(side->count < SIDE_PEERS);
		peer_open(&side->peers[side->count++],
			session_lab_accept(&w->lab, side->listener),
			side->context, NULL);
		hold_connection_to_record(w, i);
	}
	for (size_t n = 0; n < side->count; n++) {
		peer_run(&side->peers[n]);
		hear(w, i, &side->peers[n]);
	}
}

/* ------------------------------------------------------------------------- */

static void
turn(struct world *w)
{
	failing_memory_arm(w->scarce);
	loop_once(w->lab.loop);
	failing_memory_arm(false);
	for (int i = 0; i < SIDES; i++)
		run_side(w, i);
	peer_run(&w->client);
	assert_null(memmem(w->client.text, w->client.len, TORTURE_SECRET,
		strlen(TORTURE_SECRET)));
}

void
world_until(
	struct world *w, bool (*holds)(const struct world *w), const char *what)
{
	time_t end = time(NULL) + PATIENCE_SECONDS;

	while (!holds(w)) {
		if (time(NULL) > end)
			fail_msg("waited in vain for: %s (request %ld fails)",
				what, w->at);
		turn(w);
	}
}
