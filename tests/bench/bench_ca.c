/*
 * bench_ca.c - what an authority and its leaves cost, in CPU time
 *
 * The last row is a full TLS 1.3 handshake in memory, with a leaf made for it,
 * of which only the server's side is counted: that is what an interceptor
 * spends on a connection to a name that it has not seen before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "ca.h"

enum {
	NOW = 1800000000,
	ROUNDS = 2000,
};

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
report(const char *what, double us)
{
	printf("%-36s %9.1f us %9.0f /s\n", what, us, 1e6 / us);
}

static void
check(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "bench_ca: %s failed\n", what);
		exit(1);
	}
}

static struct ca *
new_ca(void)
{
	struct ca *ca;
	char err[128];

	check(ca_new("bench", NOW, &ca, err, sizeof(err)) == 0, "ca_new");
	ca_set_budget(ca, 1000000);
	return ca;
}

static struct ca_leaf *
leaf_number(struct ca *ca, int n, enum ca_key_type type)
{
	struct ca_leaf *leaf;
	char host[64];
	bool made;

	snprintf(host, sizeof(host), "h%d.bench.example", n);
	check(ca_leaf(ca, host, type, NOW, &leaf, &made) == 0, "ca_leaf");
	return leaf;
}

static void
bench_authority(void)
{
	enum { TIMES = 100 };
	double made = 0, exported = 0, imported = 0;

	for (int i = 0; i < TIMES; i++) {
		double start = cpu();
		struct ca *ca = new_ca(), *twin;
		uint8_t *data;
		char err[128];
		size_t len;

		made += cpu() - start;
		start = cpu();
		check(ca_export(ca, &data, &len) == 0, "ca_export");
		exported += cpu() - start;
		start = cpu();
		check(ca_import(data, len, &twin, err, sizeof(err)) == 0,
			"ca_import");
		imported += cpu() - start;
		free(data);
		ca_free(twin);
		ca_free(ca);
	}
	report("ca_new", made / TIMES);
	report("ca_export", exported / TIMES);
	report("ca_import", imported / TIMES);
}

static void
bench_mint(struct ca *ca, enum ca_key_type type, const char *what)
{
	double start = cpu();

	for (int i = 0; i < ROUNDS; i++)
		ca_leaf_unref(leaf_number(ca, i, type));
	report(what, (cpu() - start) / ROUNDS);
}

static void
bench_cached(struct ca *ca)
{
	enum { NAMES = 200, TIMES = 1000 };
	double start;

	for (int i = 0; i < NAMES; i++)
		ca_leaf_unref(leaf_number(ca, i, CA_KEY_EC));
	start = cpu();
	for (int i = 0; i < NAMES * TIMES; i++)
		ca_leaf_unref(leaf_number(ca, i % NAMES, CA_KEY_EC));
	report("leaf from the cache (of 200)", (cpu() - start) / NAMES / TIMES);
}

/* One handshake; adds what the server's side cost to *cost. */
static void
handshake(SSL_CTX *context, struct ca *ca, int n, enum ca_key_type type,
	double *cost)
{
	SSL_CTX *client_context = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(client_context), *server;
	struct ca_leaf *leaf;
	double start = cpu();
	BIO *near, *far;

	server = SSL_new(context);
	leaf = leaf_number(ca, n, type);
	check(SSL_use_cert_and_key(server, ca_leaf_certificate(leaf),
		      ca_leaf_key(leaf), NULL, 1) == 1,
		"SSL_use_cert_and_key");
	ca_leaf_unref(leaf);
	*cost += cpu() - start;
	check(BIO_new_bio_pair(&near, 0, &far, 0) == 1, "BIO_new_bio_pair");
	SSL_set_bio(client, near, near);
	SSL_set_bio(server, far, far);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int turn = 0; turn < 8; turn++) {
		SSL_do_handshake(client);
		start = cpu();
		SSL_do_handshake(server);
		*cost += cpu() - start;
	}
	check(SSL_is_init_finished(client) && SSL_is_init_finished(server),
		"handshake");
	start = cpu();
	SSL_free(server);
	*cost += cpu() - start;
	SSL_free(client);
	SSL_CTX_free(client_context);
}

static void
bench_handshake(struct ca *ca, enum ca_key_type type, const char *what)
{
	enum { TIMES = 500, FIRST = 1000000 };
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	double cost = 0;

	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	for (int i = 0; i < TIMES; i++)
		handshake(context, ca, FIRST + i, type, &cost);
	report(what, cost / TIMES);
	SSL_CTX_free(context);
}

int
main(void)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	struct ca *ca = new_ca();

	ca_set_rsa_key(ca, rsa);
	bench_authority();
	bench_mint(ca, CA_KEY_EC, "mint, P-256 leaf");
	bench_mint(ca, CA_KEY_RSA, "mint, RSA-2048 leaf");
	bench_cached(ca);
	bench_handshake(ca, CA_KEY_EC, "mint and TLS 1.3, P-256, server");
	bench_handshake(ca, CA_KEY_RSA, "mint and TLS 1.3, RSA, server");
	ca_free(ca);
	EVP_PKEY_free(rsa);
	return 0;
}
