/*
 * opening.c - from the first byte to the decision what kind of flow this is
 *
 * What the bytes are decides, never the port; what the name is decides, never
 * the address that was dialled.  Two exceptions, both without a name: DNS
 * over TCP, which every sandbox may speak to us, and flows that an address
 * rule carries, whose server may have to speak first.  An address that we gave
 * out ourselves for a name is that name, for what shows none.
 */
#include "session_part.h"

#include <errno.h>
#include <time.h>

#include "ca.h"
#include "daybook.h"
#include "guard.h"
#include "hello.h"
#include "policy.h"
#include "policy_raw.h"
#include "pool.h"
#include "questions.h"
#include "sandbox.h"
#include "scout.h"
#include "services.h"
#include "sniff.h"
#include "synthetic.h"
#include "tls.h"
#include "tunnel.h"

enum {
	DNS_PORT = 53,
};

enum next
opening_tunnel(struct session *s, const struct policy_verdict *verdict)
{
	s->tunnel = tunnel_new(&s->flow, verdict, session_wake, s);
	if (s->tunnel == NULL)
		return session_refuse(s, RECORD_INTERNAL, "out of memory");
	s->state = S_TUNNEL;
	/* Until there is an origin nobody reads what it says, nor its end. */
	stream_watch(&s->flow.client, false);
	deadline_set(&s->deadline, s->flow.services->limits.idle_seconds);
	return NEXT_STEP;
}

static enum next
refuse_by_policy(struct session *s, const struct policy_verdict *verdict,
	const char *detail)
{
	struct record r;

	/* The two lists of reasons begin alike. */
	flow_record(&s->flow, RECORD_CONNECT, RECORD_DENIED,
		(enum record_reason)verdict->reason, &r);
	flow_record_rule(&r, verdict);
	r.detail = detail;
	daybook_add(s->flow.services->daybook, &r, NULL);
	s->flow.on_record = true;
	return NEXT_CLOSE;
}

static struct policy_verdict
ask_about_address(const struct flow *f)
{
	return policy_decide_address(
		f->sandbox->set, (const struct sockaddr *)&f->original);
}

/* It shows no name: there is the one that its address was given for, or only a
 * rule about the address can allow it. */
static enum next
decide_nameless(struct session *s, const char *detail)
{
	const struct flow *f = &s->flow;
	struct policy_verdict v =
		f->named != NULL
			? policy_decide_raw(f->sandbox->set, f->host, f->port)
			: ask_about_address(f);

	if (v.allowed)
		return opening_tunnel(s, &v);
	return refuse_by_policy(s, &v, detail);
}

/* The origin's protocol, if it is known and the client offers it, or what the
 * client offers. */
static enum tls_alpn
choose_protocol(const struct session *s)
{
	const struct flow *f = &s->flow;
	enum spoken spoken = pool_spoken(f->sandbox->pool, f->host, f->port);
	bool h2 = spoken == SPOKEN_2 || spoken == SPOKEN_ONLY_2;

	if (s->offers_h2 && (h2 || !s->offers_http1))
		return TLS_ALPN_H2;
	return TLS_ALPN_HTTP1;
}

static enum next
begin_handshake(struct session *s)
{
	struct flow *f = &s->flow;
	enum ca_key_type type = s->offers_ecdsa ? CA_KEY_EC : CA_KEY_RSA;
	char why[128];
	struct ca *ca = sandbox_ca(f->sandbox, why, sizeof(why));
	SSL_CTX *context = ca != NULL ? sandbox_accept(f->sandbox) : NULL;
	struct ca_leaf *leaf;
	struct tls *tls;
	bool minted;
	int r;

	if (ca == NULL)
		return session_refuse(s, RECORD_INTERNAL, why);
	if (context == NULL)
		return session_refuse(s, RECORD_INTERNAL, "out of memory");
	r = ca_leaf(ca, f->host, type, time(NULL), &leaf, &minted);
	if (r == -EBUSY)
		return session_refuse(s, RECORD_LIMIT,
			"too many new names at once: no leaf was minted");
	if (r < 0)
		return session_refuse(s, RECORD_CLIENT_TLS,
			r == -ENOKEY ? "the client offers no ECDSA and the "
				       "RSA key is not ready yet"
				     : "no leaf could be made for this name");
	tls = tls_accept(context, f->client.fd, &f->client.in,
		&(struct tls_answer){
			.certificate = ca_leaf_certificate(leaf),
			.key = ca_leaf_key(leaf),
			.protocol = choose_protocol(s),
		});
	ca_leaf_unref(leaf);
	if (tls == NULL)
		return session_refuse(s, RECORD_INTERNAL, "out of memory");
	stream_secure(&f->client, tls);
	f->secure = true;
	s->state = S_HANDSHAKE;
	deadline_set(&s->deadline, f->services->limits.hello_seconds);
	return NEXT_STEP;
}

static enum next
begin_scout(struct session *s, const struct policy_verdict *verdict)
{
	s->scout = scout_new(&s->flow, verdict, session_wake, s);
	if (s->scout == NULL)
		return session_refuse(s, RECORD_INTERNAL, "out of memory");
	s->state = S_SCOUT;
	/* Dialling and its handshake have deadlines of their own. */
	deadline_set(&s->deadline, s->flow.services->limits.idle_seconds);
	return NEXT_STEP;
}

/* The name in the hello decides; without one, the address. */
static enum next
decide_tls(struct session *s, const struct hello *hello)
{
	struct flow *f = &s->flow;
	struct policy_verdict v, by_address;

	f->proto = "tls";
	if (!hello->has_name)
		return decide_nameless(s, "TLS without a server name");
	if (host_normalise(hello->name, hello->name_len, f->host) < 0)
		return session_refuse(s, RECORD_BAD_NAME,
			"the server name in the ClientHello is no host name");
	v = policy_decide_flow(f->sandbox->set, f->host, f->port);
	if (!v.entitled && v.reason != POLICY_RULE_DENY && f->named == NULL) {
		by_address = ask_about_address(f);
		if (by_address.entitled)
			v = by_address;
	}
	if (v.allowed && v.via != POLICY_VIA_INSPECT) {
		if (v.via != POLICY_VIA_ADDRESS && hello->has_ech)
			return session_refuse(s, RECORD_ECH_PASSTHROUGH,
				"an encrypted ClientHello hides the name that "
				"a passthrough rule would have to trust");
		return opening_tunnel(s, &v);
	}
	s->offers_ecdsa = hello->offers_ecdsa;
	s->offers_h2 = hello->offers_h2;
	s->offers_http1 = hello->offers_http1;
	if (v.allowed && s->offers_h2 &&
		pool_spoken(f->sandbox->pool, f->host, f->port) ==
			SPOKEN_UNKNOWN)
		return begin_scout(s, &v);
	return begin_handshake(s);
}

static enum next
first_tls(struct session *s)
{
	struct span bytes = buf_span(&s->flow.client.in);
	struct hello hello;
	const char *why;

	switch (hello_parse(
		(const uint8_t *)bytes.ptr, bytes.len, &hello, &why)) {
	case HELLO_MORE:
		return NEXT_WAIT;
	case HELLO_OK:
		return decide_tls(s, &hello);
	case HELLO_NOT_TLS:
		return decide_nameless(s, "neither TLS nor HTTP");
	case HELLO_BAD:
		break;
	}
	s->flow.proto = "tls";
	return session_refuse(s, RECORD_BAD_HELLO, why);
}

static enum next
first_http(struct session *s, enum http_version version)
{
	struct flow *f = &s->flow;
	struct policy_verdict v;

	/* What Host says decides, as SNI does. */
	if (f->named != NULL) {
		f->host[0] = '\0';
		f->proto = "http";
		return session_serve(s, version);
	}
	v = ask_about_address(f);
	/* An address rule lets everything pass to that address and port; what
	 * only audit would let pass is better read. */
	if (v.entitled)
		return opening_tunnel(s, &v);
	f->proto = "http";
	return session_serve(s, version);
}

enum next
opening_first(struct session *s)
{
	struct stream *c = &s->flow.client;
	struct policy_verdict v;
	enum next next;

	if (s->flow.sandbox->set == NULL) /* taken away while we waited */
		return session_refuse(
			s, RECORD_INTERNAL, "the sandbox's policy is not here");
	stream_fill(c);
	if (opening_listens(s, &v))
		return opening_tunnel(s, &v);
	if (c->in.len == 0 && (c->read_done || c->error != 0))
		return NEXT_CLOSE;
	switch (sniff(buf_span(&c->in))) {
	case SNIFF_TLS:
		next = first_tls(s);
		if (next != NEXT_WAIT)
			return next;
		break;
	case SNIFF_HTTP1:
		return first_http(s, HTTP_1);
	case SNIFF_HTTP2:
		return first_http(s, HTTP_2);
	case SNIFF_OTHER:
		return decide_nameless(s, "neither TLS nor HTTP");
	case SNIFF_MORE:
		break;
	}
	if (c->read_done)
		return session_refuse(s, RECORD_NO_CLIENT_DATA,
			"the connection ended in the middle of its first "
			"message");
	return NEXT_WAIT;
}

/* Everything that can be decided before the first byte. */
enum next
opening_begin(struct session *s)
{
	struct flow *f = &s->flow;
	const struct sockaddr *dst = (const struct sockaddr *)&f->original;
	uint32_t number;

	deadline_set(&s->deadline, f->services->limits.hello_seconds);
	if (f->port == DNS_PORT) {
		f->proto = "dns";
		s->state = S_DNS;
		s->questions = questions_new(f, session_wake, s);
		if (s->questions == NULL)
			return session_refuse(
				s, RECORD_INTERNAL, "out of memory");
		f->on_record = true; /* each question has its own */
		return NEXT_STEP;
	}
	if (guard_is_self(f->services->guard, dst))
		return session_refuse(s, RECORD_SELF,
			"the destination is this host or another sandbox");
	if (f->sandbox->set == NULL || !sandbox_is_served(f->sandbox))
		return session_refuse(s, RECORD_INTERNAL,
			"the sandbox's policy or authority is not here");
	if (synthetic_number(dst, &number) != -EADDRNOTAVAIL)
		return opening_synthetic(s);
	if (policy_decides_early(f->sandbox->set, dst))
		return decide_nameless(s, NULL);
	return NEXT_STEP;
}

/* What the client says meanwhile is held for TLS, like its hello. */
enum next
opening_scout(struct session *s)
{
	struct stream *c = &s->flow.client;

	stream_fill(c);
	if (c->read_done)
		return NEXT_CLOSE;
	if (scout_run(s->scout))
		return NEXT_WAIT;
	scout_free(s->scout);
	s->scout = NULL;
	return begin_handshake(s);
}

enum next
opening_handshake(struct session *s)
{
	struct stream *c = &s->flow.client;
	int r = tls_handshake(c->tls);

	if (r < 0) {
		flow_refused(&s->flow, RECORD_ERROR, RECORD_CLIENT_TLS,
			tls_why(c->tls));
		return NEXT_CLOSE;
	}
	if (r == 0) {
		stream_watch_handshake(c);
		return NEXT_WAIT;
	}
	return session_serve(
		s, tls_alpn(c->tls) == TLS_ALPN_H2 ? HTTP_2 : HTTP_1);
}
