/*
 * The command line of `sbx-netctl run`, understood.
 */
#ifndef SBX_RUN_OPTIONS_H
#define SBX_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "usage.h"
#include "wire.h"

enum { RUN_RANGES_MAX = 256, RUN_NAME_MAX = 64 };

struct import;

struct run_options { /* strings borrowed from argv */
	char name[RUN_NAME_MAX];
	char *policy;       /* NULL: the only one there is */
	char *policy_file;  /* malloc'd; NULL: policy names a loaded one */
	struct import *kit; /* is the policy; NULL: none named */
	const char *config; /* NULL: none named */
	const char *allow_addresses[RUN_RANGES_MAX];
	size_t allow_address_count;
	char *log; /* malloc'd, absolute; NULL: none is kept */
	struct wire_pool pool;
	bool quiet; /* no summary */
	char **command;
};

extern const struct usage_option run_usage[];

/* 0, or -EINVAL with a line in reterr. */
int run_options_parse(int argc, char **argv, struct run_options *ret,
	char *reterr, size_t size);
void run_options_done(struct run_options *o);

/* Whether they ask for a daemon of one's own, whatever is running. */
bool run_options_want_own(const struct run_options *o);

#endif
