/*
 * The commands of the control protocol: one table, one row each.
 */
#ifndef SBX_CONTROL_ROUTES_H
#define SBX_CONTROL_ROUTES_H

#include <stdbool.h>

#include "control_peer.h"
#include "control_query.h"
#include "control_reply.h"
#include "span.h"

struct keeper;
struct control_ticket;

struct control_request { /* borrowed for the call */
	struct keeper *keeper;
	char name[CONTROL_NAME_MAX]; /* the NAME of the path, or "" */
	struct span query;
	struct span if_match, if_none_match; /* the fields, or empty */
	const char *body;                    /* terminated, and no NUL inside */
	size_t body_len;
};

/*
 * Runs the command for that method and path.  True: *reply is made; false: the
 * keeper will answer, through the ticket.
 */
bool control_routes_run(struct span method, struct span path,
	enum control_right right, struct control_request *request,
	struct control_reply *reply, struct control_ticket *ticket);

/* The most bytes of body that this method and path take; 0: none. */
size_t control_routes_body_max(struct span method, struct span path);

/* A keeper_done for a command: arg is its ticket. */
void control_ticket_done(
	void *ticket, int status, const char *text, const json_t *receipt);

void control_no_sandbox(struct control_reply *reply);

/* Commands with a file of their own. */
void control_explain(
	const struct control_request *q, struct control_reply *reply);
void control_list_policies(
	const struct control_request *q, struct control_reply *reply);
void control_list_credentials(
	const struct control_request *q, struct control_reply *reply);
void control_show_overlay(
	const struct control_request *q, struct control_reply *reply);
void control_set_overlay(
	const struct control_request *q, struct control_ticket *ticket);
void control_clear_overlay(
	const struct control_request *q, struct control_ticket *ticket);
void control_check(
	const struct control_request *q, struct control_reply *reply);

#endif
