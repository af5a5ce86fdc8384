#include "extension.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "leaf_name.h"

enum {
	KEY_ID_LEN = 20, /* the left 160 bits of SHA-256: RFC 7093, method 1 */
};

X509_EXTENSION *
extension_constraints(bool is_ca)
{
	BASIC_CONSTRAINTS *value = BASIC_CONSTRAINTS_new();
	X509_EXTENSION *extension = NULL;

	if (value == NULL)
		return NULL;
	value->ca = is_ca ? 0xff : 0;
	if (is_ca)
		value->pathlen = ASN1_INTEGER_new();
	if (!is_ca || (value->pathlen != NULL &&
			      ASN1_INTEGER_set(value->pathlen, 0) == 1))
		extension = X509V3_EXT_i2d(NID_basic_constraints, 1, value);
	BASIC_CONSTRAINTS_free(value);
	return extension;
}

X509_EXTENSION *
extension_key_usage(const int *bits)
{
	ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();
	X509_EXTENSION *extension = NULL;
	int ok = value != NULL;

	for (; ok && *bits >= 0; bits++)
		ok = ASN1_BIT_STRING_set_bit(value, *bits, 1);
	if (ok)
		extension = X509V3_EXT_i2d(NID_key_usage, 1, value);
	ASN1_BIT_STRING_free(value);
	return extension;
}

X509_EXTENSION *
extension_server_auth(void)
{
	EXTENDED_KEY_USAGE *value = EXTENDED_KEY_USAGE_new();
	X509_EXTENSION *extension = NULL;

	if (value != NULL &&
		sk_ASN1_OBJECT_push(value, OBJ_nid2obj(NID_server_auth)) > 0)
		extension = X509V3_EXT_i2d(NID_ext_key_usage, 0, value);
	EXTENDED_KEY_USAGE_free(value);
	return extension;
}

X509_EXTENSION *
extension_subject_id(const X509 *certificate)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;

	if (value != NULL &&
		X509_pubkey_digest(certificate, EVP_sha256(), digest, &len) &&
		ASN1_OCTET_STRING_set(value, digest, KEY_ID_LEN))
		extension =
			X509V3_EXT_i2d(NID_subject_key_identifier, 0, value);
	ASN1_OCTET_STRING_free(value);
	return extension;
}

X509_EXTENSION *
extension_authority_id(const X509 *issuer)
{
	AUTHORITY_KEYID *value = AUTHORITY_KEYID_new();
	ASN1_OCTET_STRING *id = X509_get_ext_d2i(
		issuer, NID_subject_key_identifier, NULL, NULL);
	X509_EXTENSION *extension = NULL;

	if (value == NULL || id == NULL) {
		ASN1_OCTET_STRING_free(id);
	} else {
		value->keyid = id;
		extension =
			X509V3_EXT_i2d(NID_authority_key_identifier, 0, value);
	}
	AUTHORITY_KEYID_free(value);
	return extension;
}

/* The one GENERAL_NAME of a leaf. */
static GENERAL_NAME *
general_name(const struct leaf_name *name)
{
	bool is_dns = name->kind == LEAF_NAME_DNS;
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_STRING *value = ASN1_STRING_type_new(
		is_dns ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);

	if (general == NULL || value == NULL ||
		!ASN1_STRING_set(value, name->bytes, name->len)) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(general);
		return NULL;
	}
	GENERAL_NAME_set0_value(general, is_dns ? GEN_DNS : GEN_IPADD, value);
	return general;
}

X509_EXTENSION *
extension_alt_name(const struct leaf_name *name, bool is_critical)
{
	GENERAL_NAMES *value = GENERAL_NAMES_new();
	GENERAL_NAME *general = general_name(name);
	X509_EXTENSION *extension = NULL;

	if (value == NULL || general == NULL ||
		sk_GENERAL_NAME_push(value, general) <= 0)
		GENERAL_NAME_free(general);
	else
		extension = X509V3_EXT_i2d(
			NID_subject_alt_name, is_critical ? 1 : 0, value);
	GENERAL_NAMES_free(value);
	return extension;
}
