/*
 * control_routes.c - the commands of the control protocol
 *
 * The only place that knows which there are, who may use them and what they
 * are for.  Most are a question to the keeper and an answer as JSON.
 */
#include "control_routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "control_entry.h"
#include "control_proto.h"
#include "keeper.h"

static void
show_status(const struct control_request *q, struct control_reply *reply)
{
	control_reply_json(reply, 200, keeper_status(q->keeper));
}

static void
show_health(const struct control_request *q, struct control_reply *reply)
{
	json_t *health = keeper_health(q->keeper);
	bool ok = json_is_true(json_object_get(health, "ok"));

	control_reply_json(reply, ok ? 200 : 503, health);
}

static void
show_metrics(const struct control_request *q, struct control_reply *reply)
{
	char *text = keeper_metrics(q->keeper);

	if (text == NULL)
		control_reply_error(
			reply, 500, "internal", "out of memory", NULL);
	else
		control_reply_text(reply, "text/plain; version=0.0.4", text);
	free(text);
}

static void
reload(const struct control_request *q, struct control_ticket *ticket)
{
	keeper_reload(q->keeper, control_ticket_done, ticket);
}

static void
refresh_credentials(
	const struct control_request *q, struct control_ticket *ticket)
{
	keeper_refresh_credentials(
		q->keeper, NULL, control_ticket_done, ticket);
}

static void
refresh_credential(
	const struct control_request *q, struct control_ticket *ticket)
{
	keeper_refresh_credentials(
		q->keeper, q->name, control_ticket_done, ticket);
}

static void
list_sandboxes(const struct control_request *q, struct control_reply *reply)
{
	control_reply_json(reply, 200, keeper_sandboxes(q->keeper));
}

void
control_no_sandbox(struct control_reply *reply)
{
	control_reply_error(reply, 404, "not_found", "there is no such sandbox",
		"see sbx-netctl sandbox ls");
}

static void
show_sandbox(const struct control_request *q, struct control_reply *reply)
{
	json_t *sandbox = keeper_sandbox(q->keeper, q->name);

	if (sandbox == NULL)
		control_no_sandbox(reply);
	else
		control_reply_json(reply, 200, sandbox);
}

static void
show_environment(const struct control_request *q, struct control_reply *reply)
{
	json_t *environment = keeper_environment(q->keeper, q->name);

	if (environment == NULL)
		control_no_sandbox(reply);
	else
		control_reply_json(reply, 200, environment);
}

static void
put_sandbox(const struct control_request *q, struct control_ticket *ticket)
{
	bool create = q->if_none_match.len > 0;

	if (q->if_match.len > 0 ||
		(create && !span_equals(q->if_none_match, span_of("*"))))
		control_ticket_done(ticket, -EINVAL,
			"a sandbox takes no condition but If-None-Match: *",
			NULL);
	else if (create)
		keeper_add_sandbox(q->keeper, q->name, q->body,
			control_ticket_done, ticket);
	else
		keeper_put_sandbox(q->keeper, q->name, q->body,
			control_ticket_done, ticket);
}

static void
remove_sandbox(const struct control_request *q, struct control_ticket *ticket)
{
	keeper_remove_sandbox(q->keeper, q->name, control_ticket_done, ticket);
}

static const char pem[] = "application/x-pem-file";

static void
show_authority(const struct control_request *q, struct control_reply *reply)
{
	const char *text = keeper_sandbox_ca(q->keeper, q->name);

	if (text == NULL)
		control_no_sandbox(reply);
	else
		control_reply_text(reply, pem, text);
}

static void
show_trust(const struct control_request *q, struct control_reply *reply)
{
	const char *text = keeper_trust_pem(q->keeper);

	if (text == NULL)
		control_reply_error(reply, 404, "not_found",
			"the daemon has no roots of its own",
			"upstream.ca_file names them");
	else
		control_reply_text(reply, pem, text);
}

static void show_help(
	const struct control_request *q, struct control_reply *reply);

static const struct route {
	const char *method;
	const char *path;
	bool writes;
	/* One of the two: answers at once, or lets the keeper answer. */
	void (*run)(const struct control_request *, struct control_reply *);
	void (*ask)(const struct control_request *, struct control_ticket *);
	size_t body_max;
	const char *help;
} routes[] = {
	{"GET", "/v1", false, show_help, NULL, 0, "this list"},
	{"GET", "/v1/status", false, show_status, NULL, 0,
		"version, workers, kernel side, credentials (never values)"},
	{"GET", "/v1/health", false, show_health, NULL, 0,
		"200 when all is well, else 503; and what is not"},
	{"GET", "/v1/metrics", false, show_metrics, NULL, 0,
		"the same for Prometheus"},
	{"POST", "/v1/reload", true, NULL, reload, 0,
		"read all files again; answers when it is done"},
	{"GET", "/v1/sandboxes", false, list_sandboxes, NULL, 0,
		"all sandboxes"},
	{"GET", "/v1/sandboxes/NAME", false, show_sandbox, NULL, 0,
		"one sandbox"},
	{"PUT", "/v1/sandboxes/NAME", true, NULL, put_sandbox,
		CONTROL_QUESTION_MAX,
		"If-None-Match: *: add or replace it: {interface, address, "
		"policy, labels, limit, overlay}, JSON or YAML"},
	{"DELETE", "/v1/sandboxes/NAME", true, NULL, remove_sandbox, 0,
		"remove it"},
	{"GET", "/v1/sandboxes/NAME/overlay", false, control_show_overlay, NULL,
		0, "its overlay as JSON; ETag"},
	{"PUT", "/v1/sandboxes/NAME/overlay", true, NULL, control_set_overlay,
		CONTROL_QUESTION_MAX,
		"?ephemeral=1; If-Match: {mode, allow, deny} over its policy"},
	{"DELETE", "/v1/sandboxes/NAME/overlay", true, NULL,
		control_clear_overlay, 0,
		"?ephemeral=1; If-Match: its policy alone"},
	{"GET", "/v1/sandboxes/NAME/ca.pem", false, show_authority, NULL, 0,
		"the certificate of its authority"},
	{"GET", "/v1/sandboxes/NAME/environment", true, show_environment, NULL,
		0, "its variables with stand-ins, and all stand-ins"},
	{"GET", "/v1/policies", false, control_list_policies, NULL, 0,
		"all policies, and where each is from"},
	{"GET", "/v1/policies/NAME", false, control_show_policy, NULL, 0,
		"one policy as canonical YAML; ETag"},
	{"PUT", "/v1/policies/NAME", true, NULL, control_set_policy,
		CONTROL_QUESTION_MAX,
		"?ephemeral=1; If-Match, If-None-Match: *: as under `policies: "
		"NAME:`, YAML or JSON"},
	{"DELETE", "/v1/policies/NAME", true, NULL, control_remove_policy, 0,
		"?ephemeral=1; If-Match: one that was put here"},
	{"GET", "/v1/credentials", false, control_list_credentials, NULL, 0,
		"where credentials come from, what state they are in (never "
		"values)"},
	{"GET", "/v1/credentials/NAME", true, control_show_credential, NULL, 0,
		"one credential as canonical YAML: its source, never a value; "
		"ETag"},
	{"PUT", "/v1/credentials/NAME", true, NULL, control_set_credential,
		CONTROL_QUESTION_MAX,
		"?ephemeral=1; If-Match, If-None-Match: *: as under "
		"`credentials: NAME:`, YAML or JSON"},
	{"DELETE", "/v1/credentials/NAME", true, NULL,
		control_remove_credential, 0,
		"?ephemeral=1; If-Match: one that was put here"},
	{"POST", "/v1/credentials/refresh", true, NULL, refresh_credentials, 0,
		"ask all sources again; answers when the workers have it"},
	{"POST", "/v1/credentials/NAME/refresh", true, NULL, refresh_credential,
		0, "ask the sources of one"},
	{"GET", "/v1/explain", false, control_explain, NULL, 0,
		"?sandbox= or policy= (name=: either), &method=, &url=, "
		"perhaps &header=NAME: VALUE, and &addresses=A,B for the "
		"guard: what would be decided"},
	{"GET", "/v1/trust.pem", false, show_trust, NULL, 0,
		"the roots that the daemon trusts"},
	{"POST", "/v1/check", true, control_check, NULL, CONTROL_QUESTION_MAX,
		"would these documents load?  The body is one"},
};

static void
show_help(const struct control_request *q, struct control_reply *reply)
{
	json_t *list = json_array();

	(void)q;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:b, s:s}", "method",
				      routes[i].method, "path", routes[i].path,
				      "writes", (int)routes[i].writes, "help",
				      routes[i].help));
	control_reply_json(reply, 200, list);
}

/* The row; *ret_known: the path is there, if with other methods. */
static const struct route *
find(struct span method, struct span path, char name[CONTROL_NAME_MAX],
	bool *ret_known)
{
	*ret_known = false;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!control_path_matches(routes[i].path, path, name))
			continue;
		*ret_known = true;
		if (span_equals(method, span_of(routes[i].method)))
			return &routes[i];
	}
	return NULL;
}

size_t
control_routes_body_max(struct span method, struct span path)
{
	char name[CONTROL_NAME_MAX];
	bool known;
	const struct route *route = find(method, path, name, &known);

	return route != NULL ? route->body_max : 0;
}

bool
control_routes_run(struct span method, struct span path,
	enum control_right right, struct control_request *request,
	struct control_reply *reply, struct control_ticket *ticket)
{
	bool known;
	const struct route *route = find(method, path, request->name, &known);

	if (route == NULL && known) {
		control_reply_error(reply, 405, "method",
			"this path does not take that method", NULL);
		return true;
	}
	if (route == NULL) {
		control_reply_error(reply, 404, "not_found",
			"there is nothing at this path", "GET /v1 lists all");
		return true;
	}
	if (route->writes && right < CONTROL_WRITE) {
		control_reply_error(reply, 403, "forbidden",
			"you may look, not change",
			"be root or in the admin group");
		return true;
	}
	if (route->ask != NULL) {
		route->ask(request, ticket);
		return false;
	}
	route->run(request, reply);
	return true;
}
