/* The body of struct nft, for the files that make up nft.h. */
#ifndef SBX_NFT_STATE_H
#define SBX_NFT_STATE_H

#include "iprule.h"
#include "ledger.h"
#include "nft.h"
#include "nft_gate.h"

struct nlsock;

struct nft {
	struct nlsock *nfnl; /* NETLINK_NETFILTER */
	struct nlsock *rtnl; /* NETLINK_ROUTE */
	struct iprule_names names;
	struct ledger ledger;
	struct element *exempt; /* in the order in which they are sent */
	size_t exempt_count;
	bool has_cage;
	char cage[NFT_CAGE_SIZE]; /* --cage, as the table had it last */
	struct {
		bool wanted;
		uint16_t queue;
		enum nft_queue kind;
	} gate;
};

struct batch;

/* An empty transaction; NULL: out of memory. */
struct batch *nft_begin(const struct nft *nft);

/* Sends it and frees it; says how to mend a table that is not there. */
int nft_commit(struct nft *nft, struct batch *b, char *reterr, size_t size);

/* Adds the exempt elements to it, after emptying their sets. */
int nft_put_exempt(struct batch *b, const struct element *e, size_t count);

/* nft_gate.c: puts the rule there that is wanted. */
int nft_put_gate(struct nft *nft, char *reterr, size_t size);

/* nft_check.c: how many rules the chain `gate` has; -ENOENT: there is none. */
int nft_gate_rules(struct nft *nft, int *ret);

/*
 * The elements of a set in the kernel, sorted, malloc'd: 0, -ENOENT the table
 * or the set is not there, -errno.
 */
int nft_dump_set(struct nft *nft, enum element_set set, struct element **ret,
	size_t *ret_count);

#endif
