#include "certificate.h"

#include <openssl/rand.h>
#include <openssl/x509.h>

enum {
	VERSION_3 = 2, /* the field counts from 0 */
	SERIAL_LEN = 16,
};

/*
 * The top bits are 01: positive without a leading zero byte, and always of the
 * same length.
 */
static bool
set_serial(X509 *x)
{
	unsigned char serial[SERIAL_LEN];

	if (RAND_bytes(serial, sizeof(serial)) != 1)
		return false;
	serial[0] = (unsigned char)((serial[0] & 0x3f) | 0x40);
	return ASN1_STRING_set(
		       X509_get_serialNumber(x), serial, sizeof(serial)) == 1;
}

X509 *
certificate_new(time_t not_before, time_t not_after)
{
	X509 *x = X509_new();

	if (x == NULL)
		return NULL;
	if (!X509_set_version(x, VERSION_3) || !set_serial(x) ||
		ASN1_TIME_set(X509_getm_notBefore(x), not_before) == NULL ||
		ASN1_TIME_set(X509_getm_notAfter(x), not_after) == NULL) {
		X509_free(x);
		return NULL;
	}
	return x;
}

bool
certificate_add_name(X509_NAME *name, const char *text, size_t len)
{
	return X509_NAME_add_entry_by_NID(name, NID_commonName,
		       V_ASN1_UTF8STRING, (const unsigned char *)text, (int)len,
		       -1, 0) == 1;
}

bool
certificate_take_extension(X509 *x, X509_EXTENSION *extension)
{
	bool ok = extension != NULL && X509_add_ext(x, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return ok;
}
