/*
 * opening_name.c - flows to an address that was given for a name
 *
 * A synthetic address says the name of what never says one.  Which name, the
 * sandbox's own table knows; what is not in it yet may have been given out by
 * another worker, so it is asked for, and the flow waits (NAME).  An address
 * that this sandbox was never given leads nowhere, whatever a rule says about
 * its range.
 *
 * Where the rule says so the flow is carried at once.  Else its first bytes
 * are waited for, as always; but where policy would carry whatever they are,
 * only so long as a client takes that speaks first: a server may have to.
 * What is decided is the same either way.
 */
#include "session_part.h"

#include <stdio.h>

#include "array.h"
#include "policy.h"
#include "policy_raw.h"
#include "sandbox.h"
#include "services.h"
#include "synthetic.h"

static const double patience_seconds = 0.1;

static enum next
refuse_unknown(struct session *s)
{
	return session_refuse(s, RECORD_NO_NAME,
		"this synthetic address was never given to this sandbox");
}

static enum next
begin(struct session *s)
{
	struct flow *f = &s->flow;
	struct policy_verdict v;

	snprintf(f->host, sizeof(f->host), "%s", f->named);
	if (f->sandbox->set == NULL)
		return session_refuse(
			s, RECORD_INTERNAL, "the sandbox's policy is not here");
	v = policy_decide_raw(f->sandbox->set, f->host, f->port);
	if (v.allowed && v.at_once)
		return opening_tunnel(s, &v);
	s->state = S_FIRST;
	/* What only audit would let pass is better read. */
	s->listening = v.entitled;
	deadline_set(&s->deadline, v.entitled
					   ? patience_seconds
					   : f->services->limits.hello_seconds);
	return NEXT_STEP;
}

static void
on_heard(struct name_wait *w)
{
	session_wake(container_of(w, struct session, name));
}

enum next
opening_synthetic(struct session *s)
{
	struct flow *f = &s->flow;
	struct names *names = sandbox_names(f->sandbox, &f->services->names);
	uint32_t number;

	if (names == NULL)
		return session_refuse(s, RECORD_INTERNAL, "out of memory");
	if (synthetic_number((const struct sockaddr *)&f->original, &number) <
		0)
		return refuse_unknown(s);
	f->named = names_host(names, number);
	if (f->named != NULL)
		return begin(s);
	s->state = S_NAME;
	s->name.number = number;
	s->name.heard = on_heard;
	names_wait(names, &s->name);
	return NEXT_WAIT;
}

/* What the client says meanwhile is held. */
enum next
opening_name(struct session *s)
{
	struct flow *f = &s->flow;

	stream_fill(&f->client);
	if (s->name.names != NULL)
		return NEXT_WAIT;
	f->named = names_host(f->sandbox->told, s->name.number);
	return f->named != NULL ? begin(s) : refuse_unknown(s);
}

bool
opening_listens(const struct session *s, struct policy_verdict *ret)
{
	const struct flow *f = &s->flow;
	const struct stream *c = &f->client;

	if (f->named == NULL || c->in.len > 0 || c->error != 0 ||
		!(s->silent || c->read_done))
		return false;
	*ret = policy_decide_raw(f->sandbox->set, f->host, f->port);
	return ret->entitled;
}
