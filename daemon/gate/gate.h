/*
 * The gate process (DESIGN 3): judges what the kernel queues, packets that are
 * neither TCP nor DNS.  It has one capability (CAP_NET_ADMIN, without which
 * nobody reads a queue), no file, and no secret: neither authority, nor
 * credential, nor stand-in is ever told to it.
 */
#ifndef SBX_GATE_H
#define SBX_GATE_H

/* Until the keeper closes the link or says STOP: the process's status. */
int gate_main(int link_fd);

#endif
