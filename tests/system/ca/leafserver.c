/*
 * leafserver.c - a TLS server that shows real clients our leaves
 *
 *	leafserver ROOT.pem [--rsa] [--as NAME]
 *
 * Writes its root certificate to ROOT.pem, listens on a port of 127.0.0.1,
 * prints the port, and serves one connection after the other: a leaf for the
 * name the client asks for, for 127.0.0.1 when it asks for none, or for NAME
 * whatever it asks.  Ends when standard input does, so it cannot outlive the
 * test that started it.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "ca.h"

enum {
	BACKLOG = 16,
	CLIENT_SECONDS = 20,
};

struct server {
	struct ca *ca;
	SSL_CTX *context;
	const char *as; /* NULL: as the client asks */
	enum ca_key_type type;
	int fd;
};

static void
die(const char *what)
{
	fprintf(stderr, "leafserver: %s\n", what);
	exit(1);
}

static int
choose_leaf(SSL *ssl, void *arg)
{
	static const uint8_t loopback[4] = {127, 0, 0, 1};
	const struct server *s = arg;
	const char *name = s->as;
	struct ca_leaf *leaf;
	bool made;
	int r;

	if (name == NULL)
		name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	r = name != NULL
		    ? ca_leaf(s->ca, name, s->type, time(NULL), &leaf, &made)
		    : ca_leaf_address(s->ca, AF_INET, loopback, s->type,
			      time(NULL), &leaf, &made);
	if (r < 0)
		return 0;
	r = SSL_use_cert_and_key(
		ssl, ca_leaf_certificate(leaf), ca_leaf_key(leaf), NULL, 1);
	ca_leaf_unref(leaf);
	return r;
}

static void
make_authority(struct server *s, const char *path)
{
	FILE *file = fopen(path, "w");
	char err[256];

	if (file == NULL)
		die("cannot write the root certificate");
	if (ca_new("leafserver", time(NULL), &s->ca, err, sizeof(err)) < 0)
		die(err);
	if (fputs(ca_pem(s->ca), file) == EOF || fclose(file) != 0)
		die("cannot write the root certificate");
	if (s->type == CA_KEY_RSA) {
		EVP_PKEY *key = EVP_RSA_gen(2048);

		if (key == NULL)
			die("no RSA key");
		ca_set_rsa_key(s->ca, key);
		EVP_PKEY_free(key);
	}
}

static void
open_port(struct server *s)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&name, len) < 0 ||
		listen(s->fd, BACKLOG) < 0 ||
		getsockname(s->fd, (struct sockaddr *)&name, &len) < 0)
		die("cannot listen");
	printf("%d\n", ntohs(name.sin_port));
	fflush(stdout);
}

/* A client that refuses us is what half of the tests are about. */
static void
serve_one(const struct server *s)
{
	static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n"
				     "Connection: close\r\n\r\nok\n";
	const struct timeval patience = {.tv_sec = CLIENT_SECONDS};
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	SSL *ssl = SSL_new(s->context);
	char request[2048];

	if (fd < 0 || ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		die("cannot accept");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (SSL_accept(ssl) == 1 &&
		SSL_read(ssl, request, sizeof(request)) > 0) {
		SSL_write(ssl, answer, sizeof(answer) - 1);
		SSL_shutdown(ssl);
		/* Unread bytes at close() would reset the answer away. */
		shutdown(fd, SHUT_WR);
		while (read(fd, request, sizeof(request)) > 0)
			continue;
	}
	SSL_free(ssl);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct server s = {.fd = -1};
	struct pollfd polled[2];

	if (argc < 2)
		die("usage: leafserver ROOT.pem [--rsa] [--as NAME]");
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--rsa") == 0)
			s.type = CA_KEY_RSA;
		else if (strcmp(argv[i], "--as") == 0 && i + 1 < argc)
			s.as = argv[++i];
		else
			die("unknown option");
	}
	signal(SIGPIPE, SIG_IGN);
	make_authority(&s, argv[1]);
	s.context = SSL_CTX_new(TLS_server_method());
	if (s.context == NULL)
		die("no TLS context");
	SSL_CTX_set_cert_cb(s.context, choose_leaf, &s);
	open_port(&s);
	polled[0] = (struct pollfd){.fd = s.fd, .events = POLLIN};
	polled[1] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	while (poll(polled, 2, -1) > 0 && polled[1].revents == 0)
		serve_one(&s);
	close(s.fd);
	SSL_CTX_free(s.context);
	ca_free(s.ca);
	return 0;
}
