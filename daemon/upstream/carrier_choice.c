/*
 * carrier_choice.c - which connection a request may have
 *
 * One with the same key and nothing else, for a key says to whom and with whose
 * credentials.  Then the protocol: the sandbox's own wherever the origin speaks
 * it, for a bridge is a fall-back.
 */
#include <string.h>

#include "carrier.h"
#include "pool.h"

enum {
	SHARE_MAX = 100, /* leases that wait for one connection */
};

static const double fresh_seconds = 2;

enum tls_offer
carrier_offer(struct pool *p, const struct lease_want *want)
{
	enum spoken spoken = pool_spoken(p, want->key.host, want->key.port);

	if (want->only_http2 && want->key.secure)
		return TLS_OFFER_H2;
	if (want->wish == HTTP_2 && !want->upgrade)
		return want->key.secure ? TLS_OFFER_H2_HTTP1 : TLS_OFFER_H2;
	return want->key.secure && spoken == SPOKEN_ONLY_2 ? TLS_OFFER_H2
							   : TLS_OFFER_HTTP1;
}

static bool
same_key(const struct carrier *c, const struct origin_key *want)
{
	const struct origin_key *key = origin_key(c->origin);

	return key->port == want->port && key->secure == want->secure &&
	       strcmp(key->host, want->host) == 0 &&
	       (!c->bound || (want->credentials != NULL &&
				     strcmp(key->credentials,
					     want->credentials) == 0));
}

static bool
suits_http1(const struct carrier *c, const struct lease_want *want,
	enum spoken spoken)
{
	if (c->lease_count > 0)
		return false;
	return want->wish == HTTP_1 || want->upgrade || !want->key.secure ||
	       spoken == SPOKEN_1;
}

static bool
suits_http2(const struct carrier *c, const struct lease_want *want,
	enum spoken spoken)
{
	const struct http_conn *http = origin_http(c->origin);
	bool may_wait = !http_conn_is_settled(http) &&
			c->lease_count < SHARE_MAX && !want->upgrade;

	if (http_conn_request_room(http) <= c->promised && !may_wait)
		return false;
	if (want->upgrade)
		return http_conn_can_upgrade(http);
	return want->wish == HTTP_2 || spoken == SPOKEN_ONLY_2;
}

bool
carrier_suits(const struct carrier *c, const struct lease_want *want,
	enum spoken spoken, double now)
{
	if (c->retired || !same_key(c, &want->key))
		return false;
	if (!c->begun)
		return (want->wish == HTTP_2 || want->only_http2) &&
		       !want->upgrade && c->offer != TLS_OFFER_HTTP1 &&
		       spoken != SPOKEN_1 && c->lease_count < SHARE_MAX;
	if (want->anew)
		return false;
	if (want->fresh && c->lease_count == 0 &&
		now - c->since > fresh_seconds)
		return false;
	return carrier_is_http2(c) ? suits_http2(c, want, spoken)
				   : suits_http1(c, want, spoken);
}
