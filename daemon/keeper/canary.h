/*
 * The canary: packets from outside, which must be refused, and nothing of them
 * may come out at the other side.
 */
#ifndef SBX_CANARY_H
#define SBX_CANARY_H

#include <stdbool.h>
#include <stddef.h>

struct canary;

/* The interface that it sings into, and the addresses at which it is known. */
#define CANARY_INTERFACE "sbx-canary0"
#define CANARY_ADDRESS4 "192.0.0.8"
#define CANARY_ADDRESS6 "fd73:6278:6e::ca"

struct canary_report {
	unsigned sent;     /* packets, of all kinds */
	unsigned left;     /* that came out at the far side */
	unsigned strays;   /* that came back and are no refusal */
	unsigned accepted; /* connections that a listener of ours took */
	unsigned awaited;  /* … and would have, if all were well */
};

/*
 * Makes both interfaces and their routes; they go with the canary, and with
 * the process.  0 and *ret; or -errno with a line in reterr: no device
 * /dev/net/tun, no right to it, the name is taken.
 */
int canary_new(bool v6, struct canary **ret, char *reterr, size_t size);
void canary_free(struct canary *c); /* accepts NULL */

/* Sends one of each kind, and forgets what it heard.  0 or -errno. */
int canary_sing(struct canary *c);

/* What has come of it so far.  Never waits. */
void canary_hear(struct canary *c, struct canary_report *ret);

#endif
