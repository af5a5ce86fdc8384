#include "rsa_key.h"

#include <ev.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

enum { BITS = 2048 };

struct rsa_key {
	struct ev_loop *loop;
	rsa_key_ready *ready;
	void *arg;
	ev_async made;
	pthread_t thread;
	bool running;
	unsigned char *der; /* the thread's until it is joined */
	int len;
};

static void *
make(void *arg)
{
	struct rsa_key *k = arg;
	EVP_PKEY *key = EVP_RSA_gen(BITS);

	if (key != NULL)
		k->len = i2d_PrivateKey(key, &k->der);
	EVP_PKEY_free(key);
	ev_async_send(k->loop, &k->made);
	return NULL;
}

static void
join(struct rsa_key *k)
{
	if (!k->running)
		return;
	pthread_join(k->thread, NULL);
	k->running = false;
	ev_async_stop(k->loop, &k->made);
}

static void
on_made(struct ev_loop *loop, ev_async *w, int revents)
{
	struct rsa_key *k = w->data;

	(void)loop, (void)revents;
	join(k);
	if (k->len > 0)
		k->ready(k->arg, rsa_key_der(k));
}

struct rsa_key *
rsa_key_new(struct ev_loop *loop, rsa_key_ready *ready, void *arg)
{
	struct rsa_key *k = calloc(1, sizeof(*k));
	sigset_t all, old;

	if (k == NULL)
		return NULL;
	k->loop = loop;
	k->ready = ready;
	k->arg = arg;
	ev_async_init(&k->made, on_made);
	k->made.data = k;
	ev_async_start(loop, &k->made);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	k->running = pthread_create(&k->thread, NULL, make, k) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (k->running)
		return k;
	ev_async_stop(loop, &k->made);
	free(k);
	return NULL;
}

void
rsa_key_free(struct rsa_key *k)
{
	if (k == NULL)
		return;
	join(k);
	if (k->len > 0)
		OPENSSL_clear_free(k->der, (size_t)k->len);
	free(k);
}

struct span
rsa_key_der(const struct rsa_key *k)
{
	if (k == NULL || k->running || k->len <= 0)
		return (struct span){NULL, 0};
	return (struct span){(const char *)k->der, (size_t)k->len};
}
