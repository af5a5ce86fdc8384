#include "peer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

void
peer_open(struct peer *p, int fd, SSL_CTX *context, const char *name)
{
	*p = (struct peer){.fd = fd};
	if (context == NULL)
		return;
	p->ssl = SSL_new(context);
	assert_non_null(p->ssl);
	assert_int_equal(SSL_set_fd(p->ssl, fd), 1);
	if (name == NULL) {
		SSL_set_accept_state(p->ssl);
		return;
	}
	assert_int_equal(SSL_set_tlsext_host_name(p->ssl, name), 1);
	assert_int_equal(SSL_set1_host(p->ssl, name), 1);
	SSL_set_connect_state(p->ssl);
}

void
peer_close(struct peer *p)
{
	if (p->fd < 0)
		return;
	SSL_free(p->ssl);
	close(p->fd);
	*p = (struct peer){.fd = -1};
}

void
peer_say(struct peer *p, const void *data, size_t len)
{
	assert_true(len <= sizeof(p->say) - p->say_len);
	memcpy(p->say + p->say_len, data, len);
	p->say_len += len;
}

void
peer_forget(struct peer *p)
{
	p->len = 0;
	p->text[0] = '\0';
}

/* How much moved; 0: nothing now, or never again. */
static size_t
result(struct peer *p, int r)
{
	if (r > 0)
		return (size_t)r;
	if (p->ssl != NULL) {
		int error = SSL_get_error(p->ssl, r);

		p->ended |= error != SSL_ERROR_WANT_READ &&
			    error != SSL_ERROR_WANT_WRITE;
		ERR_clear_error();
	} else {
		p->ended |= r == 0 || errno != EAGAIN;
	}
	return 0;
}

static void
write_out(struct peer *p)
{
	size_t n = result(p,
		p->ssl != NULL
			? SSL_write(p->ssl, p->say, (int)p->say_len)
			: (int)send(p->fd, p->say, p->say_len, MSG_NOSIGNAL));

	p->say_len -= n;
	memmove(p->say, p->say + n, p->say_len);
}

void
peer_run(struct peer *p)
{
	size_t n;

	if (p->fd < 0)
		return;
	ERR_clear_error(); /* one queue for both ends */
	if (p->say_len > 0 && !p->ended)
		write_out(p);
	do {
		size_t room = sizeof(p->text) - 1 - p->len;
		char *at = p->text + p->len;

		assert_true(room > 0);
		if (p->ended)
			return;
		n = result(p, p->ssl != NULL ? SSL_read(p->ssl, at, (int)room)
					     : (int)recv(p->fd, at, room, 0));
		p->len += n;
		p->text[p->len] = '\0';
	} while (n > 0);
}
