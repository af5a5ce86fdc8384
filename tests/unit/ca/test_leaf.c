#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ca.h"

enum {
	NOW = 1800000000,
	DAY = 86400,
	TEXT_MAX = 512,
};

#define A10 "aaaaaaaaaa"
#define HOST_64 A10 A10 A10 A10 A10 ".aaaaa.example"
#define HOST_65 A10 A10 A10 A10 A10 ".aaaaaa.example"

static const uint8_t address4[4] = {192, 0, 2, 7};
static const uint8_t address6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};

static struct ca *ca;
static X509 *root;

static int
set_up(void **state)
{
	char err[128];
	BIO *bio;

	(void)state;
	if (ca_new("build-1", NOW, &ca, err, sizeof(err)) < 0)
		return -1;
	bio = BIO_new_mem_buf(ca_pem(ca), -1);
	root = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return root != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	X509_free(root);
	ca_free(ca);
	return 0;
}

static struct ca_leaf *
leaf_of(const char *host, enum ca_key_type type)
{
	struct ca_leaf *leaf;
	bool made;

	assert_int_equal(ca_leaf(ca, host, type, NOW, &leaf, &made), 0);
	return leaf;
}

static struct ca_leaf *
leaf_of_address(int family, const uint8_t *address)
{
	struct ca_leaf *leaf;
	bool made;

	assert_int_equal(ca_leaf_address(ca, family, address, CA_KEY_EC, NOW,
				 &leaf, &made),
		0);
	return leaf;
}

/* What OpenSSL prints of the one extension of that kind. */
static bool
extension_text(const X509 *x, int nid, char text[TEXT_MAX], bool *ret_critical)
{
	int at = X509_get_ext_by_NID(x, nid, -1);
	X509_EXTENSION *extension = X509_get_ext(x, at);
	BIO *bio = BIO_new(BIO_s_mem());
	int len;

	text[0] = '\0';
	if (at >= 0 && X509_get_ext_by_NID(x, nid, at) < 0 &&
		X509V3_EXT_print(bio, extension, 0, 0) == 1) {
		len = BIO_read(bio, text, TEXT_MAX - 1);
		text[len > 0 ? len : 0] = '\0';
		*ret_critical = X509_EXTENSION_get_critical(extension) == 1;
	}
	BIO_free(bio);
	return text[0] != '\0';
}

struct expected {
	int nid;
	bool critical;
	const char *text;
};

static void
assert_extensions(const X509 *x, const struct expected *expected, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[TEXT_MAX];
		bool critical = false;

		if (!extension_text(x, expected[i].nid, text, &critical))
			fail_msg("not there: %s", OBJ_nid2sn(expected[i].nid));
		assert_string_equal(text, expected[i].text);
		if (critical != expected[i].critical)
			fail_msg("critical: %s", OBJ_nid2sn(expected[i].nid));
	}
}

static void
assert_subject(const X509 *x, const char *expect)
{
	char text[TEXT_MAX];

	X509_NAME_oneline(X509_get_subject_name(x), text, sizeof(text));
	assert_string_equal(text, expect);
}

static void
assert_time(const ASN1_TIME *time, time_t expect)
{
	assert_int_equal(ASN1_TIME_cmp_time_t(time, expect), 0);
}

static void
test_profile_of_a_host(void **state)
{
	static const struct expected expected[] = {
		{NID_basic_constraints, true, "CA:FALSE"},
		{NID_key_usage, true, "Digital Signature"},
		{NID_ext_key_usage, false, "TLS Web Server Authentication"},
		{NID_subject_alt_name, false, "DNS:api.example.org"},
	};
	struct ca_leaf *leaf = leaf_of("api.example.org", CA_KEY_EC);
	const X509 *x = ca_leaf_certificate(leaf);

	(void)state;
	assert_int_equal(X509_get_version(x), X509_VERSION_3);
	assert_int_equal(X509_get_ext_count(x), 6);
	assert_extensions(x, expected, 4);
	assert_subject(x, "/CN=api.example.org");
	assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(x),
				 X509_get_subject_name(root)),
		0);
	assert_int_equal(X509_get_signature_nid(x), NID_ecdsa_with_SHA256);
	assert_time(X509_get0_notBefore(x), NOW - 30 * DAY);
	assert_time(X509_get0_notAfter(x), NOW + 30 * DAY);
	ca_leaf_unref(leaf);
}

static void
test_identifiers_are_of_issuer_and_key(void **state)
{
	struct ca_leaf *leaf = leaf_of("api.example.org", CA_KEY_EC);
	X509 *x = ca_leaf_certificate(leaf);
	const ASN1_OCTET_STRING *of_root = X509_get0_subject_key_id(root);
	const ASN1_OCTET_STRING *of_leaf = X509_get0_subject_key_id(x);
	AUTHORITY_KEYID *issuer =
		X509_get_ext_d2i(x, NID_authority_key_identifier, NULL, NULL);

	(void)state;
	assert_non_null(issuer);
	assert_int_equal(ASN1_STRING_cmp(issuer->keyid, of_root), 0);
	assert_null(issuer->issuer);
	assert_null(issuer->serial);
	assert_int_equal(ASN1_STRING_length(of_leaf), 20);
	assert_int_not_equal(ASN1_STRING_cmp(of_leaf, of_root), 0);
	assert_int_equal(X509_check_private_key(x, ca_leaf_key(leaf)), 1);
	assert_int_not_equal(
		X509_check_private_key(root, ca_leaf_key(leaf)), 1);
	AUTHORITY_KEYID_free(issuer);
	ca_leaf_unref(leaf);
}

static void
test_serials_are_random_and_of_one_length(void **state)
{
	uint8_t before[16] = {0};

	(void)state;
	for (int i = 0; i < 20; i++) {
		char host[] = "a.example";
		struct ca_leaf *leaf;
		const ASN1_INTEGER *serial;

		host[0] = (char)('a' + i);
		leaf = leaf_of(host, CA_KEY_EC);
		serial = X509_get0_serialNumber(ca_leaf_certificate(leaf));
		assert_int_equal(ASN1_STRING_length(serial), 16);
		assert_int_equal(ASN1_STRING_get0_data(serial)[0] >> 6, 1);
		assert_memory_not_equal(
			before, ASN1_STRING_get0_data(serial), 16);
		memcpy(before, ASN1_STRING_get0_data(serial), 16);
		ca_leaf_unref(leaf);
	}
}

static void
test_names_that_do_and_do_not_fit_a_subject(void **state)
{
	static const struct {
		const char *host, *subject;
		struct expected alt;
	} rows[] = {
		{HOST_64, "/CN=" HOST_64,
			{NID_subject_alt_name, false, "DNS:" HOST_64}},
		{HOST_65, "", {NID_subject_alt_name, true, "DNS:" HOST_65}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ca_leaf *leaf = leaf_of(rows[i].host, CA_KEY_EC);
		const X509 *x = ca_leaf_certificate(leaf);

		assert_subject(x, rows[i].subject);
		assert_extensions(x, &rows[i].alt, 1);
		ca_leaf_unref(leaf);
	}
}

static void
test_addresses_are_addresses(void **state)
{
	static const struct expected alt4 = {
		NID_subject_alt_name, false, "IP Address:192.0.2.7"};
	static const struct expected alt6 = {
		NID_subject_alt_name, false, "IP Address:2001:DB8:0:0:0:0:0:7"};
	struct ca_leaf *leaf4 = leaf_of_address(AF_INET, address4);
	struct ca_leaf *leaf6 = leaf_of_address(AF_INET6, address6);
	struct ca_leaf *leaf;
	bool made;

	(void)state;
	assert_extensions(ca_leaf_certificate(leaf4), &alt4, 1);
	assert_extensions(ca_leaf_certificate(leaf6), &alt6, 1);
	assert_subject(ca_leaf_certificate(leaf4), "/CN=192.0.2.7");
	assert_subject(ca_leaf_certificate(leaf6), "/CN=2001:db8::7");
	assert_int_equal(ca_leaf_address(ca, AF_INET, address4, CA_KEY_EC, NOW,
				 &leaf, &made),
		0);
	assert_false(made);
	ca_leaf_unref(leaf);
	assert_int_equal(ca_leaf_address(ca, AF_UNIX, address4, CA_KEY_EC, NOW,
				 &leaf, &made),
		-EINVAL);
	ca_leaf_unref(leaf4);
	ca_leaf_unref(leaf6);
}

static void
test_no_leaf_for_what_is_no_name(void **state)
{
	static const char *const names[] = {"", "a.org,DNS:b.org", "192.0.2.1",
		"Example.org", "a..org", "*.example.org", "::1", "a.org."};
	struct ca_leaf *leaf = NULL;
	bool made;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int r = ca_leaf(ca, names[i], CA_KEY_EC, NOW, &leaf, &made);

		if (r != -EINVAL || leaf != NULL)
			fail_msg("%s: %d", names[i], r);
	}
}

static void
test_rsa_needs_and_uses_its_key(void **state)
{
	static const struct expected usage = {
		NID_key_usage, true, "Digital Signature, Key Encipherment"};
	EVP_PKEY *first = EVP_RSA_gen(2048), *second = EVP_RSA_gen(2048);
	struct ca_leaf *leaf = NULL;
	bool made;

	(void)state;
	assert_int_equal(
		ca_leaf(ca, "rsa.example", CA_KEY_RSA, NOW, &leaf, &made),
		-ENOKEY);
	assert_null(leaf);
	ca_set_rsa_key(ca, first);
	leaf = leaf_of("rsa.example", CA_KEY_RSA);
	assert_extensions(ca_leaf_certificate(leaf), &usage, 1);
	assert_int_equal(X509_get_signature_nid(ca_leaf_certificate(leaf)),
		NID_ecdsa_with_SHA256);
	assert_int_equal(
		X509_check_private_key(ca_leaf_certificate(leaf), first), 1);
	ca_leaf_unref(leaf);

	ca_set_rsa_key(ca, second);
	leaf = leaf_of("rsa.example", CA_KEY_RSA);
	assert_ptr_equal(ca_leaf_key(leaf), second);
	assert_int_equal(
		X509_check_private_key(ca_leaf_certificate(leaf), second), 1);
	ca_leaf_unref(leaf);
	EVP_PKEY_free(first);
	EVP_PKEY_free(second);
}

/* X509_V_OK or why OpenSSL at its strictest does not take the leaf. */
static int
verify(X509 *anchor, const struct ca_leaf *leaf, const char *host, time_t now)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int error;

	assert_int_equal(X509_STORE_add_cert(store, anchor), 1);
	assert_int_equal(X509_STORE_CTX_init(
				 ctx, store, ca_leaf_certificate(leaf), NULL),
		1);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(
		param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	X509_VERIFY_PARAM_set_time(param, now);
	X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1)
		X509_VERIFY_PARAM_set1_host(param, host, 0);
	X509_verify_cert(ctx);
	error = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return error;
}

static void
test_strict_openssl_takes_it_for_its_name_only(void **state)
{
	static const struct {
		const char *host;
		int days;
		int expect;
	} rows[] = {
		{"api.example.org", 0, X509_V_OK},
		{"api.example.org", -29, X509_V_OK},
		{"api.example.org", 29, X509_V_OK},
		{"api.example.org", 31, X509_V_ERR_CERT_HAS_EXPIRED},
		{"example.org", 0, X509_V_ERR_HOSTNAME_MISMATCH},
		{"x.api.example.org", 0, X509_V_ERR_HOSTNAME_MISMATCH},
		{"192.0.2.7", 0, X509_V_ERR_IP_ADDRESS_MISMATCH},
	};
	struct ca_leaf *leaf = leaf_of("api.example.org", CA_KEY_EC);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int error = verify(root, leaf, rows[i].host,
			NOW + (time_t)rows[i].days * DAY);

		if (error != rows[i].expect)
			fail_msg("%s, day %d: %s", rows[i].host, rows[i].days,
				X509_verify_cert_error_string(error));
	}
	ca_leaf_unref(leaf);
}

static void
test_strict_openssl_takes_every_kind(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	struct ca_leaf *leaves[4];
	const char *const hosts[4] = {
		HOST_65, "192.0.2.7", "2001:db8::7", "rsa.example"};

	(void)state;
	ca_set_rsa_key(ca, key);
	leaves[0] = leaf_of(HOST_65, CA_KEY_EC);
	leaves[1] = leaf_of_address(AF_INET, address4);
	leaves[2] = leaf_of_address(AF_INET6, address6);
	leaves[3] = leaf_of("rsa.example", CA_KEY_RSA);
	for (int i = 0; i < 4; i++) {
		int error = verify(root, leaves[i], hosts[i], NOW);

		if (error != X509_V_OK)
			fail_msg("%s: %s", hosts[i],
				X509_verify_cert_error_string(error));
		ca_leaf_unref(leaves[i]);
	}
	EVP_PKEY_free(key);
}

static void
test_another_sandbox_does_not_trust_it(void **state)
{
	struct ca_leaf *leaf = leaf_of("api.example.org", CA_KEY_EC);
	X509 *own = root;

	(void)state;
	ca_free(ca);
	assert_int_equal(set_up(NULL), 0);
	assert_int_equal(verify(own, leaf, "api.example.org", NOW), X509_V_OK);
	assert_int_not_equal(
		verify(root, leaf, "api.example.org", NOW), X509_V_OK);
	X509_free(own);
	ca_leaf_unref(leaf);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_profile_of_a_host),
		TEST(test_identifiers_are_of_issuer_and_key),
		TEST(test_serials_are_random_and_of_one_length),
		TEST(test_names_that_do_and_do_not_fit_a_subject),
		TEST(test_addresses_are_addresses),
		TEST(test_no_leaf_for_what_is_no_name),
		TEST(test_rsa_needs_and_uses_its_key),
		TEST(test_strict_openssl_takes_it_for_its_name_only),
		TEST(test_strict_openssl_takes_every_kind),
		TEST(test_another_sandbox_does_not_trust_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
