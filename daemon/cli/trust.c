#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "array.h"
#include "keystore.h"

enum {
	TRUST_CERTIFICATES = 4096, /* in a bundle; systems ship some 150 */
	TRUST_SAME_HASH = 16,      /* certificates of one subject */
};

#define CERTS_DIR "certs"
#define PHP_DIR "php"

/* What a variable is set to; %s is the directory. */
#define CA "%s/" TRUST_CA_FILE
#define BUNDLE "%s/" TRUST_BUNDLE_FILE
#define CERTS "%s/" CERTS_DIR
#define JAVA "-Djavax.net.ssl.trustStore=%s/" TRUST_JAVA_FILE
#define PHP ":%s/" PHP_DIR /* empty part: the compiled-in place stays */

static const struct {
	const char *name;
	const char *format;
	const char *who;
} variables[] = {
	/* additive: the authority alone */
	{"NODE_EXTRA_CA_CERTS", CA, "Node, Bun, npm, pnpm"},
	{"DENO_CERT", CA, "Deno"},
	/* additive: use the system's store too */
	{"NODE_USE_SYSTEM_CA", "1", "Node 22 and later"},
	{"DENO_TLS_CA_STORE", "system,mozilla", "Deno"},
	{"UV_SYSTEM_CERTS", "true", "uv"},
	/* replacing: roots and authority */
	{"SSL_CERT_FILE", BUNDLE, "OpenSSL, Go, Python, Ruby, rustls"},
	{"SSL_CERT_DIR", CERTS, "OpenSSL, Go"},
	{"CURL_CA_BUNDLE", BUNDLE, "curl, R"},
	{"GIT_SSL_CAINFO", BUNDLE, "git"},
	{"REQUESTS_CA_BUNDLE", BUNDLE, "Python requests, azure-cli"},
	{"PIP_CERT", BUNDLE, "pip, poetry"},
	{"HTTPLIB2_CA_CERTS", BUNDLE, "Python httplib2"},
	{"CONDA_SSL_VERIFY", BUNDLE, "conda"},
	{"npm_config_cafile", BUNDLE, "npm, pnpm"},
	{"YARN_HTTPS_CA_FILE_PATH", BUNDLE, "yarn"},
	{"CARGO_HTTP_CAINFO", BUNDLE, "cargo"},
	{"AWS_CA_BUNDLE", BUNDLE, "AWS CLI and SDKs"},
	{"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", BUNDLE, "gcloud"},
	{"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", BUNDLE, "gRPC core"},
	{"JAVA_TOOL_OPTIONS", JAVA, "Java"},
	{"BUNDLE_SSL_CA_CERT", BUNDLE, "Bundler"},
	{"PHP_INI_SCAN_DIR", PHP, "PHP"},
	{"COMPOSER_CAFILE", BUNDLE, "Composer"},
	{"PERL_LWP_SSL_CA_FILE", BUNDLE, "Perl LWP"},
	{"HEX_CACERTS_PATH", BUNDLE, "Elixir Hex"},
	{"NIX_SSL_CERT_FILE", BUNDLE, "Nix"},
	{"JULIA_SSL_CA_ROOTS_PATH", BUNDLE, "Julia"},
	{"SYSTEM_CERTIFICATE_PATH", BUNDLE, "Haskell"},
};

static const char *const bundle_places[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/pki/tls/cert.pem",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
	NULL,
};

static const char *const java_places[] = {
	"/etc/ssl/certs/java/cacerts",
	"/etc/pki/ca-trust/extracted/java/cacerts",
	NULL,
};

const char *const *
trust_bundle_places(void)
{
	return bundle_places;
}

const char *const *
trust_java_places(void)
{
	return java_places;
}

size_t
trust_variable_count(void)
{
	return ARRAY_LEN(variables);
}

struct trust_variable
trust_variable_get(size_t n, const char *dir)
{
	static char value[4096];
	const char *format = variables[n].format;
	const char *at = strstr(format, "%s");

	if (at == NULL)
		snprintf(value, sizeof(value), "%s", format);
	else
		snprintf(value, sizeof(value), "%.*s%s%s", (int)(at - format),
			format, dir, at + 2);
	return (struct trust_variable){variables[n].name, value};
}

char *
trust_bundle(const struct trust *trust)
{
	size_t len = strlen(trust->roots);
	const char *newline =
		len > 0 && trust->roots[len - 1] != '\n' ? "\n" : "";
	char *text;

	if (asprintf(&text, "%s%s%s", trust->roots, newline, trust->authority) <
		0)
		return NULL;
	return text;
}

static int
write_file(const char *dir, const char *name, const void *data, size_t len)
{
	char path[PATH_MAX];
	ssize_t n;
	int e, fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
		(int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	n = write(fd, data, len);
	e = n < 0 ? -errno : (size_t)n == len ? 0 : -EIO;
	/* Whatever the umask says: the command may be another user. */
	if (e == 0 && fchmod(fd, 0644) < 0)
		e = -errno;
	close(fd);
	return e;
}

static int
make_dir(const char *dir, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
		(int)sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(path, 0755) < 0 || chmod(path, 0755) < 0)
		return -errno;
	return 0;
}

/* One certificate under the name by which OpenSSL looks for it. */
static int
write_hashed(const char *dir, X509 *certificate)
{
	char name[64];
	char *pem;
	BIO *bio = BIO_new(BIO_s_mem());
	long len;
	int e = -EEXIST;

	if (bio == NULL || PEM_write_bio_X509(bio, certificate) != 1) {
		BIO_free(bio);
		return -ENOMEM;
	}
	len = BIO_get_mem_data(bio, &pem);
	for (unsigned n = 0; n < TRUST_SAME_HASH && e == -EEXIST; n++) {
		snprintf(name, sizeof(name), CERTS_DIR "/%08lx.%u",
			X509_subject_name_hash(certificate), n);
		e = write_file(dir, name, pem, (size_t)len);
	}
	BIO_free(bio);
	return e;
}

/* Each certificate of the bundle goes into certs/ and into the key store. */
static int
write_certificates(const char *dir, const char *bundle)
{
	BIO *bio = BIO_new_mem_buf(bundle, -1);
	struct keystore store;
	X509 *certificate;
	size_t count = 0;
	int e = bio == NULL ? -ENOMEM : 0;

	keystore_init(&store);
	while (e == 0 && count++ < TRUST_CERTIFICATES &&
		(certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) !=
			NULL) {
		e = write_hashed(dir, certificate);
		if (e == 0)
			e = keystore_add(&store, certificate);
		X509_free(certificate);
	}
	/* The end of the text is an error to PEM_read_bio_X509(). */
	ERR_clear_error();
	if (e == 0)
		e = keystore_finish(&store);
	if (e == 0)
		e = write_file(dir, TRUST_JAVA_FILE, store.data, store.len);
	keystore_done(&store);
	BIO_free(bio);
	return e;
}

static int
write_php(const char *dir)
{
	char text[2 * PATH_MAX];
	int n = snprintf(text, sizeof(text),
		"openssl.cafile=%s/" TRUST_BUNDLE_FILE "\n"
		"curl.cainfo=%s/" TRUST_BUNDLE_FILE "\n",
		dir, dir);

	if (n < 0 || n >= (int)sizeof(text))
		return -ENAMETOOLONG;
	return write_file(dir, PHP_DIR "/sbx-net.ini", text, (size_t)n);
}

int
trust_write(
	const struct trust *trust, const char *dir, char *reterr, size_t size)
{
	char *bundle = trust_bundle(trust);
	int e = bundle == NULL ? -ENOMEM : make_dir(dir, CERTS_DIR);

	if (e == 0)
		e = make_dir(dir, PHP_DIR);
	if (e == 0)
		e = write_file(dir, TRUST_CA_FILE, trust->authority,
			strlen(trust->authority));
	if (e == 0)
		e = write_file(dir, TRUST_BUNDLE_FILE, bundle, strlen(bundle));
	if (e == 0)
		e = write_certificates(dir, bundle);
	if (e == 0)
		e = write_php(dir);
	if (e < 0)
		snprintf(reterr, size, "cannot write the trust files in %s: %s",
			dir, strerror(-e));
	free(bundle);
	return e;
}
