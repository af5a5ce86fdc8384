/*
 * The life of an unprivileged worker (`sbx-netd --worker`): everything that a
 * sandbox or an origin sends is parsed in one of these and nowhere else.
 */
#ifndef SBX_WORKER_H
#define SBX_WORKER_H

/* link_fd: the socketpair to the keeper.  Returns the exit status. */
int worker_main(int link_fd);

#endif
