/*
 * For tests: all that a session needs, without a worker: one sandbox, served
 * here, with a policy from text; a log in memory; a resolver that answers from
 * a table; and 127.0.0.0/8 as the Internet.
 */
#ifndef SBX_TEST_SESSION_LAB_H
#define SBX_TEST_SESSION_LAB_H

#include <stddef.h>
#include <stdint.h>

#include "resolver_double.h"
#include "services.h"

struct ca;
struct policy;
struct sandbox;

struct lab_asks { /* for synthetic addresses; the last one */
	int count;
	char host[256]; /* "": by number */
	uint32_t number;
};

struct session_lab {
	struct ev_loop *loop;
	struct services services;
	struct policy *policy;
	struct sandbox *sandbox; /* "box", the table's */
	struct ca *ca;           /* its own, and what origins are trusted by */
	int log;
	struct lab_asks asks; /* that nobody answers */
};

enum { LAB_IFINDEX = 5 };

/* policy: a document with one policy "p", or NULL for none yet. */
void session_lab_open(struct session_lab *lab, const struct resolver_row *rows,
	const char *policy);
void session_lab_close(struct session_lab *lab);

/* The sandbox dials 192.0.2.1 at that port: its end of the connection. */
int session_lab_dial(struct session_lab *lab, uint16_t port);

/* The same, at an address of its choice. */
int session_lab_dial_at(
	struct session_lab *lab, const char *address, uint16_t port);

/* The decision log so far; valid until the next call. */
const char *session_lab_log(const struct session_lab *lab);

/* Until a line of the log holds part (and also, if that is not NULL): the
 * line.  A log that is written by then is read at once. */
const char *session_lab_line(
	struct session_lab *lab, const char *part, const char *also);

/* The next connection at a listener. */
int session_lab_accept(struct session_lab *lab, int listener);

/* Reads from fd until text is there, or the end ("" waits for that): all that
 * came, terminated.  size: of ret. */
void session_lab_read(struct session_lab *lab, int fd, const char *text,
	char *ret, size_t size);

/* All of it, in one call. */
void session_lab_send(int fd, const char *text);

#endif
