/*
 * The daemon's answer about one URL.
 */
#ifndef SBX_CLI_EXPLAIN_H
#define SBX_CLI_EXPLAIN_H

#include <stddef.h>

#include <jansson.h>

struct control_client;

/*
 * pairs: keys and values of the query ("sandbox", "build-1", …), NULL at the
 * end.  0 and *ret, a new reference; or -errno with text in reterr, as
 * cli_get_json().
 */
int cli_explain_ask(struct control_client *client, const char *const *pairs,
	json_t **ret, char *reterr, size_t size);

#endif
