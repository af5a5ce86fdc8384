#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "array.h"
#include "keystore.h"
#include "trust.h"

static char dir[] = "/tmp/test_trust.XXXXXX";

/* A certificate of that name, self-signed, as PEM: the caller frees it. */
static char *
make_certificate(const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long len;

	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	PEM_write_bio_X509(bio, x);
	len = BIO_get_mem_data(bio, &data);
	text = strndup(data, (size_t)len);
	BIO_free(bio);
	X509_free(x);
	EVP_PKEY_free(key);
	return text;
}

static char *
read_file(const char *name, size_t *ret_len)
{
	char path[256];
	char *text = calloc(1, 1 << 20);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (file == NULL)
		fail_msg("%s: %s", path, strerror(errno));
	*ret_len = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	return text;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_trust.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static size_t
count_hashed(void)
{
	char path[256];
	struct dirent *entry;
	size_t count = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/certs", dir);
	d = opendir(path);
	while ((entry = readdir(d)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(d);
	return count;
}

static void
test_writes_what_the_variables_point_at(void **state)
{
	char *one = make_certificate("root one");
	char *two = make_certificate("root one");
	char *ca = make_certificate("the sandbox");
	struct trust trust = {.authority = ca};
	char text[256], *roots, *got;
	mode_t mask = umask(0077);
	size_t len;

	(void)state;
	/* Without a newline at its end, as some bundles are. */
	assert_true(asprintf(&roots, "# comment\n%s%s", one, two) > 0);
	roots[strlen(roots) - 1] = '\0';
	trust.roots = roots;
	if (trust_write(&trust, dir, text, sizeof(text)) < 0)
		fail_msg("%s", text);
	umask(mask);

	got = read_file("ca.pem", &len);
	assert_string_equal(got, ca);
	free(got);
	got = read_file("bundle.pem", &len);
	assert_non_null(strstr(got, one));
	assert_non_null(strstr(got, ca));
	assert_non_null(strstr(got, "-----END CERTIFICATE-----\n-----BEGIN"));
	free(got);
	/* Two of the same name stand beside each other. */
	assert_int_equal(count_hashed(), 3);

	for (size_t i = 0; i < trust_variable_count(); i++) {
		struct trust_variable v = trust_variable_get(i, dir);
		const char *path = strchr(v.value, '/');
		struct stat st;

		if (path == NULL)
			continue;
		if (stat(path, &st) < 0)
			fail_msg("%s=%s: %s", v.name, v.value, strerror(errno));
		if ((st.st_mode & 0444) != 0444)
			fail_msg("%s=%s: not for everybody", v.name, v.value);
	}
	assert_int_equal(trust_write(&trust, dir, text, sizeof(text)), -EEXIST);
	free(one);
	free(two);
	free(ca);
	free(roots);
}

static void
test_which_variables_and_of_which_kind(void **state)
{
	static const struct {
		const char *name, *value;
		const char *why;
	} cases[] = {
		{"NODE_EXTRA_CA_CERTS", "/d/ca.pem", "additive: it alone"},
		{"DENO_CERT", "/d/ca.pem", "additive"},
		{"SSL_CERT_FILE", "/d/bundle.pem", "replacing: with roots"},
		{"SSL_CERT_DIR", "/d/certs", "a directory"},
		{"CURL_CA_BUNDLE", "/d/bundle.pem", "replacing"},
		{"GIT_SSL_CAINFO", "/d/bundle.pem", "replacing"},
		{"REQUESTS_CA_BUNDLE", "/d/bundle.pem", "replacing"},
		{"PIP_CERT", "/d/bundle.pem", "replacing"},
		{"npm_config_cafile", "/d/bundle.pem", "replacing"},
		{"CARGO_HTTP_CAINFO", "/d/bundle.pem", "replacing"},
		{"AWS_CA_BUNDLE", "/d/bundle.pem", "replacing"},
		{"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "/d/bundle.pem",
			"replacing"},
		{"JAVA_TOOL_OPTIONS",
			"-Djavax.net.ssl.trustStore=/d/truststore.jks",
			"an option"},
		{"PHP_INI_SCAN_DIR", ":/d/php", "the usual place first"},
		{"NIX_SSL_CERT_FILE", "/d/bundle.pem", "replacing"},
		{"UV_SYSTEM_CERTS", "true", "a switch"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *value = "";

		for (size_t j = 0; j < trust_variable_count(); j++) {
			struct trust_variable v = trust_variable_get(j, "/d");

			if (strcmp(v.name, cases[i].name) != 0)
				continue;
			value = v.value;
			break;
		}
		if (strcmp(value, cases[i].value) != 0)
			fail_msg("%s is '%s': %s", cases[i].name, value,
				cases[i].why);
	}
}

/* Reads the format as its readers do, and checks the digest. */
static void
test_key_store_is_well_formed(void **state)
{
	char *ca = make_certificate("the sandbox");
	BIO *bio = BIO_new_mem_buf(ca, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	unsigned char digest[20], *der = NULL, wide[16];
	int der_len = i2d_X509(x, &der);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct keystore k;

	(void)state;
	keystore_init(&k);
	assert_int_equal(keystore_add(&k, x), 0);
	assert_int_equal(keystore_add(&k, x), 0);
	assert_int_equal(keystore_finish(&k), 0);
	assert_memory_equal(k.data,
		"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\2\0\0\0\2\0\11sbx-net-1", 27);
	assert_memory_equal(k.data + 27, "\0\0\0\0\0\0\0\0\0\5X.509", 15);
	assert_int_equal(k.data[44] << 8 | k.data[45], der_len);
	assert_memory_equal(k.data + 46, der, (size_t)der_len);
	assert_int_equal(k.len, 12 + 2 * (4 + 11 + 8 + 7 + 4 + der_len) + 20);

	for (size_t i = 0; i < 8; i++) {
		wide[2 * i] = 0;
		wide[2 * i + 1] = (unsigned char)"changeit"[i];
	}
	EVP_DigestInit_ex(md, EVP_sha1(), NULL);
	EVP_DigestUpdate(md, wide, sizeof(wide));
	EVP_DigestUpdate(md, "Mighty Aphrodite", 16);
	EVP_DigestUpdate(md, k.data, k.len - 20);
	EVP_DigestFinal_ex(md, digest, NULL);
	assert_memory_equal(k.data + k.len - 20, digest, 20);
	EVP_MD_CTX_free(md);
	OPENSSL_free(der);
	keystore_done(&k);
	X509_free(x);
	BIO_free(bio);
	free(ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_writes_what_the_variables_point_at, setup,
			teardown),
		cmocka_unit_test(test_which_variables_and_of_which_kind),
		cmocka_unit_test(test_key_store_is_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
