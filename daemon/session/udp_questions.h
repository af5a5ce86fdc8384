/*
 * DNS over UDP: the sockets that all sandboxes' questions come to, whatever
 * server they asked.  Tells whose question it is and hands it to lookup.h.
 */
#ifndef SBX_UDP_QUESTIONS_H
#define SBX_UDP_QUESTIONS_H

struct services;
struct udp_questions;

struct udp_questions *udp_questions_new(
	struct services *services);               /* or NULL */
void udp_questions_free(struct udp_questions *q); /* accepts NULL */

/* Serves fd too, of dns_socket_open(), which it takes when it returns 0. */
int udp_questions_add(struct udp_questions *q, int fd);

#endif
