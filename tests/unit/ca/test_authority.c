#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ca.h"

enum {
	NOW = 1800000000,
	DAY = 86400,
};

static struct ca *
new_ca(const char *sandbox)
{
	struct ca *ca;
	char err[128];

	assert_int_equal(ca_new(sandbox, NOW, &ca, err, sizeof(err)), 0);
	return ca;
}

static X509 *
root_of(const struct ca *ca)
{
	BIO *bio = BIO_new_mem_buf(ca_pem(ca), -1);
	X509 *root = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(root);
	return root;
}

static bool
is_critical(const X509 *x, int nid)
{
	int at = X509_get_ext_by_NID(x, nid, -1);

	assert_true(at >= 0);
	return X509_EXTENSION_get_critical(X509_get_ext(x, at)) == 1;
}

static void
test_profile_of_the_root(void **state)
{
	struct ca *ca = new_ca("build-1");
	X509 *root = root_of(ca);

	(void)state;
	assert_int_equal(X509_get_version(root), X509_VERSION_3);
	assert_int_equal(X509_get_ext_count(root), 3);
	assert_true(is_critical(root, NID_basic_constraints));
	assert_true(is_critical(root, NID_key_usage));
	assert_false(is_critical(root, NID_subject_key_identifier));
	assert_int_equal(X509_check_ca(root), 1);
	assert_int_equal(X509_get_pathlen(root), 0);
	assert_int_equal(
		X509_get_key_usage(root), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(
		ASN1_STRING_length(X509_get0_subject_key_id(root)), 20);
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(root)), 256);
	assert_int_equal(X509_get_signature_nid(root), NID_ecdsa_with_SHA256);
	assert_int_equal(X509_self_signed(root, 1), 1);
	assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(root)), 16);
	assert_int_equal(
		ASN1_TIME_cmp_time_t(X509_get0_notBefore(root), NOW - 30 * DAY),
		0);
	assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(root),
				 NOW + (time_t)3650 * DAY),
		0);
	X509_free(root);
	ca_free(ca);
}

static void
get_name(const struct ca *ca, char ret[128])
{
	X509 *root = root_of(ca);

	assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(root),
			    NID_commonName, ret, 128) > 0);
	X509_free(root);
}

static void
test_name_is_unique(void **state)
{
	struct ca *a = new_ca("build-1"), *b = new_ca("build-1");
	char name_a[128], name_b[128];

	(void)state;
	get_name(a, name_a);
	get_name(b, name_b);
	assert_memory_equal(name_a, "sbx-net build-1 ", 16);
	assert_int_equal(strlen(name_a), 24);
	assert_int_equal(strspn(name_a + 16, "0123456789abcdef"), 8);
	assert_string_not_equal(name_a, name_b);
	ca_free(a);
	ca_free(b);
}

static void
test_long_name_is_cut_to_what_a_subject_holds(void **state)
{
	char sandbox[64], name[128];
	struct ca *ca;

	(void)state;
	memset(sandbox, 'a', 63);
	sandbox[63] = '\0';
	ca = new_ca(sandbox);
	get_name(ca, name);
	assert_int_equal(strlen(name), 64);
	assert_memory_equal(name, "sbx-net aaa", 11);
	ca_free(ca);
}

static void
test_bad_sandbox_name_is_refused(void **state)
{
	static const char *const names[] = {"", "a b", "a\nb", "a\xc3\xbc"};
	struct ca *ca = NULL;
	char err[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(
			ca_new(names[i], NOW, &ca, err, sizeof(err)), -EINVAL);
		assert_string_equal(err, "bad name of a sandbox");
		assert_null(ca);
	}
}

/* The same root, the same root key and the same leaf key. */
static void
assert_twins(struct ca *ca, struct ca *twin)
{
	struct ca_leaf *leaf, *twin_leaf;
	uint8_t secret[32], twin_secret[32];
	bool made;

	assert_string_equal(ca_pem(ca), ca_pem(twin));
	ca_ticket_secret(ca, secret);
	ca_ticket_secret(twin, twin_secret);
	assert_memory_equal(secret, twin_secret, 32);
	assert_int_equal(
		ca_leaf(ca, "a.example", CA_KEY_EC, NOW, &leaf, &made), 0);
	assert_int_equal(
		ca_leaf(twin, "a.example", CA_KEY_EC, NOW, &twin_leaf, &made),
		0);
	assert_true(made);
	assert_int_equal(
		EVP_PKEY_eq(ca_leaf_key(leaf), ca_leaf_key(twin_leaf)), 1);
	ca_leaf_unref(leaf);
	ca_leaf_unref(twin_leaf);
}

static void
test_export_comes_back_the_same(void **state)
{
	struct ca *ca = new_ca("build-1"), *twin;
	uint8_t *data, *again;
	size_t len, again_len;
	char err[128];

	(void)state;
	assert_int_equal(ca_export(ca, &data, &len), 0);
	assert_int_equal(ca_import(data, len, &twin, err, sizeof(err)), 0);
	assert_twins(ca, twin);
	assert_int_equal(ca_export(twin, &again, &again_len), 0);
	assert_int_equal(len, again_len);
	assert_memory_equal(data, again, len);
	free(data);
	free(again);
	ca_free(ca);
	ca_free(twin);
}

static void
test_ticket_secret_differs_between_sandboxes(void **state)
{
	struct ca *a = new_ca("build-1"), *b = new_ca("build-1");
	uint8_t secret_a[32] = {0}, secret_b[32] = {0};

	(void)state;
	ca_ticket_secret(a, secret_a);
	ca_ticket_secret(b, secret_b);
	assert_memory_not_equal(secret_a, secret_b, 32);
	ca_free(a);
	ca_free(b);
}

static void
test_no_part_of_an_export_is_enough(void **state)
{
	struct ca *ca = new_ca("build-1"), *twin = NULL;
	char err[128];
	uint8_t *data;
	size_t len;

	(void)state;
	assert_int_equal(ca_export(ca, &data, &len), 0);
	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(
			ca_import(data, cut, &twin, err, sizeof(err)), -EINVAL);
		assert_null(twin);
	}
	assert_string_equal(err, "not an exported authority");
	free(data);
	ca_free(ca);
}

/*
 * A changed byte is refused wherever it is, but for the few in a key's DER
 * that carry nothing, where the same authority has to come out.
 */
static void
test_garbled_export_is_refused(void **state)
{
	struct ca *ca = new_ca("build-1"), *twin;
	uint8_t *data;
	size_t len;
	int refused = 0;
	char err[128];

	(void)state;
	assert_int_equal(ca_export(ca, &data, &len), 0);
	for (size_t i = 0; i < len; i++) {
		int r;

		data[i] ^= 0x41;
		r = ca_import(data, len, &twin, err, sizeof(err));
		data[i] ^= 0x41;
		assert_int_equal(ERR_peek_error(), 0);
		if (r < 0) {
			assert_int_equal(r, -EINVAL);
			refused++;
			continue;
		}
		assert_twins(ca, twin);
		ca_free(twin);
	}
	assert_true((size_t)refused * 100 > len * 95);
	free(data);
	ca_free(ca);
}

struct export
{
	uint8_t *data;
	size_t len;
	size_t part[4]; /* where each part begins, and the end */
};

static struct export export_of(struct ca *ca)
{
	struct export e;
	size_t at = 8;

	assert_int_equal(ca_export(ca, &e.data, &e.len), 0);
	for (int i = 0; i < 3; i++) {
		e.part[i] = at;
		at += 4 + (size_t)(e.data[at + 2] << 8 | e.data[at + 3]);
	}
	e.part[3] = at;
	assert_int_equal(at, e.len);
	return e;
}

/* The parts of two authorities do not make a third. */
static void
test_parts_must_belong_together(void **state)
{
	static const struct {
		int from[3]; /* which export */
		int part[3]; /* which part of it */
		const char *expect;
	} rows[] = {
		{{0, 1, 0}, {0, 1, 2},
			"bad authority: the root is of another key"},
		{{1, 0, 0}, {0, 1, 2},
			"bad authority: the root is of another key"},
		{{0, 0, 0}, {0, 1, 1},
			"bad authority: root and leaf share one key"},
		{{0, 0, 0}, {0, 0, 2}, "bad authority: no P-256 root key"},
		{{0, 0, 0}, {0, 1, 0}, "bad authority: no P-256 leaf key"},
		{{0, 0, 0}, {1, 1, 2}, "bad authority: no root certificate"},
	};
	struct ca *ca[2] = {new_ca("build-1"), new_ca("build-2")};
	struct export e[2] = {export_of(ca[0]), export_of(ca[1])};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t mixed[4096];
		size_t len = 8;
		struct ca *twin;
		char err[128];

		memcpy(mixed, e[0].data, 8);
		for (int n = 0; n < 3; n++) {
			const struct export *x = &e[rows[i].from[n]];
			size_t at = x->part[rows[i].part[n]];
			size_t size = x->part[rows[i].part[n] + 1] - at;

			memcpy(mixed + len, x->data + at, size);
			len += size;
		}
		assert_int_equal(ca_import(mixed, len, &twin, err, sizeof(err)),
			-EINVAL);
		assert_string_equal(err, rows[i].expect);
	}
	for (int i = 0; i < 2; i++) {
		free(e[i].data);
		ca_free(ca[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profile_of_the_root),
		cmocka_unit_test(test_name_is_unique),
		cmocka_unit_test(test_long_name_is_cut_to_what_a_subject_holds),
		cmocka_unit_test(test_bad_sandbox_name_is_refused),
		cmocka_unit_test(test_export_comes_back_the_same),
		cmocka_unit_test(test_ticket_secret_differs_between_sandboxes),
		cmocka_unit_test(test_no_part_of_an_export_is_enough),
		cmocka_unit_test(test_garbled_export_is_refused),
		cmocka_unit_test(test_parts_must_belong_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
