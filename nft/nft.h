/*
 * What changes in the kernel side while the daemon runs: which interfaces and
 * addresses are sandboxes, which denied ranges a worker may dial after all;
 * and whether everything else still stands.  The rules themselves come from
 * sbx-net.nft by way of `sbx-net-setup install` and are never touched here.
 *
 * Talks netlink to the kernel of the namespace it was opened in (CAP_NET_ADMIN)
 * and waits for nobody: an answer is there when the request returns.  Keeps
 * what it was told, so that nft_sync() can put it back.  Never logs.
 *
 * Putting back what somebody took away is the same three steps always:
 *
 *	run `sbx-net-setup install` with nft_cage_names(), wait for its end;
 *	nft_sync();
 *	nft_watch_read() until it returns 0 (nft_watch.h): that was ourselves.
 */
#ifndef SBX_NFT_H
#define SBX_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NFT_DEFAULT_MARK = 0x2, /* one low bit that no neighbour is known for */
	NFT_DEFAULT_GATE_MARK = 0x4, /* another, beside it: see nft_gate.h */
	NFT_DEFAULT_ROUTE_TABLE = 15001,
	NFT_DEFAULT_PORT = 15001,  /* TCP, on 127.0.0.1 and ::1 */
	NFT_PREF_MAIN = 99,        /* ip rules: iif lo, marked: table main */
	NFT_PREF_MARK = 100,       /* marked: our table */
	NFT_PREF_GATE = 150,       /* passed by the gate: table main */
	NFT_PREF_PROHIBIT = 200,   /* from a sandbox, not marked: nowhere */
	NFT_MAX_ADDRESSES = 64,    /* of one sandbox */
	NFT_MAX_SOURCES = 1 << 16, /* of all of them */
	NFT_MAX_RANGES = 512,      /* exempt, each family */
	NFT_MAX_RESOLVERS = 16,
	NFT_NAME_SIZE = 16,    /* of an interface, with its end */
	NFT_ADDRESS_SIZE = 46, /* of an address as text, with its end */
	NFT_CAGE_SIZE = 101,   /* of what --cage takes, with its end */
};

/* UDP 53 is delivered to these. */
#define NFT_DNS_ADDRESS4 "127.8.0.53"
#define NFT_DNS_ADDRESS6 "fd73:6278:6e::53"

struct nft;

/* What sbx-net-setup was given; 0 means the default (mask: the mark). */
struct nft_names {
	uint32_t mark;
	uint32_t mask;
	uint32_t gate_mark;
	uint32_t route_table;
};

struct nft_sandbox {
	const char *interface;
	const char *const *addresses; /* "10.77.1.2", "fd77:1::2" */
	size_t count;
};

struct nft_resolver {
	const char *address;
	uint16_t port;
};

struct nft_exempt {
	const char *const *ranges; /* "10.1.0.0/16", "fd00::/8", "10.0.0.1" */
	size_t range_count;
	const struct nft_resolver *resolvers;
	size_t resolver_count;
};

struct nft_source {
	char interface[NFT_NAME_SIZE];
	char address[NFT_ADDRESS_SIZE];
};

/*
 * Opens the sockets, in the namespace of the caller.  Does not look whether
 * the table is there: that is nft_check().  Returns 0 and *ret, which the
 * caller closes; or -errno with a line in reterr.
 */
int nft_open(const struct nft_names *names, struct nft **ret, char *reterr,
	size_t size);

/* Accepts NULL.  Everything in the kernel stays as it is. */
void nft_close(struct nft *nft);

/*
 * Cages the interface (set element and prohibit rules) and lets the sandbox's
 * addresses in, in that order.  All or nothing: 0; -EINVAL what is not an
 * interface name or an address; -EEXIST an address of that interface belongs
 * to a sandbox already; -ENOSPC; -ENOENT the kernel side is not installed;
 * -errno in the kernel's words.
 */
int nft_add_sandbox(struct nft *nft, const struct nft_sandbox *sandbox,
	char *reterr, size_t size);

/*
 * Takes its addresses out.  An interface that has no sandbox left stays caged
 * for as long as it exists, because what is behind it may live on: 0; -ENOENT
 * no such sandbox, and then nothing was done; -errno.
 */
int nft_remove_sandbox(struct nft *nft, const struct nft_sandbox *sandbox,
	char *reterr, size_t size);

/*
 * Cages an interface, which need not exist, by its name and, if it does, by
 * its number: of one that a sandbox had and that has another name now, or
 * that is there again.  held: also while nobody has that name, until a sandbox
 * is added there or nft_let_go().  0; -EINVAL; -ENOSPC; -ENOENT not
 * installed, but the prohibit rules stand; -errno.
 */
int nft_cage(struct nft *nft, const char *interface, bool held, char *reterr,
	size_t size);

/* Not held any more: it stays caged for as long as the interface exists. */
void nft_let_go(struct nft *nft, const char *interface);

/* Whether it was caged, by name, through this nft. */
bool nft_is_caged(const struct nft *nft, const char *interface);

/*
 * Opens the cage of an interface without sandboxes that is to be used for
 * something else: 0, also when it was not caged; -EBUSY a sandbox is there;
 * -errno.
 */
int nft_release(
	struct nft *nft, const char *interface, char *reterr, size_t size);

/*
 * Replaces what workers may dial although it is denied: 0; -ENOENT: there is no
 * table yet, it goes in with the next nft_sync(); -EINVAL, -E2BIG, -errno, and
 * nothing is changed.
 */
int nft_exempt(struct nft *nft, const struct nft_exempt *exempt, char *reterr,
	size_t size);

/*
 * Makes the sets and the prohibit rules in the kernel exactly what this nft
 * was told, and releases the interfaces that are gone.  For the start, when
 * all sandboxes were added, for each repair and for once a minute.  An
 * interface that exists and was caged by somebody else stays caged.  0;
 * -ENOENT not installed, but the prohibit rules stand; -errno.
 */
int nft_sync(struct nft *nft, char *reterr, size_t size);

/*
 * Reads back the table, its chains with their hooks and number of rules, the
 * elements, ip rules and routes: 0 all there; -ENOENT something is not, and
 * what is said in reterr; -errno when the kernel would not say.
 */
int nft_check(struct nft *nft, char *reterr, size_t size);

/*
 * The --cage that the rules were installed with, as the last nft_check() that
 * saw any read it, although they may be gone now; NULL: none saw any.
 */
const char *nft_cage_names(const struct nft *nft);

/*
 * What the kernel holds in source4 and source6: 0 with a malloc'd array in
 * *ret, which the caller frees; or -errno.
 */
int nft_dump_sources(struct nft *nft, struct nft_source **ret,
	size_t *ret_count, char *reterr, size_t size);

#endif
