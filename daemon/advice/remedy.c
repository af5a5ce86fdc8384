/*
 * remedy.c - from a denial to the change that lifts it
 *
 * Deny rules win, so they come first: each that matches has to go or to be
 * narrowed, and policy says what it would decide then.  If that is still a no,
 * one rule for exactly this request, at the end of the allow list, makes it a
 * yes: rules before it allow something else, or they would have allowed this.
 * At the end, because a flow goes the way of the first rule that allows it,
 * and what is passed through today shall not be opened tomorrow.
 *
 * There are two exceptions.  An ambiguous path or query: the first rule with
 * such a key denies it, and only a rule without one, before that, could allow
 * it.  And bytes that are neither TLS nor HTTP: the first rule for the port
 * says whether it carries them, so one that does has to stand before it.
 */
#include "remedy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judgement.h"
#include "rule_line.h"

struct search {
	const struct judgement_question *q;
	struct remedy found;
	bool no_memory;
};

static void say(struct search *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
say(struct search *s, const char *format, ...)
{
	struct remedy *r = &s->found;
	va_list ap;

	if (r->count == REMEDY_LINES)
		return;
	va_start(ap, format);
	if (vasprintf(&r->lines[r->count], format, ap) < 0)
		s->no_memory = true;
	else
		r->count++;
	va_end(ap);
}

static void
set_rule(struct search *s, const struct rule_line *line)
{
	size_t size;
	FILE *out = open_memstream(&s->found.rule, &size);

	if (out == NULL) {
		s->no_memory = true;
		return;
	}
	rule_line_put(out, line);
	if (fclose(out) != 0)
		s->no_memory = true;
}

/* The narrowest rule for the request itself. */
static void
add_rule(struct search *s)
{
	const struct judgement_question *q = s->q;
	bool path = rule_line_takes_path(q->path);
	bool method = rule_line_takes_method(q->method);
	char *pattern = path ? rule_line_pattern(q->path) : NULL;
	const char *paths[] = {pattern};
	struct rule_line line = {
		.host = q->host,
		.port = q->port,
		.methods = &q->method,
		.method_count = method,
		.paths = paths,
		.path_count = path,
	};

	if (path && pattern == NULL)
		s->no_memory = true;
	else
		set_rule(s, &line);
	if (!method)
		say(s, "a rule cannot name this method (rules hold upper-case "
		       "ones): it has to allow every method");
	if (!path)
		say(s, "the path is ambiguous, which no rule with a path "
		       "allows: have the client send the plain path, or "
		       "allow every path");
	free(pattern);
}

/* The rule that came nearest, for whoever would rather widen than add. */
static void
say_nearest(struct search *s, const struct policy_verdict *v)
{
	switch (v->reason) {
	case POLICY_PORT:
		say(s,
			"%s (%s) allows this host on other ports: it would do "
			"to add port %u there",
			v->rule, v->source, s->q->port);
		break;
	case POLICY_METHOD:
		say(s,
			"%s (%s) allows this host with other methods: %s could "
			"be added there, with all that rule allows",
			v->rule, v->source, s->q->method);
		break;
	case POLICY_PATH:
		say(s,
			"%s (%s) allows this method on other paths: this path "
			"could be added there",
			v->rule, v->source);
		break;
	case POLICY_QUERY:
		say(s,
			"%s (%s) allows this path with other queries: what it "
			"asks of the query could be widened there; a rule for "
			"the path, as below, allows every query",
			v->rule, v->source);
		break;
	case POLICY_HEADER:
		say(s,
			"%s (%s) allows this with other header fields: what it "
			"asks of them could be widened there; a rule for the "
			"path, as below, asks for none",
			v->rule, v->source);
		break;
	default:
		break;
	}
}

static void
for_request(struct search *s)
{
	const struct judgement_question *q = s->q;
	const struct policy_request request = judgement_request(q);
	struct policy_obstacles o = policy_find_obstacles(q->set, &request);

	for (size_t i = 0; i < o.count; i++)
		say(s,
			"%s (%s) stands in the way: deny wins over allow, so "
			"it "
			"has to be narrowed or to go",
			o.items[i].rule, o.items[i].source);
	if (o.count == POLICY_OBSTACLES_MAX)
		say(s, "there may be more deny rules in the way");
	if (o.beyond.allowed) {
		say(s, "%s (%s) would allow it then", o.beyond.rule,
			o.beyond.source);
		return;
	}
	if (o.beyond.reason == POLICY_PATH_AMBIGUOUS) {
		say(s,
			"the path can be read in two ways, and %s (%s) decides "
			"by path: have the client send the plain path",
			o.beyond.rule, o.beyond.source);
		return;
	}
	if (o.beyond.reason == POLICY_QUERY_AMBIGUOUS) {
		say(s,
			"the query can be read in two ways, and %s (%s) "
			"decides by query: have the client send a plain one",
			o.beyond.rule, o.beyond.source);
		return;
	}
	say_nearest(s, &o.beyond);
	add_rule(s);
}

/* Behind every rule stands only what is no entry of a list: the default. */
static void
set_before(struct search *s, const char *rule)
{
	if (strchr(rule, '[') == NULL)
		return;
	s->found.before = strdup(rule);
	if (s->found.before == NULL)
		s->no_memory = true;
}

/* Any bytes to the name: the rule for them says so, for every port can be
 * given to them so. */
static void
for_raw(struct search *s, const struct judgement *j)
{
	const struct rule_line line = {
		.host = s->q->host, .port = s->q->port, .protocol = "tcp"};

	if (j->reason == RECORD_RULE_DENY) {
		say(s, "%s (%s) stands in the way: deny wins over allow",
			j->rule, j->source);
		return;
	}
	if (j->reason == RECORD_NOT_RAW) {
		say(s,
			"%s (%s) is for TLS and HTTP there: a rule for other "
			"bytes to that port has to stand before it, and what "
			"it carries, TLS and HTTP too, is read by nobody",
			j->rule, j->source);
		set_before(s, j->rule);
	}
	set_rule(s, &line);
}

/* What whoever opens an address should know. */
static void
say_what_it_opens(struct search *s, const struct judgement *j)
{
	if (s->q->protocol == POLICY_TCP)
		say(s, "better: use a name, so that what is sent is looked at; "
		       "a rule about an address carries bytes that nobody "
		       "reads");
	else if (s->q->quic)
		say(s, "better: none; a client that is refused QUIC takes TCP "
		       "at once, where what is sent is looked at");
	else
		say(s, "a rule about packets lets through whatever they hold; "
		       "the host has to forward them");
	if (j->reason == RECORD_PORT)
		say(s, "%s (%s) allows this address on other ports", j->rule,
			j->source);
}

static void
for_address(struct search *s, const struct judgement *j)
{
	static const char *const protocols[] = {
		[POLICY_TCP] = NULL,
		[POLICY_UDP] = "udp",
		[POLICY_ICMP] = "icmp",
	};
	char text[INET6_ADDRSTRLEN];
	struct rule_line line = {.address = text,
		.port = s->q->port,
		.protocol = protocols[s->q->protocol]};
	const struct sockaddr *dst = s->q->dst;
	const void *bytes =
		dst->sa_family == AF_INET
			? (const void *)&((const struct sockaddr_in *)dst)
				  ->sin_addr
			: (const void *)&((const struct sockaddr_in6 *)dst)
				  ->sin6_addr;

	if (j->reason == RECORD_RULE_DENY) {
		say(s, "%s (%s) stands in the way: deny wins over allow",
			j->rule, j->source);
		return;
	}
	inet_ntop(dst->sa_family, bytes, text, sizeof(text));
	say_what_it_opens(s, j);
	set_rule(s, &line);
}

int
remedy_find(const struct judgement_question *q,
	const struct judgement *judgement, struct remedy *ret)
{
	struct search s = {.q = q};

	if (judgement->reason == RECORD_METHOD_REFUSED)
		say(&s, "nothing: TRACE, TRACK and CONNECT are refused for "
			"everybody");
	else if (judgement->reason == RECORD_LOCKDOWN)
		say(&s, "the sandbox is locked down: \"sbx-netctl policy set "
			"SANDBOX --mode policy\" ends that and keeps the rules "
			"of its overlay, \"policy clear\" takes them away too");
	else if (q->raw && q->host[0] != '\0')
		for_raw(&s, judgement);
	else if (q->host[0] == '\0')
		for_address(&s, judgement);
	else
		for_request(&s);
	if (s.no_memory) {
		remedy_done(&s.found);
		return -ENOMEM;
	}
	*ret = s.found;
	return 0;
}

void
remedy_done(struct remedy *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->lines[i]);
	free(r->rule);
	free(r->before);
	*r = (struct remedy){.rule = NULL};
}
