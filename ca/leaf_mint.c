#include "leaf_mint.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/x509.h>

#include "certificate.h"
#include "extension.h"
#include "leaf_mould.h"
#include "leaf_name.h"

enum {
	CN_MAX = 64, /* RFC 5280 appendix A */
	ADDRESS4_LEN = 4,
};

/*
 * CN is what people see in a dialog; programs read the SAN.  A name that does
 * not fit is left out, and then the SAN has to be critical (RFC 5280 4.2.1.6):
 * Java and strict OpenSSL refuse the leaf otherwise.
 */
static bool
add_names(X509 *x, const struct leaf_name *name)
{
	const char *text = (const char *)name->bytes;
	char address[INET6_ADDRSTRLEN];
	bool fits;

	if (name->kind == LEAF_NAME_ADDRESS)
		text = inet_ntop(name->len == ADDRESS4_LEN ? AF_INET : AF_INET6,
			name->bytes, address, sizeof(address));
	fits = strlen(text) <= CN_MAX;
	if (fits && !certificate_add_name(
			    X509_get_subject_name(x), text, strlen(text)))
		return false;
	return certificate_take_extension(x, extension_alt_name(name, !fits));
}

static bool
add_mould(X509 *x, const struct leaf_mould *mould)
{
	for (size_t i = 0; i < LEAF_MOULD_EXTENSIONS; i++) {
		if (!X509_add_ext(x, mould->extensions[i], -1))
			return false;
	}
	return X509_set_pubkey(x, mould->public_key) == 1;
}

/* A copy of the prepared context saves looking the algorithms up again. */
static bool
sign(X509 *x, const EVP_MD_CTX *prepared)
{
	EVP_MD_CTX *signer = EVP_MD_CTX_new();
	bool ok = signer != NULL && EVP_MD_CTX_copy_ex(signer, prepared) == 1 &&
		  X509_sign_ctx(x, signer) > 0;

	EVP_MD_CTX_free(signer);
	return ok;
}

X509 *
leaf_mint(const struct leaf_issuer *issuer, const struct leaf_mould *mould,
	const struct leaf_name *name, time_t not_before, time_t not_after)
{
	X509 *x = certificate_new(not_before, not_after);

	if (x == NULL)
		return NULL;
	if (X509_set_issuer_name(x, X509_get_subject_name(issuer->root)) &&
		add_mould(x, mould) && add_names(x, name) &&
		sign(x, issuer->signer))
		return x;
	X509_free(x);
	return NULL;
}
