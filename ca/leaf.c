/*
 * leaf.c - the leaf for a name: from the cache, or made now
 *
 * Theory of operation
 *
 * A leaf is fresh while now lies between its first day and a week before its
 * last.  A fresh leaf is handed out; any other costs one token of the budget
 * and is replaced.  Its life is cut to that of the root, and where it was cut
 * it counts as fresh for good: a new leaf could not be any better, and would
 * be made again at every call.
 */
#include "leaf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "authority.h"
#include "crypto_error.h"
#include "leaf_mint.h"

struct ca_leaf {
	unsigned refs;
	X509 *certificate;
	EVP_PKEY *key;
	bool cut_before; /* its life begins or ends with the root's */
	bool cut_after;
	time_t fresh_from;
	time_t fresh_until;
};

struct ca_leaf *
leaf_ref(struct ca_leaf *leaf)
{
	leaf->refs++;
	return leaf;
}

void
ca_leaf_unref(struct ca_leaf *leaf)
{
	if (leaf == NULL || --leaf->refs > 0)
		return;
	X509_free(leaf->certificate);
	EVP_PKEY_free(leaf->key);
	free(leaf);
}

X509 *
ca_leaf_certificate(const struct ca_leaf *leaf)
{
	return leaf->certificate;
}

EVP_PKEY *
ca_leaf_key(const struct ca_leaf *leaf)
{
	return leaf->key;
}

static bool
is_fresh(const struct ca_leaf *leaf, time_t now)
{
	return (leaf->cut_before || now >= leaf->fresh_from) &&
	       (leaf->cut_after || now < leaf->fresh_until);
}

static struct ca_leaf *
make_leaf(const struct ca *ca, const struct leaf_key *key, time_t now)
{
	const struct leaf_issuer issuer = {ca->root, ca->signer};
	const struct leaf_mould *mould = &ca->moulds[key->type];
	time_t from = now - (time_t)CA_BACKDATE_DAYS * CA_DAY;
	time_t until = now + (time_t)CA_LEAF_DAYS * CA_DAY;
	struct ca_leaf *leaf = malloc(sizeof(*leaf));

	if (leaf == NULL)
		return NULL;
	*leaf = (struct ca_leaf){.refs = 1, .key = mould->key};
	EVP_PKEY_up_ref(mould->key);
	leaf->cut_before = from < ca->not_before;
	leaf->cut_after = until > ca->not_after;
	if (leaf->cut_before)
		from = ca->not_before;
	if (leaf->cut_after)
		until = ca->not_after;
	leaf->fresh_from = from;
	leaf->fresh_until = until - (time_t)CA_LEAF_RENEW_DAYS * CA_DAY;
	leaf->certificate = leaf_mint(&issuer, mould, &key->name, from, until);
	if (leaf->certificate == NULL) {
		ca_leaf_unref(leaf);
		return NULL;
	}
	return leaf;
}

static int
find_or_make(struct ca *ca, const struct leaf_key *key, time_t now,
	struct ca_leaf **ret, bool *ret_minted)
{
	struct ca_leaf *leaf;
	int r;

	if (ca->moulds[key->type].key == NULL)
		return -ENOKEY;
	leaf = leaf_cache_find(&ca->cache, key);
	if (leaf != NULL && is_fresh(leaf, now)) {
		*ret = leaf_ref(leaf);
		*ret_minted = false;
		return 0;
	}
	if (!mint_budget_take(&ca->budget, now))
		return -EBUSY;
	leaf = authority_prepare(ca, key->type) ? make_leaf(ca, key, now)
						: NULL;
	if (leaf == NULL)
		return crypto_error("cannot make a leaf", NULL, 0);
	r = leaf_cache_put(&ca->cache, key, leaf);
	if (r < 0) {
		ca_leaf_unref(leaf);
		return r;
	}
	*ret = leaf;
	*ret_minted = true;
	return 0;
}

int
ca_leaf(struct ca *ca, const char *host, enum ca_key_type type, time_t now,
	struct ca_leaf **ret, bool *ret_minted)
{
	struct leaf_key key = {.type = type};
	int r = leaf_name_host(host, &key.name);

	return r < 0 ? r : find_or_make(ca, &key, now, ret, ret_minted);
}

/* NOLINTBEGIN(readability-function-size): ca_leaf() and two words more */
int
ca_leaf_address(struct ca *ca, int family, const uint8_t *address,
	enum ca_key_type type, time_t now, struct ca_leaf **ret,
	bool *ret_minted)
{
	struct leaf_key key = {.type = type};
	int r = leaf_name_address(family, address, &key.name);

	return r < 0 ? r : find_or_make(ca, &key, now, ret, ret_minted);
}
/* NOLINTEND(readability-function-size) */
