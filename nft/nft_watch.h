/*
 * Tells when somebody else changed our table or took one of our ip rules, or
 * the route in our routing table, away.  Changes made through the struct nft
 * that it watches for are not told.
 */
#ifndef SBX_NFT_WATCH_H
#define SBX_NFT_WATCH_H

#include <stddef.h>

struct nft;
struct nft_watch;

enum {
	NFT_WATCH_TABLE = 1, /* the table, or anything in it */
	NFT_WATCH_RULES = 2, /* an ip rule or the route of ours is gone */
	NFT_WATCH_LOST = 4,  /* too many events: look at everything */
};

/*
 * In the caller's namespace.  nft is borrowed and closed after the watch.  0
 * and *ret, which the caller closes; or -errno with a line in reterr.
 */
int nft_watch_open(const struct nft *nft, struct nft_watch **ret, char *reterr,
	size_t size);
void nft_watch_close(struct nft_watch *w); /* accepts NULL */

/* Readable when there is something to read.  Borrowed. */
int nft_watch_fd(const struct nft_watch *w);

/*
 * Reads a bounded number of events and returns what they say, or-ed; 0 when
 * nothing of ours was touched; -errno.  Never waits.
 */
int nft_watch_read(struct nft_watch *w);

/* Reads away what has come so far, whosoever it is.  0 or -errno. */
int nft_watch_skip(struct nft_watch *w);

#endif
