/*
 * The commands for one policy or credential by its name.
 */
#ifndef SBX_CONTROL_ENTRY_H
#define SBX_CONTROL_ENTRY_H

struct control_reply;
struct control_request;
struct control_ticket;

void control_show_policy(
	const struct control_request *q, struct control_reply *reply);
void control_set_policy(
	const struct control_request *q, struct control_ticket *ticket);
void control_remove_policy(
	const struct control_request *q, struct control_ticket *ticket);

void control_show_credential(
	const struct control_request *q, struct control_reply *reply);
void control_set_credential(
	const struct control_request *q, struct control_ticket *ticket);
void control_remove_credential(
	const struct control_request *q, struct control_ticket *ticket);

#endif
