/*
 * What the parts of the keeper share.  Internal to this folder; everybody else
 * sees keeper.h.
 */
#ifndef SBX_KEEPER_STATE_H
#define SBX_KEEPER_STATE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "change.h"
#include "identity.h"
#include "keeper.h"
#include "launch.h"
#include "listeners.h"
#include "resolv_conf.h"
#include "server_list.h"
#include "settings.h"

struct crew;
struct decision_log;
struct document_watch;
struct documents;
struct hostnet;
struct kernel_side;
struct link_name;
struct registry;
struct rsa_key;
struct selfcheck;
struct sandbox;
struct sandbox_spec;
struct strongbox;

enum { KEEPER_TEXT = 512 };

struct keeper {
	struct ev_loop *loop;
	const struct keeper_events *events;
	void *arg;
	char *config, *runtime_dir;
	char *overlays, *entries; /* the folders of what is kept */
	char *stand_ins;          /* … and of those */
	bool strayed; /* what holds is not what is kept (keeper_entry.c) */
	int lock;     /* fd */
	double started;

	struct documents *documents; /* what holds */
	struct documents *target;    /* what workers are told: the same, or of
					the reload at hand */
	struct registry *registry;
	struct strongbox *strongbox;
	struct decision_log *log;
	struct hostnet *hostnet;
	struct kernel_side *kernel;
	struct selfcheck *selfcheck;
	struct rsa_key *rsa_key;
	struct document_watch *watch; /* NULL: not wanted */
	struct listeners listeners;

	struct identity identity, gate_identity;
	struct launch launch, gate_launch;
	bool has_gate;
	struct crew *crew;

	uint64_t generation; /* the last one told */
	struct change_queue changes;
	bool kernel_settled, ready, stopping, failed;
	uint64_t kernel_trouble; /* the record of it, or 0 */

	char servers_text[SETTINGS_SERVERS_MAX][SERVER_TEXT];
	const char *servers[SETTINGS_SERVERS_MAX];
	size_t server_count;
	ev_timer ask; /* for the workers' status */
};

/* keeper_batch.c: what a worker is told. */
enum batch {
	BATCH_NEWS,  /* what changed since the last one */
	BATCH_AGAIN, /* everything, and what is not so any more */
	BATCH_FIRST, /* everything, to a worker that knows nothing */
};
void keeper_send_batch(struct keeper *k, uint32_t index, enum batch batch);
void keeper_send_all(struct keeper *k, enum batch batch);

/* keeper_change.c: the changes that we make ourselves. */
void keeper_apply_start(
	struct keeper *k, struct documents *first, keeper_done *done);
void keeper_apply_update(struct keeper *k); /* something is dirty */

/* A reload, for changes that bring their documents: change_kind's own. */
int keeper_begin_reload(struct keeper *k, struct change *c, char **ret_text);
int keeper_commit_reload(struct keeper *k, struct change *c, char **ret_text);
void keeper_undo_reload(struct keeper *k, struct change *c);
void keeper_abandon_reload(struct keeper *k, struct change *c);

/* Copies wanted, and name and entry (may be NULL) into it; done() is called in
 * any case. */
void keeper_submit(struct keeper *k, const struct change *wanted,
	const char *name, const char *entry);

/* keeper_overlay.c: what is kept, for the sandboxes that come.  -errno with a
 * line in reterr. */
int keeper_load_overlays(struct keeper *k, char *reterr, size_t reterr_size);

/* … and of those that go. */
void keeper_drop_overlays(struct keeper *k);

/* keeper_stand_ins.c: those that are about to be told get what they lack. */
void keeper_assign_stand_ins(struct keeper *k, enum batch batch);
void keeper_drop_stand_ins(struct keeper *k); /* of those that go */

/* The ETag of a text.  0 or -ENOMEM. */
int keeper_tag_of(const char *text, char ret[KEEPER_TAG]);

/* keeper_change.c: puts every sandbox that is not there into the kernel's
 * sets. */
void keeper_fill_kernel(struct keeper *k);

/* Takes one out that is at spec's place; those that go, and those that move. */
void keeper_take_out(
	struct keeper *k, struct sandbox *s, const struct sandbox_spec *spec);
void keeper_empty_kernel(struct keeper *k);

/* The commit() of what has marked things, and no more. */
int keeper_commit_settle(struct keeper *k, struct change *c, char **ret_text);

/* keeper_crew.c: what the workers do to us. */
extern const struct crew_events keeper_crew_events;

/* keeper_names.c: a worker asks for a synthetic address, or what it stands for.
 */
void keeper_name_asked(void *arg, uint32_t index, const struct link_name *ask);

/* keeper_status.c: text as JSON, with '?' where it is cut within a character.
 */
json_t *keeper_text(const char *text);

/* keeper_secrets.c: what the sources of secrets do to us. */
extern const struct strongbox_events keeper_strongbox_events;

/*
 * keeper_interface.c: what the interfaces do.  Looks where the sandbox's is and
 * how; whether it is another than the workers know.
 */
struct hostnet_link;
bool keeper_see_interface(struct keeper *k, struct sandbox *s);
void keeper_forget_interface(struct sandbox *s); /* whatever it was */
void keeper_on_link(void *arg, const struct hostnet_link *link);
void keeper_on_unlink(void *arg, const char *name, uint32_t ifindex);

/* keeper_health.c: what the look at ourselves says. */
extern const struct selfcheck_events keeper_selfcheck_events;

/* keeper_host.c: what the host does to us. */
extern const struct hostnet_events keeper_hostnet_events;
extern const struct kernel_side_events keeper_kernel_events;

void keeper_check_ready(struct keeper *k);

#endif
