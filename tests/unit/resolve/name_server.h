/*
 * A name server on the test's own loop, on 127.0.0.1 over UDP and TCP, that
 * answers as badly as the test wants: the test's reply function writes and
 * sends each message, none, or many.
 */
#ifndef SBX_TEST_NAME_SERVER_H
#define SBX_TEST_NAME_SERVER_H

#include <arpa/nameser.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name_server;

struct question {
	struct name_server *server;
	const uint8_t *data;
	size_t len;
	bool tcp;
	struct sockaddr_in peer;
	char name[256];
	unsigned type;
};

typedef void name_server_reply(const struct question *q);

struct name_server {
	struct ev_loop *loop;
	struct ev_io udp, listener, stream;
	name_server_reply *reply;
	char address[32]; /* "127.0.0.1:PORT" */
	unsigned questions, tcp_questions;
};

struct name_server *name_server_new(
	struct ev_loop *loop, name_server_reply *reply);
void name_server_free(struct name_server *ns);

struct message {
	uint8_t data[8192];
	size_t len;
};

/* Header and question as asked; flags: 0x8180 is an ordinary response. */
void message_begin(struct message *m, const struct question *q, unsigned flags);

/* A record in the answer section; owner NULL: the name that was asked. */
void message_record(struct message *m, const char *owner, unsigned type,
	uint32_t ttl, const void *data, size_t len);
void message_a(struct message *m, const char *owner, uint32_t ttl,
	const char *address);
void message_aaaa(struct message *m, const char *owner, uint32_t ttl,
	const char *address);
void message_cname(
	struct message *m, const char *owner, uint32_t ttl, const char *target);

/* Over the transport that the question came by. */
void message_send(const struct message *m, const struct question *q);

#endif
