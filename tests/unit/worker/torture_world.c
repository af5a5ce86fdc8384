#include "torture_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "ca.h"
#include "context.h"
#include "failing_memory.h"
#include "loop_until.h"
#include "sandbox.h"
#include "stand_ins.h"
#include "torture_law.h"

enum {
	PATIENCE_SECONDS = 20, /* only a hang is cut short by it */
	NEVER_SECONDS = 1000,  /* no deadline of ours is to end a step */
};

static const struct place places[SIDES] = {
	[A_TEST] = {"a.test", "127.0.0.1", "a.test", false, true},
	[EVIL_TEST] = {"evil.test", "127.0.0.2", "other.test", true, true},
	[PASS_TEST] = {"pass.test", "127.0.0.3", "pass.test", false, false},
	[H2_TEST] = {"h2.test", "127.0.0.4", "h2.test", true, true},
};

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = "evil.test", AF_INET, {"127.0.0.2"}},
	{.host = "evil.test", AF_INET6, {NULL}},
	{.host = "pass.test", AF_INET, {"127.0.0.3"}},
	{.host = "pass.test", AF_INET6, {NULL}},
	{.host = "h2.test", AF_INET, {"127.0.0.4"}},
	{.host = "h2.test", AF_INET6, {NULL}},
	{.host = NULL},
};

static const char policy_format[] =
	"version: 1\n"
	"credentials:\n"
	"  key: {source: {env: X}, inject: [\n"
	"    {host: h2.test, port: %u, header: X-Key},\n"
	"    {host: evil.test, port: %u, header: X-Key}],\n"
	"    swap: {host: a.test, port: %u, in: [header, body]}}\n"
	"policies:\n"
	"  p:\n"
	"    default: deny\n"
	"    allow:\n"
	"      - {host: a.test, port: %u, method: [GET], query: {x: \"*\"}}\n"
	"      - {host: a.test, port: %u, method: [GET],\n"
	"         limit: {requests: 1000000/s, down: 1TB/s}}\n"
	"      - {host: h2.test, port: %u, method: [GET, POST]}\n"
	"      - {host: evil.test, port: %u}\n"
	"      - {host: pass.test, port: %u, tls: passthrough,\n"
	"         limit: {up: 1TB/s}}\n"
	"    credentials: [key]\n";

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
		side_open(&w->sides[i], &w->lab, &places[i]);
	assert_int_equal(context_connect(span_of(ca_pem(w->lab.ca)), &w->trust,
				 why, sizeof(why)),
		0);
	assert_int_equal(
		stand_ins_new(TORTURE_STAND_INS, &w->lab.sandbox->stand_ins),
		0);
	snprintf(w->policy, sizeof(w->policy), policy_format, s[H2_TEST].port,
		s[EVIL_TEST].port, s[A_TEST].port, s[A_TEST].port,
		s[A_TEST].port, s[H2_TEST].port, s[EVIL_TEST].port,
		s[PASS_TEST].port);
}

void
world_close(struct world *w)
{
	peer_close(&w->client);
	visitor_close(&w->visitor);
	for (int i = 0; i < SIDES; i++)
		side_close(&w->sides[i]);
	SSL_CTX_free(w->trust);
	session_lab_close(&w->lab);
}

static int
dial(struct world *w, uint16_t port)
{
	int fd;

	w->lines = law_lines(&w->lab, NULL, NULL, NULL);
	failing_memory_arm(w->scarce);
	fd = session_lab_dial(&w->lab, port);
	failing_memory_arm(false);
	return fd;
}

void
world_dial(struct world *w, uint16_t port, const char *name)
{
	peer_close(&w->client);
	peer_open(&w->client, dial(w, port), name[0] != '\0' ? w->trust : NULL,
		name);
}

void
world_visit(struct world *w, uint16_t port, const char *name)
{
	visitor_close(&w->visitor);
	visitor_open(&w->visitor, dial(w, port), w->trust, name);
}

bool
world_is_on_record(const struct world *w)
{
	return law_lines(&w->lab, NULL, NULL, NULL) > w->lines;
}

bool
world_is_quiet(const struct world *w)
{
	return w->lab.sandbox->connections == 0;
}

/* ------------------------------------------------------------------------- */

static void
turn(struct world *w)
{
	failing_memory_arm(w->scarce);
	loop_once(w->lab.loop);
	failing_memory_arm(false);
	for (int i = 0; i < SIDES; i++)
		side_run(&w->sides[i]);
	peer_run(&w->client);
	law_hold_clean((struct span){w->client.text, w->client.len});
	visitor_run(&w->visitor);
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
