/*
 * What sbx-netlog was asked: its command line and environment as a struct.
 * Opens nothing.
 */
#ifndef SBX_NETLOG_OPTIONS_H
#define SBX_NETLOG_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logfilter.h"

enum netlog_mode {
	NETLOG_LINES,
	NETLOG_JSON,
	NETLOG_SUMMARY,
	NETLOG_EXPLAIN,
	NETLOG_SUGGEST,
};

enum { /* exit codes */
	NETLOG_OK = 0,
	NETLOG_NOT_FOUND = 1, /* --explain: no such id */
	NETLOG_USAGE = 2,
	NETLOG_FAILED = 3, /* the log cannot be read */
};

enum {
	NETLOG_ALL = -1,
	NETLOG_LAST = 20,        /* decisions, unless told otherwise */
	NETLOG_LAST_MAX = 65536, /* what is held in memory at most */
};

struct netlog_options {
	enum netlog_mode mode;
	bool follow;
	bool colour;
	int last;                /* decisions; NETLOG_ALL */
	uint64_t id;             /* to explain */
	struct logfilter filter; /* its words live in argv */
	char path[PATH_MAX];
};

/*
 * Fills *ret.  Wrong usage, --help and --version end the process, with text
 * and exit code.
 */
void netlog_options_parse(int argc, char **argv, struct netlog_options *ret);

#endif
