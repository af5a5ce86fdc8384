/*
 * The options of sbx-netlog: for its own parser, and for completion.
 */
#ifndef SBX_NETLOG_USAGE_H
#define SBX_NETLOG_USAGE_H

#include "logfilter.h"
#include "usage.h"

enum {                             /* options without a letter */
	NETLOG_KEY_FILTER = 0x100, /* and one each for the keys of a filter */
	NETLOG_KEY_SINCE = NETLOG_KEY_FILTER + LOGFILTER_KEY_COUNT,
	NETLOG_KEY_SUMMARY,
	NETLOG_KEY_JSON,
	NETLOG_KEY_EXPLAIN,
	NETLOG_KEY_SUGGEST,
	NETLOG_KEY_COLOUR,
	NETLOG_KEY_FILE,
	NETLOG_KEY_RUNTIME_DIR,
};

extern const struct usage_option netlog_usage[];

#endif
