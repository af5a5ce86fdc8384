#include "sandbox.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "accounts.h"
#include "ca.h"
#include "context.h"
#include "names.h"
#include "overlay.h"
#include "policy.h"
#include "pool.h"
#include "resolver_share.h"
#include "sandbox_limits.h"
#include "stand_ins.h"

static const double burst_seconds = 2, complaints_per_second = 1;

static void
drop_bytes(struct sandbox *s)
{
	OPENSSL_clear_free(s->authority.bytes, s->authority.len);
	s->authority.bytes = NULL;
}

/* Everything that only the process which serves the sandbox has. */
static int
keep_authority(struct sandbox *s, const struct sandbox_spec *spec,
	const struct limits *limits, const struct upstream *upstream)
{
	s->authority.bytes =
		OPENSSL_memdup(spec->authority, spec->authority_len);
	s->authority.len = spec->authority_len;
	s->authority.mints_per_second = limits->mints_per_second;
	s->pool = pool_new(upstream, s->share);
	if (s->authority.bytes == NULL || s->pool == NULL ||
		EVP_Digest(spec->authority, spec->authority_len,
			s->authority.digest, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	return 0;
}

static int
read_overlay(
	struct sandbox *s, const char *text, char *reterr, size_t reterr_size)
{
	char *why = NULL;
	int r = overlay_read(s->name, text, &s->overlay, &why);

	if (r == -EINVAL)
		snprintf(reterr, reterr_size, "%s",
			why != NULL ? why : "the overlay is bad");
	free(why);
	return r;
}

int
sandbox_new(const struct sandbox_spec *spec, const struct limits *limits,
	const struct upstream *upstream, struct sandbox **ret, char *reterr,
	size_t reterr_size)
{
	struct sandbox *s;
	int r = -ENOMEM;

	if (spec->authority != NULL &&
		!ca_is_export(spec->authority, spec->authority_len)) {
		snprintf(reterr, reterr_size, "not an exported authority");
		return -EINVAL;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	assert(spec->address_count <= SANDBOX_ADDRESSES);
	snprintf(reterr, reterr_size, "out of memory");
	TAILQ_INIT(&s->sessions);
	s->references = 1;
	s->ifindex = spec->ifindex;
	s->address_count = spec->address_count;
	memcpy(s->addresses, spec->addresses,
		spec->address_count * sizeof(*spec->addresses));
	budget_init(&s->connects, limits->connections_per_second,
		limits->connections_per_second * burst_seconds, spec->now);
	budget_init(&s->questions, limits->dns_per_second,
		limits->dns_per_second * burst_seconds, spec->now);
	budget_init(&s->complaints, complaints_per_second, 1, spec->now);
	s->name = strdup(spec->name);
	s->policy_name = strdup(spec->policy_name);
	s->labels = strdup(spec->labels);
	s->seat = seat_new(spec->address_count);
	s->accounts = accounts_new();
	s->share = resolver_share_new();
	s->names = name_watch_new(&limits->names);
	if (s->name == NULL || s->policy_name == NULL || s->labels == NULL ||
		s->seat == NULL || s->accounts == NULL || s->names == NULL ||
		s->share == NULL)
		goto fail;
	r = own_limit_init(
		&s->limit, spec->name, spec->limit_source, &spec->limit);
	if (r < 0)
		goto fail;
	if (spec->overlay != NULL && spec->overlay[0] != '\0') {
		r = read_overlay(s, spec->overlay, reterr, reterr_size);
		if (r < 0)
			goto fail;
	}
	if (spec->stand_ins != NULL && spec->stand_ins[0] != '\0') {
		r = stand_ins_new(spec->stand_ins, &s->stand_ins);
		if (r < 0) {
			snprintf(reterr, reterr_size, "bad stand-ins");
			goto fail;
		}
	}
	if (spec->authority != NULL) {
		r = keep_authority(s, spec, limits, upstream);
		if (r < 0)
			goto fail;
	}
	*ret = s;
	return 0;
fail:
	sandbox_unref(s);
	return r;
}

struct sandbox *
sandbox_ref(struct sandbox *s)
{
	s->references++;
	return s;
}

void
sandbox_unref(struct sandbox *s)
{
	if (s == NULL || --s->references > 0)
		return;
	assert(TAILQ_EMPTY(&s->sessions));
	pool_free(s->pool);
	resolver_share_free(s->share);
	names_free(s->told);
	accounts_free(s->accounts);
	name_watch_free(s->names);
	own_limit_done(&s->limit);
	SSL_CTX_free(s->accept);
	ca_free(s->authority.open);
	drop_bytes(s);
	EVP_PKEY_free(s->authority.rsa_key);
	policy_unref(s->policy);
	overlay_unref(s->overlay);
	stand_ins_unref(s->stand_ins);
	free(s->labels);
	free(s->policy_name);
	free(s->name);
	free(s->seat);
	free(s);
}

void
sandbox_set_policy(struct sandbox *s, struct policy *policy)
{
	policy_ref(policy);
	policy_unref(s->policy);
	s->policy = policy;
	s->set = policy_find(policy, s->policy_name);
	if (s->set != NULL && s->overlay != NULL)
		s->set = overlay_over(s->overlay, s->set);
}

bool
sandbox_is_served(const struct sandbox *s)
{
	return s->pool != NULL;
}

struct ca *
sandbox_ca(struct sandbox *s, char *reterr, size_t reterr_size)
{
	struct ca *ca;

	if (s->authority.open != NULL)
		return s->authority.open;
	if (ca_import(s->authority.bytes, s->authority.len, &ca, reterr,
		    reterr_size) < 0)
		return NULL;
	drop_bytes(s);
	ca_set_budget(ca, s->authority.mints_per_second);
	if (s->authority.rsa_key != NULL)
		ca_set_rsa_key(ca, s->authority.rsa_key);
	s->authority.open = ca;
	return ca;
}

SSL_CTX *
sandbox_accept(struct sandbox *s)
{
	char why[128];
	struct ca *ca = sandbox_ca(s, why, sizeof(why));
	uint8_t ticket[32];

	if (s->accept == NULL && ca != NULL) {
		ca_ticket_secret(ca, ticket);
		s->accept = context_accept(ticket, s->name);
		OPENSSL_cleanse(ticket, sizeof(ticket));
	}
	return s->accept;
}

struct names *
sandbox_names(struct sandbox *s, const struct name_giver *giver)
{
	if (s->told == NULL)
		s->told = names_new(s->name, giver);
	return s->told;
}

bool
sandbox_has_family(const struct sandbox *s, int family)
{
	for (size_t i = 0; i < s->address_count; i++) {
		if (s->addresses[i].family == family)
			return true;
	}
	return false;
}

bool
sandbox_is_alike(const struct sandbox *a, const struct sandbox *b)
{
	if (a->ifindex != b->ifindex || a->address_count != b->address_count ||
		sandbox_is_served(a) != sandbox_is_served(b))
		return false;
	for (size_t i = 0; i < a->address_count; i++) {
		if (a->addresses[i].family != b->addresses[i].family ||
			memcmp(a->addresses[i].bytes, b->addresses[i].bytes,
				16) != 0)
			return false;
	}
	return CRYPTO_memcmp(a->authority.digest, b->authority.digest,
		       sizeof(a->authority.digest)) == 0;
}

static void
swap_texts(char **a, char **b)
{
	char *text = *a;

	*a = *b;
	*b = text;
}

void
sandbox_take_rules(struct sandbox *s, struct sandbox *b)
{
	struct overlay *overlay = s->overlay;
	struct stand_ins *stand_ins = s->stand_ins;
	struct own_limit limit = s->limit;

	s->overlay = b->overlay;
	b->overlay = overlay;
	s->stand_ins = b->stand_ins;
	b->stand_ins = stand_ins;
	s->limit = b->limit;
	b->limit = limit;
	swap_texts(&s->policy_name, &b->policy_name);
	swap_texts(&s->labels, &b->labels);
}

void
sandbox_set_rsa_key(struct sandbox *s, EVP_PKEY *key)
{
	if (!sandbox_is_served(s) || key == NULL)
		return;
	EVP_PKEY_up_ref(key);
	EVP_PKEY_free(s->authority.rsa_key);
	s->authority.rsa_key = key;
	if (s->authority.open != NULL)
		ca_set_rsa_key(s->authority.open, key);
}
