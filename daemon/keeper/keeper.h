/*
 * The keeper (DESIGN 3): reads the operator's documents, holds authorities and
 * credentials, starts and looks after the workers, and fills the kernel's sets.
 * Parses nothing that a sandbox or an origin sent.
 *
 * Functions that need the workers' word take done(): called once, later or
 * before the return, with 0 or -errno and a text (for people; on -EINVAL the
 * document errors, one a line), and what the workers closed for it:
 * {generation, closed, list: [...]} as receipt.h has it, or NULL; borrowed for
 * the call.
 */
#ifndef SBX_KEEPER_H
#define SBX_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum { KEEPER_TAG = 17 }; /* an ETag without its quotes, and its end */

struct ev_loop;
struct keeper;
struct overlay;
struct policy;
struct policy_limit;

typedef void keeper_done(
	void *arg, int status, const char *text, const json_t *receipt);

struct keeper_options {
	const char *config;      /* path of the main file */
	const char *runtime_dir; /* made if it is absent */
	const char *worker;      /* program of the workers; NULL: this one */
};

struct keeper_events {
	void (*ready)(void *arg); /* once: sandboxes are served */
	void (*failed)(void *arg, const char *why); /* instead of ready */
	void (*stopped)(void *arg);                 /* after keeper_stop() */
	/* With the setting `watch`: the files are others.  A reload is up to
	 * whom it is said. */
	void (*changed)(void *arg);
};

/*
 * Starts everything.  Options and events are borrowed, options for the call.
 * 0 and *ret, which the caller frees; or -errno and what is wrong in
 * *ret_text, one a line, malloc'd (NULL: no memory for it).
 */
int keeper_new(struct ev_loop *loop, const struct keeper_options *options,
	const struct keeper_events *events, void *arg, struct keeper **ret,
	char **ret_text);
void keeper_free(struct keeper *k); /* accepts NULL; kills workers that live */

/* Lets the workers finish, for some seconds at most; then stopped(). */
void keeper_stop(struct keeper *k);

/* Opens the decision log anew, after a rotation. */
void keeper_reopen_log(struct keeper *k);

/* Reads all files again, compiles, hands out. A bad file keeps the old
 * generation. */
void keeper_reload(struct keeper *k, keeper_done *done, void *arg);

/*
 * document: YAML `{interface: …, address: …, policy: …, labels: {…}}` as under
 * `sandboxes:`; the sandbox is there, CA made, workers told, kernel sets filled
 * when done(0) comes.  -ESTALE: it is there already; -EEXIST: its address is,
 * or a file declares it; -EINVAL, -ENOENT (policy, or the kernel side is not
 * there), …
 */
void keeper_add_sandbox(struct keeper *k, const char *name,
	const char *document, keeper_done *done, void *arg);

/* The same, and one that a caller has added is from now on what document says;
 * it keeps authority, overlay and stand-ins, and what it has open, as far as
 * nothing forbids that now; at another place all of that ends. */
void keeper_put_sandbox(struct keeper *k, const char *name,
	const char *document, keeper_done *done, void *arg);

/* Kernel sets first, then connections, CA, secrets.  -ENOENT.  -EBUSY: it is
 * declared in a file, remove it there. */
void keeper_remove_sandbox(
	struct keeper *k, const char *name, keeper_done *done, void *arg);

struct keeper_overlay {
	const char *document; /* YAML (overlay.h); NULL: none any more */
	const char *match;    /* the ETag that it has now; NULL: whichever */
	bool ephemeral;       /* ends with the daemon; else it is kept */
};

/* Puts it over the sandbox's policy.  -ENOENT; -ESTALE: another has it now;
 * -EINVAL: the document is bad. */
void keeper_set_overlay(struct keeper *k, const char *name,
	const struct keeper_overlay *overlay, keeper_done *done, void *arg);

/* Its text, malloc'd ("" if there is none), and its ETag.  -ENOENT, -ENOMEM. */
int keeper_overlay_of(struct keeper *k, const char *name, char **ret_text,
	char ret_tag[KEEPER_TAG]);

/* Its rules, for asking them: a reference, or NULL when there are none (or no
 * memory). */
struct overlay *keeper_overlay_rules(struct keeper *k, const char *name);

/*
 * Asks the sources of that credential again (NULL: of all); done(0) when the
 * workers have what they said.  -ENOENT; -EINVAL: some have no value, and why.
 */
void keeper_refresh_credentials(
	struct keeper *k, const char *name, keeper_done *done, void *arg);

const struct policy *keeper_policy(
	const struct keeper *k); /* borrowed until the loop turns */
uint64_t keeper_generation(const struct keeper *k);

/* New references; version, pid, uptime, generation, workers[{index, pid, state,
 * restarts, …}], sandboxes, kernel{ok, text}, credentials[{name, available,
 * why}]. */
json_t *keeper_status(struct keeper *k);
/* {ok, ready, checked, canary, text, findings[{id, severity, what, mend}]}. */
json_t *keeper_health(struct keeper *k);
/* The same as Prometheus text, malloc'd; NULL: out of memory. */
char *keeper_metrics(struct keeper *k);
json_t *keeper_sandboxes(struct keeper *k); /* array */
/* {state, from, age, expires, error}, or of one of which each sandbox has its
 * own {state: "own", sandboxes: [those, and sandbox]}; never a value.  NULL: no
 * such credential, or no policy lists it. */
json_t *keeper_credential(struct keeper *k, const char *name);
json_t *keeper_sandbox(struct keeper *k, const char *name); /* NULL: none */

/* Borrowed until the loop turns; NULL: no such sandbox. */
const char *keeper_sandbox_policy(struct keeper *k, const char *name);
const char *keeper_sandbox_ca(struct keeper *k, const char *name); /* PEM */
/* {environment: {VARIABLE: stand-in}, stand_ins: {CREDENTIAL: stand-in}} */
json_t *keeper_environment(struct keeper *k, const char *name); /* NULL: none */

/* The limit of all that it does, and where that stands; NULL: none.  Borrowed
 * until the loop turns. */
const struct policy_limit *keeper_sandbox_limit(
	struct keeper *k, const char *name, const char **ret_source);

/*
 * What the address guard would say of addresses (a list with commas; "" for
 * none): {resolver: […], allowed: […], addresses: [{address, refused}]}, where
 * "refused" is why not, or null.  Resolves nothing.  A new reference.
 */
json_t *keeper_guard(struct keeper *k, const char *addresses);

const char *keeper_trust_pem(struct keeper *k); /* upstream.ca_file; NULL */
const char *keeper_log_path(struct keeper *k);

/* Settings that the control server needs; NULL: none. */
const char *keeper_control_group(struct keeper *k);
const char *keeper_admin_group(struct keeper *k);

#endif
