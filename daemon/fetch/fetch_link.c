/*
 * fetch_link.c - libcurl, and what it may do
 *
 * Theory of operation
 *
 * libcurl comes with thirty other libraries.  It is loaded here, by the process
 * that asks one question and ends, and not by the loader, for the same program
 * is also the keeper and the workers: those have none of it.  The names that
 * are used are in one table.
 *
 * Everything that the environment or a server could talk libcurl into is said
 * here: which protocols, no proxy, no redirect, TLS 1.2 or later, certificate
 * and name verified, only the authorities that were named if any were.  Texts
 * of errors are ours where libcurl's hold a number that is another each time:
 * whoever reads them must see that it is the same fault still.
 */
#include "fetch_link.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/x509_vfy.h>

#include "array.h"
#include "buf.h"
#include "secret.h"

enum {
	HEADER_MAX = 72 * 1024, /* a token is a secret, and has its bound */
};

struct api {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *init;
	__typeof__(curl_easy_cleanup) *cleanup;
	__typeof__(curl_easy_reset) *reset;
	__typeof__(curl_easy_setopt) *setopt;
	__typeof__(curl_easy_perform) *perform;
	__typeof__(curl_easy_getinfo) *getinfo;
	__typeof__(curl_easy_strerror) *strerror;
	__typeof__(curl_slist_append) *append;
	__typeof__(curl_slist_free_all) *free_all;
};

struct fetch_link {
	struct api api;
	CURL *curl;
	const struct fetch_place *place;
	struct curl_slist *headers;
	struct buf *body;
	bool is_full;
};

/* ---- loading ------------------------------------------------------------ */

static const char library[] = "libcurl.so.4";

static int
load(struct api *api, char *reterr, size_t reterr_size)
{
	static const struct {
		const char *name;
		size_t offset;
	} names[] = {
		{"curl_global_init", offsetof(struct api, global_init)},
		{"curl_easy_init", offsetof(struct api, init)},
		{"curl_easy_cleanup", offsetof(struct api, cleanup)},
		{"curl_easy_reset", offsetof(struct api, reset)},
		{"curl_easy_setopt", offsetof(struct api, setopt)},
		{"curl_easy_perform", offsetof(struct api, perform)},
		{"curl_easy_getinfo", offsetof(struct api, getinfo)},
		{"curl_easy_strerror", offsetof(struct api, strerror)},
		{"curl_slist_append", offsetof(struct api, append)},
		{"curl_slist_free_all", offsetof(struct api, free_all)},
	};
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL), *symbol;

	if (handle == NULL) {
		snprintf(reterr, reterr_size, "%s cannot be loaded", library);
		return -ENOENT;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		symbol = dlsym(handle, names[i].name);
		if (symbol == NULL) {
			snprintf(reterr, reterr_size, "%s has no %s", library,
				names[i].name);
			return -ENOSYS;
		}
		memcpy((char *)api + names[i].offset, &symbol, sizeof(symbol));
	}
	return 0;
}

int
fetch_link_new(const struct fetch_place *place, struct fetch_link **ret,
	char *reterr, size_t reterr_size)
{
	struct fetch_link *l = calloc(1, sizeof(*l));
	int r = -ENOMEM;

	snprintf(reterr, reterr_size, "%s", strerror(ENOMEM));
	if (l == NULL)
		return r;
	l->place = place;
	r = load(&l->api, reterr, reterr_size);
	if (r == 0 && (l->api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
			      (l->curl = l->api.init()) == NULL)) {
		snprintf(reterr, reterr_size, "%s does not start", library);
		r = -ENOSYS;
	}
	if (r < 0) {
		fetch_link_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void
fetch_link_free(struct fetch_link *l)
{
	if (l == NULL)
		return;
	if (l->curl != NULL)
		l->api.cleanup(l->curl);
	free(l);
}

/* ---- what libcurl calls ------------------------------------------------- */

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
	struct fetch_link *l = arg;

	if (buf_add(l->body, data, size * count) < 0) {
		l->is_full = true;
		return 0;
	}
	return size * count;
}

/* ---- one question ------------------------------------------------------- */

static bool
set_rules(struct fetch_link *l)
{
	static const struct {
		CURLoption option;
		long value;
	} rules[] = {
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_SSL_VERIFYPEER, 1},
		{CURLOPT_SSL_VERIFYHOST, 2},
		{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
		{CURLOPT_NETRC, CURL_NETRC_IGNORED},
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
		{CURLOPT_PATH_AS_IS, 1},
		{CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
	};
	static const struct {
		CURLoption option;
		const char *value;
	} texts[] = {
		{CURLOPT_PROTOCOLS_STR, "http,https"},
		{CURLOPT_PROXY, ""}, /* none, not "as the environment says" */
		{CURLOPT_NOPROXY, "*"},
		{CURLOPT_USERAGENT, "sbx-net"},
	};
	bool good = true;

	l->api.reset(l->curl);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		good = good && l->api.setopt(l->curl, rules[i].option,
				       rules[i].value) == CURLE_OK;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		good = good && l->api.setopt(l->curl, texts[i].option,
				       texts[i].value) == CURLE_OK;
	return good;
}

/* Whom to trust, and where there is a socket. */
static bool
set_place(struct fetch_link *l)
{
	const struct fetch_place *place = l->place;
	struct curl_blob trusted = {.data = place->trusted,
		.len = place->trusted_len,
		.flags = CURL_BLOB_NOCOPY};
	bool good = true;

	/* Without NULL for the folder, its authorities would count as well. */
	if (place->trusted != NULL)
		good = l->api.setopt(l->curl, CURLOPT_CAPATH, NULL) ==
			       CURLE_OK &&
		       l->api.setopt(l->curl, CURLOPT_CAINFO_BLOB, &trusted) ==
			       CURLE_OK;
	if (place->socket != NULL)
		good = good && l->api.setopt(l->curl, CURLOPT_UNIX_SOCKET_PATH,
				       place->socket) == CURLE_OK;
	return good;
}

static bool
add_header(struct fetch_link *l, const char *name, struct span value)
{
	char line[HEADER_MAX];
	struct curl_slist *more;

	snprintf(line, sizeof(line), "%s: %.*s", name, (int)value.len,
		value.ptr);
	more = l->api.append(l->headers, line);
	explicit_bzero(line, sizeof(line));
	if (more != NULL)
		l->headers = more;
	return more != NULL;
}

static bool
set_headers(struct fetch_link *l, const struct fetch_call *call)
{
	/* Agents can be told to want the first: a browser cannot send it. */
	bool good = add_header(l, "X-Vault-Request", span_of("true"));

	if (call->token != NULL)
		good = good && add_header(l, "X-Vault-Token",
				       secret_bytes(call->token));
	if (*call->space != '\0')
		good = good &&
		       add_header(l, "X-Vault-Namespace", span_of(call->space));
	if (call->body != NULL)
		good = good && add_header(l, "Content-Type",
				       span_of("application/json"));
	return good && l->api.setopt(l->curl, CURLOPT_HTTPHEADER, l->headers) ==
			       CURLE_OK;
}

static bool
set_call(struct fetch_link *l, const struct fetch_call *call)
{
	bool good =
		l->api.setopt(l->curl, CURLOPT_URL, call->url) == CURLE_OK &&
		l->api.setopt(l->curl, CURLOPT_TIMEOUT_MS,
			(long)call->timeout_ms) == CURLE_OK &&
		l->api.setopt(l->curl, CURLOPT_WRITEFUNCTION, on_body) ==
			CURLE_OK &&
		l->api.setopt(l->curl, CURLOPT_WRITEDATA, l) == CURLE_OK;

	if (call->body != NULL)
		good = good && l->api.setopt(l->curl, CURLOPT_POSTFIELDS,
				       call->body) == CURLE_OK;
	return good && set_headers(l, call);
}

static void
say(const struct fetch_link *l, CURLcode code, char *reterr, size_t reterr_size)
{
	const char *words = l->api.strerror(code);
	long number = 0;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		words = "there is no such host";
		break;
	case CURLE_COULDNT_CONNECT:
		l->api.getinfo(l->curl, CURLINFO_OS_ERRNO, &number);
		words = number != 0 ? strerror((int)number) : "cannot connect";
		break;
	case CURLE_OPERATION_TIMEDOUT:
		words = "no answer in time";
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
		l->api.getinfo(l->curl, CURLINFO_SSL_VERIFYRESULT, &number);
		/* What it was before the chain, which is good, was verified. */
		words = number != X509_V_OK && number != X509_V_ERR_UNSPECIFIED
				? X509_verify_cert_error_string(number)
				: "it is for another name";
		snprintf(reterr, reterr_size, "its certificate: %s", words);
		return;
	case CURLE_SSL_CACERT_BADFILE:
		words = "the ca_file has no certificate";
		break;
	default:
		words = l->is_full ? "more than 1 MiB of answer" : words;
		break;
	}
	snprintf(reterr, reterr_size, "%s", words);
}

int
fetch_link_ask(struct fetch_link *l, const struct fetch_call *call,
	struct buf *body, long *ret, char *reterr, size_t reterr_size)
{
	CURLcode code = CURLE_OUT_OF_MEMORY;

	l->body = body;
	l->is_full = false;
	if (set_rules(l) && set_place(l) && set_call(l, call))
		code = l->api.perform(l->curl);
	if (code == CURLE_OK)
		code = l->api.getinfo(l->curl, CURLINFO_RESPONSE_CODE, ret);
	l->api.free_all(l->headers);
	l->headers = NULL;
	if (code == CURLE_OK)
		return 0;
	say(l, code, reterr, reterr_size);
	return -EIO;
}
