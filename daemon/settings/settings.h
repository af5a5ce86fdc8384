/*
 * The daemon's own settings (DESIGN 6): the keys of sbx-netd.yaml that are not
 * policy, one table with a row for each, and their defaults.  Pure: reads a
 * parsed tree, no file; what a default has to ask the machine for (how many
 * CPUs, which resolver) is left at 0 and filled in by the keeper.
 */
#ifndef SBX_SETTINGS_H
#define SBX_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema.h"

struct region;
struct report;
struct tree;

enum {
	SETTINGS_WORKERS_MAX = 64,
	SETTINGS_SERVERS_MAX = 8,
	SETTINGS_RANGES_MAX = 256,
};

enum settings_affinity {
	SETTINGS_BY_SOURCE, /* a sandbox lives in one worker */
	SETTINGS_BY_FLOW,   /* the kernel spreads; every worker serves all */
};

struct settings_limits { /* DESIGN 12; the last five per sandbox */
	unsigned hello, head, idle, connect; /* seconds */
	unsigned connections, connections_per_second;
	unsigned mints_per_second, dns_per_second;
	unsigned dns_names_per_minute, dns_label_bytes, dns_name_bits;
	unsigned names; /* with a synthetic address */
};

struct settings_kernel {
	unsigned mark, mask; /* of the packet mark */
	unsigned gate_mark;  /* one bit more, for what the gate lets pass */
	unsigned queue;      /* of NFQUEUE, for the gate */
	unsigned table;      /* routing table */
	unsigned port;       /* TCP listeners on 127.0.0.1 and ::1 */
	int install;         /* 1, 0, or -1: when root */
	const char *setup;   /* sbx-net-setup; NULL: look for it */
};

struct settings {
	unsigned workers;               /* 0: as many as there are CPUs */
	int affinity;                   /* enum settings_affinity */
	struct schema_strings resolver; /* count 0: those of resolv.conf */
	const char *worker_user;        /* NULL: see keeper/identity.h */
	struct {
		const char *file; /* NULL: in the runtime directory */
		bool journal;
	} log;
	struct {
		const char *ca_file;
		struct schema_strings allow_addresses;
	} upstream;
	struct {
		const char *group, *admin_group; /* NULL: root only */
	} control;
	bool watch; /* reload when documents change */
	struct settings_limits limits;
	struct settings_kernel kernel;
	struct region *region; /* holds the texts */
};

/*
 * Reads the settings out of the first tree; a settings key in any other is an
 * error, for nobody would find it there.  Keys of others are left alone.
 * Returns 0 and *ret, which the caller frees; -EINVAL with the report filled;
 * -ENOMEM.
 */
int settings_read(const struct tree *const *trees, size_t count,
	struct settings **ret, struct report *report);
void settings_free(struct settings *s); /* accepts NULL */

/* The top-level keys, NULL-terminated: other_keys of policy_compile(). */
const char *const *settings_keys(void);

/*
 * The first settings key whose value is not the same in both files, NULL if
 * all are.
 */
const char *settings_difference(const struct tree *a, const struct tree *b);

/* The table, for the test that compares it with docs/settings.md. */
extern const struct schema_table settings_table;

/* Whether text is an address, or a range if so wanted: "10.0.0.0/8". */
bool settings_is_address(const char *text);
bool settings_is_range(const char *text);

/* Whether text is a name server, as server_list.h spells it. */
bool settings_is_server(const char *text);

#endif
