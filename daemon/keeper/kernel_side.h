/*
 * The kernel's part (DESIGN 4) as the keeper looks after it: is our table
 * there, put it back when somebody took it away, tell it which sandboxes there
 * are.  What it cannot mend it says, and goes on.
 */
#ifndef SBX_KERNEL_SIDE_H
#define SBX_KERNEL_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ev_loop;
struct kernel_side;
struct sandbox_spec;
struct settings;

struct kernel_side_events {
	/* The first answer is there: all good, or broken for good. */
	void (*settled)(void *arg);
	/* Something of ours was gone; what says so. */
	void (*gone)(void *arg, const char *what);
	/* It is back: add again the sandboxes that are not in it.  How. */
	void (*mended)(void *arg, const char *how);
};

struct kernel_side_options {
	const struct settings *settings; /* borrowed until start returns */
	const char *const *servers;      /* resolvers, as in the settings */
	size_t server_count;
	uid_t worker_uid;
	bool has_gate; /* somebody reads the queue */
};

/* NULL: out of memory. */
struct kernel_side *kernel_side_new(struct ev_loop *loop,
	const struct kernel_side_events *events, void *arg);
void kernel_side_free(struct kernel_side *k); /* accepts NULL */

/* Looks, and installs if it may and must; settled() follows, perhaps later. */
void kernel_side_start(
	struct kernel_side *k, const struct kernel_side_options *options);

/* 0 or -errno with a line in reterr. */
int kernel_side_add(struct kernel_side *k, const struct sandbox_spec *spec,
	char *reterr, size_t reterr_size);
int kernel_side_remove(struct kernel_side *k, const struct sandbox_spec *spec,
	char *reterr, size_t reterr_size);

/* Connection tracking forgets its addresses; what goes wrong is logged. */
void kernel_side_forget(struct kernel_side *k, const struct sandbox_spec *spec);

/*
 * A name that stays shut although nobody is behind it, until let_go() or a
 * sandbox is added there: nft_cage().  follow: if the old name is caged, so
 * shall be the new one.  What goes wrong is logged.
 */
void kernel_side_hold(struct kernel_side *k, const char *interface);
void kernel_side_let_go(struct kernel_side *k, const char *interface);
void kernel_side_follow(
	struct kernel_side *k, const char *was, const char *now);

/* Looks now; mend: and puts all back whatever it finds, for that reason. */
void kernel_side_look(struct kernel_side *k);
void kernel_side_mend(struct kernel_side *k, const char *why);

/* How often something was put back. */
unsigned kernel_side_repairs(const struct kernel_side *k);

/* The canary's pairs of interface and address, as a sandbox's.  0 or -errno
 * with a line in reterr. */
int kernel_side_add_canary(
	struct kernel_side *k, bool v6, char *reterr, size_t reterr_size);

/* Runs sbx-net-setup doctor; captured: setup_run.h.  0 and *ret; -ENOENT: there
 * is no such program; -errno. */
struct setup_run;
int kernel_side_doctor(struct kernel_side *k,
	void (*done)(void *arg, int status), void *arg, struct setup_run **ret);

/* Takes out of the kernel what nobody added: leftovers of an earlier daemon. */
void kernel_side_sync(struct kernel_side *k);

bool kernel_side_is_good(const struct kernel_side *k);
const char *kernel_side_queue(const struct kernel_side *k); /* its kind */
const char *kernel_side_text(const struct kernel_side *k);  /* for people */

#endif
