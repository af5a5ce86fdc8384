/*
 * A network namespace without a name: made, held by a descriptor, and gone
 * when the last process and the last descriptor in it are gone.
 */
#ifndef SBX_NETSPACE_H
#define SBX_NETSPACE_H

struct rtnl;

/*
 * Makes a network namespace, while the caller stays where it is.  0, with the
 * namespace in *ret_fd (the caller closes it) and a netlink socket that
 * belongs to it in *ret; or -errno, -EPERM without CAP_SYS_ADMIN.  The caller
 * has one thread.
 */
int netspace_new(int *ret_fd, struct rtnl **ret);

#endif
