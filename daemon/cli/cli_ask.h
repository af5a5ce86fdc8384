/*
 * Questions to the daemon, with what it says against them as one line of text.
 */
#ifndef SBX_CLI_ASK_H
#define SBX_CLI_ASK_H

#include <stddef.h>

#include <jansson.h>

struct control_client;
struct control_question;

/*
 * Each: 0, or -errno with text (a refusal's message and hint) in reterr:
 * -ENOENT, -EACCES, -EEXIST, -EINVAL, … as the status says.
 */
int cli_ask_done(struct control_client *c, const struct control_question *q,
	char *reterr, size_t size);
/* *ret: malloc'd text, the caller's. */
int cli_ask_text(struct control_client *c, const struct control_question *q,
	char **ret, char *reterr, size_t size);
/* *ret: a new reference. */
int cli_ask_json(struct control_client *c, const struct control_question *q,
	json_t **ret, char *reterr, size_t size);

/* The same for a plain GET of target. */
int cli_get_text(struct control_client *c, const char *target, char **ret,
	char *reterr, size_t size);
int cli_get_json(struct control_client *c, const char *target, json_t **ret,
	char *reterr, size_t size);

#endif
