#include "handover_scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>

#include "array.h"
#include "ca.h"
#include "guard.h"
#include "keyring.h"
#include "link_message.h"
#include "loop_until.h"
#include "policy.h"
#include "sandbox.h"
#include "secret.h"

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = NULL},
};

const struct place box = {
	"box", "p", "10.77.0.2", LAB_IFINDEX, true, {NULL, 0}};

void
scene_open(struct scene *s, const char *text)
{
	memset(s, 0, sizeof(*s));
	session_lab_open(&s->lab, rows, text);
	assert_int_equal(
		ca_export(s->lab.ca, &s->authority, &s->authority_len), 0);
	s->batch = handover_new(7);
	assert_non_null(s->batch);
	assert_int_equal(handover_generation(s->batch), 7);
}

int
scene_commit(struct scene *s)
{
	int r;

	s->why[0] = '\0';
	r = handover_apply(s->batch, &s->lab.services, &s->lab.policy, s->why,
		sizeof(s->why));
	handover_free(s->batch);
	s->batch = handover_new(8);
	assert_non_null(s->batch);
	return r;
}

void
scene_close(struct scene *s)
{
	handover_free(s->batch);
	free(s->authority);
	session_lab_close(&s->lab);
}

void
scene_add_document(struct scene *s, const char *text)
{
	char *copy = strdup(text); /* what is added is copied */
	struct link_document d = {.name = "p.yaml", .text = span_of(copy)};

	assert_int_equal(handover_add_document(s->batch, &d), 0);
	memset(copy, 'x', strlen(copy));
	free(copy);
}

void
scene_add_sandbox(struct scene *s, const struct place *p)
{
	char *name = strdup(p->name);
	struct link_sandbox b = {
		.name = name,
		.interface = "veth0",
		.policy = p->policy,
		.labels = "{\"new\":1}",
		.source = "s.yaml:1",
		.overlay = s->overlay != NULL ? s->overlay : "",
		.limit_source = s->limit_source != NULL ? s->limit_source : "",
		.limit = {{1000, 60}},
		.ifindex = p->ifindex,
		.address_count = 1,
		.addresses = {{.family = AF_INET}},
		.served = p->served,
		.authority = {(const char *)s->authority, s->authority_len},
	};

	if (p->authority.ptr != NULL)
		b.authority = p->authority;
	assert_int_equal(
		inet_pton(AF_INET, p->address, b.addresses[0].bytes), 1);
	assert_int_equal(handover_add_sandbox(s->batch, &b), 0);
	memset(name, 'x', strlen(name));
	free(name);
}

void
scene_add_secret(struct scene *s, const char *name, const char *value)
{
	struct link_secret secret = {.name = name,
		.present = value != NULL,
		.value = span_of(value)};

	assert_int_equal(handover_add_secret(s->batch, &secret), 0);
}

struct sandbox *
scene_find(struct scene *s, const char *name)
{
	return sandboxes_find(s->lab.services.sandboxes, name);
}

const char *
scene_who(struct scene *s, uint32_t ifindex, const char *address)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	const struct sandbox *found;

	assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
	found = sandboxes_identify(
		s->lab.services.sandboxes, ifindex, (struct sockaddr *)&from);
	return found != NULL ? found->name : "nobody";
}

bool
scene_is_self(struct scene *s, const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
	return guard_is_self(s->lab.services.guard, (struct sockaddr *)&to);
}

bool
scene_may_reach(struct scene *s, const char *name, const char *host)
{
	struct sandbox *b = scene_find(s, name);

	assert_non_null(b);
	assert_non_null(b->set);
	return policy_decide_flow(b->set, host, 443).allowed;
}

void
scene_assert_value(struct scene *s, const char *name, const char *want)
{
	const struct secret *v = keyring_get(s->lab.services.keyring, name);

	if (want == NULL) {
		assert_null(v);
		return;
	}
	assert_non_null(v);
	assert_true(span_equals(secret_bytes(v), span_of(want)));
}

bool
is_open(int client)
{
	char byte;

	return recv(client, &byte, 1, 0) < 0 && errno == EAGAIN;
}
