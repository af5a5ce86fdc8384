/*
 * One rtnetlink socket: a request goes out, the kernel's verdict comes back.
 *
 * The socket belongs to the network namespace in which rtnl_open() was called
 * and keeps belonging to it wherever the process goes afterwards.  Blocking:
 * the kernel answers at once.  Knows nothing of what the messages mean.
 */
#ifndef SBX_RTNL_H
#define SBX_RTNL_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

struct rtnl;

enum { RTNL_REQUEST = 1024 }; /* bytes; the largest message of ours is 200 */

/* 0 and *ret, which the caller closes; or -errno. */
int rtnl_open(struct rtnl **ret);
void rtnl_close(struct rtnl *r); /* accepts NULL */

/*
 * Begins a message of that type in the socket's one request buffer.  flags
 * are added to NLM_F_REQUEST.  Valid until the next rtnl_begin().
 */
struct nlmsghdr *rtnl_begin(struct rtnl *r, uint16_t type, uint16_t flags);

/* Sends what rtnl_begin() began and waits for the kernel's word: 0, -errno. */
int rtnl_commit(struct rtnl *r);

/*
 * Sends it as a question and calls cb for each message of the answer, until
 * it returns something else than MNL_CB_OK.  0 or -errno.
 */
int rtnl_dump(struct rtnl *r, mnl_cb_t cb, void *arg);

/*
 * Sends it as a question about one thing and calls cb, which returns
 * MNL_CB_OK, for the answer.  0 or -errno.
 */
int rtnl_get(struct rtnl *r, mnl_cb_t cb, void *arg);

/* What the kernel said about the last error; "" when it said nothing. */
const char *rtnl_words(const struct rtnl *r);

#endif
