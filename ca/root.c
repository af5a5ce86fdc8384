#include "root.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "authority.h"
#include "certificate.h"
#include "extension.h"
#include "public_half.h"

enum {
	NAME_MAX_LEN = 64, /* of a CN, RFC 5280 appendix A */
	SANDBOX_PART = 47, /* what is left beside "sbx-net " and " %08x" */
};

/* Bit numbers of keyUsage, RFC 5280 4.2.1.3. */
static const int usage[] = {5 /* keyCertSign */, 6 /* cRLSign */, -1};

/*
 * Two authorities of one name in one trust store are a classic failure, and a
 * sandbox that comes back under its old name has a new key: hence the number.
 */
static bool
set_name(X509 *x, const char *sandbox)
{
	X509_NAME *name = X509_get_subject_name(x);
	char text[NAME_MAX_LEN + 1];
	uint32_t number;

	if (RAND_bytes((unsigned char *)&number, sizeof(number)) != 1)
		return false;
	snprintf(text, sizeof(text), "sbx-net %.*s %08x", SANDBOX_PART, sandbox,
		number);
	return certificate_add_name(name, text, strlen(text)) &&
	       X509_set_issuer_name(x, name) == 1;
}

X509 *
root_new(EVP_PKEY *key, const char *sandbox, time_t now)
{
	X509 *x = certificate_new(now - (time_t)CA_BACKDATE_DAYS * CA_DAY,
		now + (time_t)CA_ROOT_DAYS * CA_DAY);
	EVP_PKEY *half = public_half(key);
	bool ok;

	ok = x != NULL && half != NULL && set_name(x, sandbox) &&
	     X509_set_pubkey(x, half) &&
	     certificate_take_extension(x, extension_constraints(true)) &&
	     certificate_take_extension(x, extension_key_usage(usage)) &&
	     certificate_take_extension(x, extension_subject_id(x)) &&
	     X509_sign(x, key, EVP_sha256()) > 0;
	EVP_PKEY_free(half);
	if (ok)
		return x;
	X509_free(x);
	return NULL;
}
