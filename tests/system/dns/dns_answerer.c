/*
 * dns_answerer.c - a worker's half of DNS and nothing else, for
 * test_dns_responder.py
 *
 * Opens the two sockets, gives up every capability, says "ready" and then one
 * line for each question:
 *
 *	server interface peer name type
 *
 * Each name has the addresses 198.51.100.7 and 2001:db8:7::7, "many.test" has
 * forty of them, "none.test" does not exist.  Ends when its input does.
 */
#include <arpa/inet.h>
#include <cap-ng.h>
#include <err.h>
#include <ev.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dns_socket.h"
#include "responder.h"

enum {
	MANY = 40,
};

static void
print_address(const struct sockaddr_storage *address)
{
	char text[INET6_ADDRSTRLEN];
	const void *any = address;

	if (address->ss_family == AF_INET)
		any = &((const struct sockaddr_in *)any)->sin_addr;
	else
		any = &((const struct sockaddr_in6 *)any)->sin6_addr;
	fputs(inet_ntop(address->ss_family, any, text, sizeof(text)), stdout);
}

static void
ask(void *arg, struct dns_request *req)
{
	uint8_t bytes[MANY][16];
	struct dns_content content = {.addresses = (const uint8_t(*)[16])bytes,
		.count = 1,
		.ttl = 60};
	int family = req->query.type == DNS_TYPE_A ? AF_INET : AF_INET6;
	char interface[IF_NAMESIZE] = "?";

	(void)arg;
	if_indextoname(req->ifindex, interface);
	print_address(&req->dst);
	printf(" %s ", interface);
	print_address(&req->peer);
	printf(" %s %d\n", req->query.name, req->query.type);
	fflush(stdout);

	for (int i = 0; i < MANY; i++)
		inet_pton(family,
			family == AF_INET ? "198.51.100.7" : "2001:db8:7::7",
			bytes[i]);
	if (strcmp(req->query.name, "many.test") == 0)
		content.count = MANY;
	if (strcmp(req->query.name, "none.test") == 0)
		dns_request_answer(req, DNS_NXDOMAIN, NULL);
	else
		dns_request_answer(req, DNS_NOERROR, &content);
}

static void
gone(void *arg, struct dns_request *req)
{
	(void)arg, (void)req;
}

static void
on_input(struct ev_loop *loop, struct ev_io *w, int revents)
{
	char byte;

	(void)revents;
	if (read(w->fd, &byte, 1) <= 0)
		ev_break(loop, EVBREAK_ALL);
}

static void
add(struct dns_responder *r, int family, const char *address)
{
	char why[128];
	int fd = dns_socket_open(family, address, 53, why, sizeof(why));

	if (fd < 0)
		errx(1, "%s", why);
	if (dns_responder_add(r, fd) < 0)
		errx(1, "responder");
}

int
main(void)
{
	static const struct dns_responder_ops ops = {ask, gone};
	struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
	struct dns_responder *r = dns_responder_new(loop, &ops, NULL);
	struct ev_io input;

	if (r == NULL)
		errx(1, "out of memory");
	add(r, AF_INET, "127.8.0.53");
	add(r, AF_INET6, "fd73:6278:6e::53");
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOTH) < 0)
		errx(1, "capabilities");
	ev_io_init(&input, on_input, STDIN_FILENO, EV_READ);
	ev_io_start(loop, &input);
	puts("ready");
	fflush(stdout);
	ev_run(loop, 0);
	ev_io_stop(loop, &input);
	dns_responder_free(r);
	return 0;
}
