/*
 * tls.c - OpenSSL over our own BIO
 *
 * Theory of operation
 *
 * The BIO reads the held bytes first, then the socket, and remembers a short
 * read: until the loop says that the socket is readable again, asking it once
 * more could only give EAGAIN, so the system call is saved.
 *
 * What the socket's own end follows at once goes out with MSG_MORE: the last
 * record, close_notify and FIN are one segment then.
 *
 * The leaf is shown by callback, and only to who asks for one: most handshakes
 * resume, and OpenSSL looks long at each certificate that it is handed.
 *
 * A session is always marked as shut down before it is freed, whatever
 * happened, or OpenSSL takes it for a truncated one and never resumes it
 * (reference: 0 of 1500 resumed before, 1500 after).
 */
#include "tls.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "verify.h"

struct tls {
	SSL *ssl;
	int fd;
	struct buf *held; /* first bytes; NULL once drained */
	bool drained;     /* the last recv() was short: wait for an event */
	bool wants_write;
	bool more; /* another record follows this one at once */
	bool refused_protocols;
	bool last; /* the end of the stream follows what is written */
	/* An accepting end's answer. */
	X509 *certificate;
	EVP_PKEY *key;
	enum tls_alpn protocol;
	void *owner;
	char *why;
};

enum {
	WHY_SIZE = 192,
	HOST_FLAGS = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		     X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
};

static int
bio_read(BIO *bio, char *data, size_t len, size_t *ret_len)
{
	struct tls *t = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (t->held != NULL) {
		size_t have = t->held->len < len ? t->held->len : len;

		memcpy(data, buf_span(t->held).ptr, have);
		buf_consume(t->held, have);
		if (t->held->len == 0) {
			buf_done(t->held);
			t->held = NULL;
		}
		*ret_len = have;
		return have > 0;
	}
	if (t->drained) {
		BIO_set_retry_read(bio);
		return 0;
	}
	do {
		n = recv(t->fd, data, len, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		t->drained = true;
		BIO_set_retry_read(bio);
		return 0;
	}
	if (n <= 0)
		return 0;
	t->drained = (size_t)n < len;
	*ret_len = (size_t)n;
	return 1;
}

/*
 * The ticket that ends an accepting end's handshake in TLS 1.3, when the
 * client's request is here already: it leaves with the first answer then, which
 * saves a packet.  Else it goes at once, because the acknowledgement goes with
 * it that Nagle's algorithm has the request wait for, and by itself that one
 * would take the kernel 40 ms.
 */
static bool
is_ticket_before_answer(const struct tls *t)
{
	return SSL_get_state(t->ssl) == TLS_ST_SW_SESSION_TICKET &&
	       SSL_version(t->ssl) == TLS1_3_VERSION && SSL_has_pending(t->ssl);
}

static int
bio_write(BIO *bio, const char *data, size_t len, size_t *ret_len)
{
	struct tls *t = BIO_get_data(bio);
	int flags = MSG_NOSIGNAL;
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (t->more || is_ticket_before_answer(t))
		flags |= MSG_MORE;
	do {
		n = send(t->fd, data, len, flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno == EAGAIN)
			BIO_set_retry_write(bio);
		return 0;
	}
	*ret_len = (size_t)n;
	return 1;
}

static long
bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio, (void)num, (void)ptr;
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

static const BIO_METHOD *
method(void)
{
	static BIO_METHOD *m;

	if (m != NULL)
		return m;
	m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sbx");
	if (m == NULL)
		return NULL;
	BIO_meth_set_read_ex(m, bio_read);
	BIO_meth_set_write_ex(m, bio_write);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

static struct tls *
tls_new(SSL_CTX *context, int fd)
{
	struct tls *t = calloc(1, sizeof(*t));
	BIO *bio;

	if (t == NULL)
		return NULL;
	t->fd = fd;
	t->ssl = SSL_new(context);
	bio = method() != NULL ? BIO_new(method()) : NULL;
	if (t->ssl == NULL || bio == NULL || !SSL_set_app_data(t->ssl, t)) {
		BIO_free(bio);
		tls_free(t);
		return NULL;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return t;
}

static void
free_leaf(struct tls *t)
{
	X509_free(t->certificate);
	EVP_PKEY_free(t->key);
	t->certificate = NULL;
	t->key = NULL;
}

static int
show_leaf(SSL *ssl, void *arg)
{
	const struct tls *t = arg;

	return SSL_use_cert_and_key(ssl, t->certificate, t->key, NULL, 1);
}

struct tls *
tls_accept(SSL_CTX *context, int fd, struct buf *held,
	const struct tls_answer *answer)
{
	struct tls *t = tls_new(context, fd);

	if (t == NULL)
		return NULL;
	X509_up_ref(answer->certificate);
	EVP_PKEY_up_ref(answer->key);
	t->certificate = answer->certificate;
	t->key = answer->key;
	t->protocol = answer->protocol;
	t->held = held->len > 0 ? held : NULL;
	SSL_set_cert_cb(t->ssl, show_leaf, t);
	SSL_set_accept_state(t->ssl);
	return t;
}

struct tls *
tls_connect(SSL_CTX *context, int fd, const char *host, SSL_SESSION *session,
	enum tls_offer offer)
{
	struct tls *t = tls_new(context, fd);

	if (t == NULL)
		return NULL;
	SSL_set_hostflags(t->ssl, HOST_FLAGS);
	if (SSL_set1_host(t->ssl, host) != 1 ||
		SSL_set_tlsext_host_name(t->ssl, host) != 1 ||
		!tls_alpn_offer(t->ssl, offer)) {
		ERR_clear_error();
		tls_free(t);
		return NULL;
	}
	if (session != NULL)
		SSL_set_session(t->ssl, session);
	SSL_set_connect_state(t->ssl);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	if (t->ssl != NULL) {
		SSL_set_shutdown(
			t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(t->ssl);
	}
	free_leaf(t);
	free(t->why);
	free(t);
}

static void
remember_why(struct tls *t)
{
	if (t->why == NULL)
		t->why = malloc(WHY_SIZE);
	if (t->why != NULL)
		verify_explain(t->ssl, t->why, WHY_SIZE);
	ERR_clear_error();
}

/* Turns a failed call into -errno, and notes what it waits for. */
static int
failed(struct tls *t, int result)
{
	int error = SSL_get_error(t->ssl, result);

	t->wants_write = error == SSL_ERROR_WANT_WRITE;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	t->refused_protocols = ERR_GET_REASON(ERR_peek_error()) ==
			       SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL;
	if (error == SSL_ERROR_SYSCALL ||
		ERR_GET_REASON(ERR_peek_error()) ==
			SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		remember_why(t);
		return -ECONNRESET;
	}
	remember_why(t);
	return -EPROTO;
}

/* What a call leaves in the error queue must be its own.  Looking is cheap,
 * clearing an empty queue is not. */
static void
begin_call(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

/*
 * OpenSSL copies the name that it is to expect before it verifies, and does not
 * look whether it could: without memory for that copy, any name would do
 * (ssl_verify_cert_chain()).  So name and verdict are asked for again.
 */
static bool
is_whom_we_dialled(struct tls *t)
{
	X509 *certificate = SSL_get0_peer_certificate(t->ssl);
	const char *host =
		X509_VERIFY_PARAM_get0_host(SSL_get0_param(t->ssl), 0);

	return certificate != NULL && host != NULL &&
	       SSL_get_verify_result(t->ssl) == X509_V_OK &&
	       X509_check_host(certificate, host, 0, HOST_FLAGS, NULL) == 1;
}

static int
finish_handshake(struct tls *t)
{
	t->wants_write = false;
	free_leaf(t);
	if (SSL_is_server(t->ssl) || is_whom_we_dialled(t))
		return 1;
	remember_why(t);
	return -EPROTO;
}

int
tls_handshake(struct tls *t)
{
	int r;

	begin_call();
	r = SSL_do_handshake(t->ssl);
	if (r == 1)
		return finish_handshake(t);
	r = failed(t, r);
	return r == -EAGAIN ? 0 : -EPROTO;
}

ssize_t
tls_read(struct tls *t, void *data, size_t len)
{
	size_t n;

	begin_call();
	if (SSL_read_ex(t->ssl, data, len, &n) == 1)
		return (ssize_t)n;
	return failed(t, 0);
}

ssize_t
tls_write(struct tls *t, const void *data, size_t len)
{
	size_t n;
	int r;

	begin_call();
	t->more = t->last || len > SSL3_RT_MAX_PLAIN_LENGTH;
	r = SSL_write_ex(t->ssl, data, len, &n);
	t->more = false;
	if (r == 1)
		return (ssize_t)n;
	r = failed(t, 0);
	return r == 0 ? -EPIPE : r;
}

int
tls_shutdown(struct tls *t)
{
	int r;

	if (!SSL_is_init_finished(t->ssl))
		return 0;
	begin_call();
	t->more = true; /* the socket's own end follows */
	r = SSL_shutdown(t->ssl);
	if (r < 0 && SSL_get_error(t->ssl, r) == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	ERR_clear_error();
	return 0;
}

void
tls_set_last(struct tls *t)
{
	t->last = true;
}

bool
tls_wants_write(const struct tls *t)
{
	return t->wants_write;
}

void
tls_readable(struct tls *t)
{
	t->drained = false;
}

bool
tls_has_pending(const struct tls *t)
{
	return t->held != NULL || !t->drained || SSL_has_pending(t->ssl);
}

const char *
tls_why(struct tls *t)
{
	return t->why != NULL ? t->why : "TLS failed";
}

bool
tls_refused_protocols(const struct tls *t)
{
	return t->refused_protocols;
}

enum tls_alpn
tls_alpn(const struct tls *t)
{
	return SSL_is_init_finished(t->ssl) ? tls_alpn_selected(t->ssl)
					    : TLS_ALPN_NONE;
}

void
tls_set_owner(struct tls *t, void *owner)
{
	t->owner = owner;
}

void *
tls_owner(const SSL *ssl)
{
	const struct tls *t = SSL_get_app_data(ssl);

	return t->owner;
}

enum tls_alpn
tls_answer_of(const SSL *ssl)
{
	const struct tls *t = SSL_get_app_data(ssl);

	return t->protocol;
}

bool
tls_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl);
}
