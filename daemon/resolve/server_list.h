/*
 * The name servers of a configuration, as text and as what can be dialled:
 * plain ones (UDP, and TCP for what is long) and those over TLS (RFC 7858).
 * Pure.
 */
#ifndef SBX_SERVER_LIST_H
#define SBX_SERVER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
	SERVER_LIST_MAX = 8,
	SERVER_NAME = 254,
	SERVER_TEXT = 320, /* of one, with its end */
};

struct name_server_address {
	struct sockaddr_storage address; /* with its port */
	socklen_t address_len;
	bool tls;
	char name[SERVER_NAME]; /* tls: whom its certificate has to name */
};

struct server_list {
	struct name_server_address items[SERVER_LIST_MAX];
	size_t count;
};

/*
 * One server: "203.0.113.53", "203.0.113.53:5353", "2001:db8::1",
 * "[2001:db8::1]:5353", "tls://203.0.113.53#dns.example.org" (port 853 where
 * none is given).
 */
bool server_list_parse_one(const char *text, struct name_server_address *ret);

/* 0; -EINVAL with text in reterr and *ret untouched. */
int server_list_parse(const char *const *servers, size_t count,
	struct server_list *ret, char *reterr, size_t reterr_size);

#endif
