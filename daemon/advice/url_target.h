/*
 * A URL as a sandbox's client would act on it: TLS, HTTP or neither, whom it
 * would name, which port, which path and query; or packets to an address.
 * Pure.
 */
#ifndef SBX_URL_TARGET_H
#define SBX_URL_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "host.h"
#include "policy_packet.h"

enum { URL_TARGET_MAX = 4096 };

struct url_target {
	bool tls;
	bool raw; /* tcp://, udp://, icmp://: neither TLS nor HTTP */
	enum policy_protocol protocol;
	uint16_t port;            /* 0: of icmp:// */
	char shown[HOST_MAX + 3]; /* the host as written, without brackets */
	char name[HOST_MAX + 1];  /* normalised; "" for an address */
	struct sockaddr_storage address; /* AF_UNSPEC for a name */
	char path[URL_TARGET_MAX];       /* without the query; "/" at least */
	char query[URL_TARGET_MAX];      /* without its '?'; "" for none */
};

/* NULL, or what is wrong with the URL (static text, *ret of no use). */
const char *url_target_read(const char *url, struct url_target *ret);

/* Whether a method and a path could stand in a request line at all: NULL, or
 * what is wrong. */
const char *url_target_method_error(const char *method);

#endif
