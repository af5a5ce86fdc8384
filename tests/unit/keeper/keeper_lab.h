/*
 * What the keeper's tests stand on: a network namespace of their own with the
 * rules installed in it, a folder of documents, a keeper with test doubles for
 * workers, and what those say.
 */
#ifndef SBX_KEEPER_LAB_H
#define SBX_KEEPER_LAB_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct ev_loop;
struct keeper;

struct lab {
	struct ev_loop *loop;
	struct keeper *keeper;
	char dir[64], config[96], runtime[96];
	char *said; /* by the doubles and the keeper's log, all of it */
	size_t said_len;
	bool ready, stopped;
	char *failed; /* NULL: it did not */
	int done;     /* how many done() calls came */
	int status;   /* of the last */
	char *text;
	json_t *receipt;
};

/* Once for the process: a namespace with loopback up. */
void lab_enter_namespace(void);

void lab_open(struct lab *l);
void lab_write(struct lab *l, const char *name, const char *text);
void lab_begin(struct lab *l); /* a start, and waits for nothing */
void lab_wait_ready(struct lab *l);
void lab_start(struct lab *l);       /* … and waits until it is ready */
void lab_start_badly(struct lab *l); /* … and waits until it failed */
void lab_close(struct lab *l);       /* stops the keeper, removes the folder */

/* keeper_done for a struct lab. */
void lab_done(void *arg, int status, const char *text, const json_t *receipt);
void lab_wait_done(struct lab *l, int count);

/* Waits until the text was said count times, from mark on. */
void lab_wait_said(struct lab *l, size_t mark, const char *text, int count);
int lab_count_said(const struct lab *l, size_t mark, const char *text);

/* Fails unless all the texts were said in this order, from mark on. */
void lab_expect_order(
	const struct lab *l, size_t mark, const char *const *texts);

/* One turn of the loop; fails after the deadline. */
void lab_turn(struct lab *l, const char *waiting_for);

/* Runs a shell command in the namespace; fails unless it ends with 0. */
void lab_run(const char *command);

char *lab_read(struct lab *l, const char *name); /* malloc'd */

#endif
