/*
 * Giving up what a worker does not need (DESIGN 3): in two steps, because some
 * things can only be opened in between.
 *
 *	isolate_early()  before anything is parsed: no new privileges, no core,
 *	                 not dumpable, no capability
 *	isolate_late()   before the first byte of a sandbox: no file system
 *	                 (Landlock), no listening, and only the system calls
 *	                 that the loop needs (seccomp)
 *
 * Who asks a Vault loads libraries and reads what the system trusts: instead of
 * the second step it takes isolate_reader(), after which no path can be
 * written, made, removed or executed, but read (Landlock).
 */
#ifndef SBX_ISOLATE_H
#define SBX_ISOLATE_H

#include <stddef.h>

/*
 * Sockets that the keeper holds as well and will give to who comes after, -1
 * where there is none: nothing done to them later may outlast the worker.
 */
struct isolate_shared {
	int listeners[2];
	int udp[2]; /* sendmsg() may be called with no other descriptor */
};

/* 0, or -errno with a line in reterr. */
int isolate_early(char *reterr, size_t reterr_size);
int isolate_late(
	const struct isolate_shared *shared, char *reterr, size_t reterr_size);

/*
 * The gate keeps CAP_NET_ADMIN, if it has it, and in isolate_gate_late() fewer
 * system calls than a worker: it opens, connects and accepts nothing.
 */
int isolate_gate_early(char *reterr, size_t reterr_size);
int isolate_gate_late(char *reterr, size_t reterr_size);
int isolate_reader(char *reterr, size_t reterr_size);

#endif
