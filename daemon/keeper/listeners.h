/*
 * The sockets that sandboxes' traffic is delivered to (DESIGN 3, 4): for each
 * worker a TCP listener and a DNS socket, in IPv4 and IPv6.  Opened once,
 * before any worker, or taken over from systemd; then held until we end, so
 * that a crashed worker's SYNs wait.  And held by one daemon in a network
 * namespace (netclaim.h).
 */
#ifndef SBX_LISTENERS_H
#define SBX_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LISTENERS_MAX = 64 };

enum listener_kind {
	LISTENER_TCP4,
	LISTENER_TCP6,
	LISTENER_DNS4,
	LISTENER_DNS6,
	LISTENER_KINDS
};

struct listeners {
	uint32_t workers;
	bool has_v6;
	int fds[LISTENER_KINDS][LISTENERS_MAX]; /* -1: none */
	int claim;                              /* fd */
};

void listeners_init(struct listeners *l);

/*
 * What systemd passed (LISTEN_FDS, by the names tcp4, tcp6, dns4, dns6):
 * returns how many workers that is for, 0 if nothing was passed, or -errno
 * with a line in reterr.  All kinds that are there must be of one number.
 */
int listeners_adopt(struct listeners *l, char *reterr, size_t reterr_size);

/*
 * Opens what is not there yet, for that many workers, and steers by source if
 * so asked.  Waits, up to seconds, for whoever still listens there to go: the
 * workers of a keeper that was killed.  A machine without IPv6 is served
 * without (has_v6 says so).  0; -EBUSY another daemon has this namespace;
 * -errno; with a line in reterr.
 */
int listeners_open(struct listeners *l, uint32_t workers, uint16_t port,
	bool by_source, char *reterr, size_t reterr_size);

void listeners_done(struct listeners *l);

/*
 * With route_localnet a packet from outside may be addressed to 127.0.0.1, and
 * so to the listeners without TPROXY.  0; -EPERM with a line in reterr.
 */
int listeners_check_localnet(char *reterr, size_t reterr_size);

#endif
