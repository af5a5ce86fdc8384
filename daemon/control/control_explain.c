/*
 * control_explain.c - what would be decided about a URL, and why
 *
 * Asks the code that enforces, in the order in which a connection would: the
 * flow by name or by address, then the request, then the credentials.  What a
 * connection learns only later (the addresses of the name, the origin's
 * certificate) is no part of the answer, and the answer says so.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "control_routes.h"
#include "host.h"
#include "keeper.h"
#include "overlay.h"
#include "policy.h"
#include "record.h"
#include "rules.h"

enum { CREDENTIALS_SHOWN = 64 };

struct question {
	char sandbox[CONTROL_NAME_MAX], policy[CONTROL_NAME_MAX];
	char method[64];
	char url[CONTROL_VALUE_MAX];
	/* of the url: */
	bool tls;
	struct span host;
	uint16_t port;
	char path[CONTROL_VALUE_MAX];
	char name[HOST_MAX + 1]; /* normalised host; "" for an address */
	struct sockaddr_storage address;
};

static const struct {
	const char *scheme;
	bool tls;
	uint16_t port;
} schemes[] = {
	{"https://", true, 443},
	{"http://", false, 80},
	{"wss://", true, 443},
	{"ws://", false, 80},
};

/* Scheme, authority, path without query.  NULL, or what is wrong. */
static const char *
split_url(struct question *q)
{
	const char *rest = NULL, *path, *end;
	uint16_t port = 0;
	struct span authority;

	for (size_t i = 0; i < ARRAY_LEN(schemes) && rest == NULL; i++) {
		size_t len = strlen(schemes[i].scheme);

		if (strncasecmp(q->url, schemes[i].scheme, len) != 0)
			continue;
		rest = q->url + len;
		q->tls = schemes[i].tls;
		port = schemes[i].port;
	}
	if (rest == NULL)
		return "the URL must begin with https:// or http://";
	path = rest + strcspn(rest, "/?#");
	authority = (struct span){rest, (size_t)(path - rest)};
	if (http_rules_authority(authority, &q->host, &q->port) < 0)
		return "the URL names no host[:port]";
	if (q->port == 0)
		q->port = port;
	end = path + strcspn(path, "?#");
	snprintf(q->path, sizeof(q->path), "%s%.*s", *path == '/' ? "" : "/",
		(int)(end - path), path);
	return NULL;
}

/* As a sandbox would dial it: only what inet_pton() takes is an address. */
static const char *
read_address(struct question *q)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&q->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&q->address;
	char text[INET6_ADDRSTRLEN];

	if (q->host.len >= sizeof(text))
		return "the URL's host is no name and no address";
	memcpy(text, q->host.ptr, q->host.len);
	text[q->host.len] = '\0';
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(q->port);
		return NULL;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(q->port);
		return NULL;
	}
	return "the URL's host is an odd spelling of an address: always denied";
}

static const char *
read_host(struct question *q)
{
	int e = host_normalise(q->host.ptr, q->host.len, q->name);

	if (e == 0)
		return NULL;
	q->name[0] = '\0';
	/* What is in brackets comes without them, and with colons. */
	if (e == -EADDRNOTAVAIL ||
		memchr(q->host.ptr, ':', q->host.len) != NULL)
		return read_address(q);
	return "the URL's host is no host name";
}

static const char *
read_question(const struct control_request *request, struct question *q)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} values[] = {
		{"sandbox", q->sandbox, sizeof(q->sandbox)},
		{"policy", q->policy, sizeof(q->policy)},
		{"method", q->method, sizeof(q->method)},
		{"url", q->url, sizeof(q->url)},
	};
	const char *wrong;

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		if (control_query_get(request->query, values[i].key,
			    values[i].to, values[i].size) < 0)
			return "the query cannot be decoded";
	}
	if (q->method[0] == '\0')
		snprintf(q->method, sizeof(q->method), "GET");
	if ((q->sandbox[0] == '\0') == (q->policy[0] == '\0'))
		return "say either sandbox= or policy=";
	wrong = split_url(q);
	return wrong != NULL ? wrong : read_host(q);
}

static struct policy_verdict
decide(const struct policy_set *set, const struct question *q)
{
	struct policy_verdict v;

	if (q->name[0] == '\0')
		return policy_decide_address(
			set, (const struct sockaddr *)&q->address);
	v = policy_decide_flow(set, q->name, q->port);
	if (!v.allowed || v.via != POLICY_VIA_INSPECT)
		return v;
	return policy_decide_request(set, q->name, q->port, q->method, q->path);
}

/* The names of the credentials that would be put into the request. */
static json_t *
credentials(const struct policy_set *set, const struct question *q,
	const struct policy_verdict *v)
{
	const struct policy_injection *found[CREDENTIALS_SHOWN];
	json_t *list = json_array();
	size_t count;

	if (!v->allowed || v->via != POLICY_VIA_INSPECT || q->name[0] == '\0')
		return list;
	count = policy_injections(
		set, q->name, q->port, found, CREDENTIALS_SHOWN);
	if (count > CREDENTIALS_SHOWN)
		count = CREDENTIALS_SHOWN;
	for (size_t i = 0; i < count; i++) {
		if (q->tls || found[i]->plaintext)
			json_array_append_new(
				list, json_string(found[i]->credential));
	}
	return list;
}

static const char *
via_name(enum policy_via via)
{
	switch (via) {
	case POLICY_VIA_INSPECT:
		return "inspect";
	case POLICY_VIA_PASSTHROUGH:
		return "passthrough";
	case POLICY_VIA_ADDRESS:
		break;
	}
	return "address";
}

/* The record's reasons begin with the policy's, in their order. */
static_assert((int)RECORD_RULE_ALLOW == (int)POLICY_RULE_ALLOW &&
		      (int)RECORD_LOCKDOWN == (int)POLICY_LOCKDOWN,
	"the explanations are the record's");

static void
answer(const struct policy_set *set, const struct question *q,
	struct control_reply *reply)
{
	struct policy_verdict v = decide(set, q);
	const char *text = record_reason_text((enum record_reason)v.reason);
	json_t *body = json_pack(
		"{s:s, s:o, s:i, s:s, s:o, s:s, s:s, s:s, s:s, s:o, s:s}",
		"policy", policy_name(set), "host",
		json_stringn(q->host.ptr, q->host.len), "port", (int)q->port,
		"method", q->method, "path", control_reply_string(q->path),
		"verdict", v.allowed ? "allowed" : "denied", "reason",
		policy_reason_name(v.reason), "rule", v.rule, "source",
		v.source, "credentials", credentials(set, q, &v), "explanation",
		text);

	if (q->sandbox[0] != '\0')
		json_object_set_new(body, "sandbox", json_string(q->sandbox));
	if (v.allowed)
		json_object_set_new(body, "via", json_string(via_name(v.via)));
	control_reply_json(reply, 200, body);
}

static void
answer_under_overlay(struct keeper *keeper, const struct policy_set *set,
	const struct question *q, struct control_reply *reply)
{
	struct overlay *o = q->sandbox[0] != '\0'
				    ? keeper_overlay_rules(keeper, q->sandbox)
				    : NULL;

	answer(o != NULL ? overlay_over(o, set) : set, q, reply);
	overlay_unref(o);
}

void
control_explain(
	const struct control_request *request, struct control_reply *reply)
{
	struct question *q = calloc(1, sizeof(*q));
	const struct policy_set *set;
	const char *policy, *wrong;

	if (q == NULL) {
		control_reply_failure(reply, -ENOMEM, NULL);
		return;
	}
	wrong = read_question(request, q);
	if (wrong != NULL) {
		control_reply_error(reply, 400, "bad_request", wrong, NULL);
		goto out;
	}
	policy = q->sandbox[0] == '\0'
			 ? q->policy
			 : keeper_sandbox_policy(request->keeper, q->sandbox);
	set = policy == NULL
		      ? NULL
		      : policy_find(keeper_policy(request->keeper), policy);
	if (set == NULL)
		control_reply_error(reply, 404, "not_found",
			q->sandbox[0] != '\0' ? "there is no such sandbox"
					      : "there is no such policy",
			NULL);
	else
		answer_under_overlay(request->keeper, set, q, reply);
out:
	free(q);
}
