/*
 * run.c - `sbx-netctl run`: makes a sandbox out of a command
 *
 * Theory of operation
 *
 *	sbx-netctl ─┬─ janitor ─ sbx-netd (if it is our own) ─ workers
 *		    └─ init ─ the command
 *
 *	1 find    which daemon, which user, which names and addresses
 *	2 janitor from here on whatever is made will also be unmade
 *	3 ask     the daemon: which policy, which variables hold secrets
 *	4 wire    a network namespace and the veth pair into it
 *	5 enter   the janitor registers the sandbox; its authority is there
 *	6 run     the command behind its walls (jail.h)
 *	7 tell    what was refused, from the decision log
 *
 * The sandbox is registered before the command exists, and unregistered after
 * it is gone: there is no moment in which packets of an unknown sender flow.
 *
 * Each step adds to struct run; run_done() frees what is there.
 */
#include <arpa/inet.h>
#include <cap-ng.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli.h"
#include "cli_ask.h"
#include "cli_roots.h"
#include "control_client.h"
#include "control_proto.h"
#include "denials.h"
#include "import.h"
#include "jail.h"
#include "janitor.h"
#include "netspace.h"
#include "own_daemon.h"
#include "rtnl.h"
#include "run_options.h"
#include "run_secrets.h"
#include "run_user.h"
#include "trust.h"

struct run {
	struct run_options options;
	struct run_user user;
	char runtime_dir[PATH_MAX];
	char socket_path[PATH_MAX + 16];
	bool own_daemon;
	struct wire wire;
	struct rtnl *host, *guest;
	int netns_fd;
	struct janitor *janitor;
	struct control_client *client;
	struct denials *denials;
	char *policy;
	struct run_secrets secrets;
	char *authority, *roots;
	json_t *environment; /* of stand-ins */
	char text[8192];     /* what went wrong */
};

static void
run_done(struct run *r)
{
	control_client_close(r->client);
	denials_free(r->denials);
	rtnl_close(r->guest);
	rtnl_close(r->host);
	if (r->netns_fd >= 0)
		close(r->netns_fd);
	run_secrets_done(&r->secrets);
	json_decref(r->environment);
	free(r->policy);
	free(r->authority);
	free(r->roots);
	run_options_done(&r->options);
	free(r);
}

static int
check_rights(struct run *r)
{
	if (capng_get_caps_process() == 0 &&
		capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) &&
		capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
		return 0;
	snprintf(r->text, sizeof(r->text),
		"this needs root: it makes a network namespace and kernel "
		"rules.\nTry sudo: the command itself then runs as you, not "
		"as root");
	return -EPERM;
}

/* A runtime directory of our own: a name that nobody has. */
static int
draw_runtime_dir(struct run *r)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	snprintf(r->runtime_dir, sizeof(r->runtime_dir),
		"/run/sbx-net-run.%016llx", (unsigned long long)random);
	return 0;
}

/* Whether a daemon answers at the runtime directory that was named. */
static bool
daemon_is_there(const struct cli *cli)
{
	struct control_client *client;
	char path[PATH_MAX], text[256];

	snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, cli->runtime_dir);
	if (control_client_open(path, &client, text, sizeof(text)) < 0)
		return false;
	control_client_close(client);
	return true;
}

static int
find_daemon(struct run *r, const struct cli *cli)
{
	bool there = daemon_is_there(cli);
	int e = 0;

	if (there && run_options_want_own(&r->options)) {
		snprintf(r->text, sizeof(r->text),
			"a daemon is running at %s already, and there can be "
			"one in a network namespace.\nPut %s into its "
			"policies.d, say 'sbx-netctl reload', and name the "
			"policy with --policy NAME",
			cli->runtime_dir,
			r->options.kit != NULL
				? "what 'sbx-netctl import docker-kit' prints"
				: "the file");
		return -EBUSY;
	}
	if (!there && cli->has_runtime_dir) {
		snprintf(r->text, sizeof(r->text), "no daemon at %s",
			cli->runtime_dir);
		return -ENOENT;
	}
	r->own_daemon = !there;
	if (there)
		snprintf(r->runtime_dir, sizeof(r->runtime_dir), "%s",
			cli->runtime_dir);
	else
		e = draw_runtime_dir(r);
	snprintf(r->socket_path, sizeof(r->socket_path), "%s/" CONTROL_SOCKET,
		r->runtime_dir);
	return e;
}

static int
step_find(struct run *r, const struct cli *cli)
{
	int e = check_rights(r);

	if (e == 0)
		e = run_user_find(&r->user, r->text, sizeof(r->text));
	if (e == 0)
		e = find_daemon(r, cli);
	if (e < 0)
		return e;
	e = rtnl_open(&r->host);
	if (e == 0)
		e = wire_draw(r->host, &r->options.pool, &r->wire);
	if (e < 0)
		snprintf(r->text, sizeof(r->text),
			"no free addresses for the sandbox: %s; choose "
			"another range with --addresses",
			strerror(-e));
	return e;
}

static int
step_janitor(struct run *r, const struct cli *cli)
{
	const char *config = r->options.config;
	struct own_daemon_spec own = {
		.runtime_dir = r->runtime_dir,
		.policy_file = r->options.policy_file,
		.policy_text = r->options.kit != NULL
				       ? import_document(r->options.kit)
				       : NULL,
		.log = r->options.log,
		.allow_addresses = r->options.allow_addresses,
		.allow_address_count = r->options.allow_address_count,
	};
	struct janitor_plan plan = {
		.socket_path = r->socket_path,
		.sandbox = r->options.name,
		.wire = &r->wire,
		.own = r->own_daemon ? &own : NULL,
		.home = run_user_home(&r->user),
		.user = &r->user.who,
	};

	if (config == NULL && own.policy_file == NULL &&
		own.policy_text == NULL)
		config = cli->config;
	if (config == NULL && !run_options_want_own(&r->options) &&
		access(CLI_CONFIG, R_OK) == 0)
		config = CLI_CONFIG;
	own.config = config;
	return janitor_start(&plan, &r->janitor, r->text, sizeof(r->text));
}

/* The policy that was named, or the only one there is. */
static int
choose_policy(struct run *r)
{
	json_t *policies, *one;
	const char *name;
	size_t i;
	int e;

	if (r->options.policy != NULL) {
		r->policy = strdup(r->options.policy);
		return r->policy != NULL ? 0 : -ENOMEM;
	}
	e = cli_get_json(
		r->client, "/v1/policies", &policies, r->text, sizeof(r->text));
	if (e < 0)
		return e;
	name = json_string_value(
		json_object_get(json_array_get(policies, 0), "name"));
	if (json_array_size(policies) == 1 && name != NULL) {
		r->policy = strdup(name);
		json_decref(policies);
		return r->policy != NULL ? 0 : -ENOMEM;
	}
	snprintf(r->text, sizeof(r->text),
		json_array_size(policies) == 0
			? "there is no policy; give one with --policy FILE"
			: "which policy?  Name one with --policy:");
	json_array_foreach(policies, i, one)
	{
		size_t len = strlen(r->text);

		name = json_string_value(json_object_get(one, "name"));
		snprintf(r->text + len, sizeof(r->text) - len, " %s",
			name != NULL ? name : "?");
	}
	json_decref(policies);
	return -EINVAL;
}

static int
open_log(struct run *r)
{
	json_t *status;
	const char *log;
	int e;

	if (r->options.quiet)
		return 0;
	e = cli_get_json(
		r->client, "/v1/status", &status, r->text, sizeof(r->text));
	if (e < 0)
		return e;
	log = json_string_value(json_object_get(status, "log"));
	/* Without a log to read there is no summary; all else is as good. */
	if (log != NULL)
		(void)denials_open(log, r->options.name, &r->denials);
	json_decref(status);
	return 0;
}

static int
step_ask(struct run *r)
{
	int e = control_client_open(
		r->socket_path, &r->client, r->text, sizeof(r->text));

	if (e == 0)
		e = choose_policy(r);
	if (e == 0)
		e = run_secrets_learn(&r->secrets, r->client, r->options.kit,
			r->text, sizeof(r->text));
	return e < 0 ? e : open_log(r);
}

static int
step_wire(struct run *r)
{
	int e = netspace_new(&r->netns_fd, &r->guest);

	if (e < 0) {
		snprintf(r->text, sizeof(r->text),
			"cannot make a network namespace: %s", strerror(-e));
		return e;
	}
	return wire_make(&r->wire, r->host, r->guest, r->netns_fd, r->text,
		sizeof(r->text));
}

static void
print_address(const struct interface_address *a, char ret[INET6_ADDRSTRLEN])
{
	inet_ntop(a->family, a->bytes, ret, INET6_ADDRSTRLEN);
}

static char *
print_document(const struct run *r)
{
	char v4[INET6_ADDRSTRLEN], v6[INET6_ADDRSTRLEN];
	json_t *addresses = json_array();
	json_t *document;
	char *text;

	print_address(&r->wire.v4.sandbox, v4);
	print_address(&r->wire.v6.sandbox, v6);
	json_array_append_new(addresses, json_string(v4));
	if (r->wire.has_v6)
		json_array_append_new(addresses, json_string(v6));
	document = json_pack("{s:s, s:o, s:s}", "interface", r->wire.host.name,
		"address", addresses, "policy", r->policy);
	text = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	return text;
}

static int
step_enter(struct run *r)
{
	char target[256];
	char *document = print_document(r);
	int e;

	if (document == NULL)
		return -ENOMEM;
	e = janitor_register(r->janitor, document, r->text, sizeof(r->text));
	free(document);
	if (e < 0)
		return e;
	snprintf(target, sizeof(target), "/v1/sandboxes/%s/ca.pem",
		r->options.name);
	e = cli_get_text(
		r->client, target, &r->authority, r->text, sizeof(r->text));
	if (e < 0)
		return e;
	snprintf(target, sizeof(target), "/v1/sandboxes/%s/environment",
		r->options.name);
	e = cli_get_json(
		r->client, target, &r->environment, r->text, sizeof(r->text));
	if (e < 0)
		return e;
	return cli_get_roots(r->client, &r->roots, r->text, sizeof(r->text));
}

/* What the command asks for names: our end of the wire, which is us. */
static void
print_resolver(const struct wire *w, char *ret, size_t size)
{
	char v4[INET6_ADDRSTRLEN], v6[INET6_ADDRSTRLEN];

	print_address(&w->v4.gateway, v4);
	print_address(&w->v6.gateway, v6);
	if (w->has_v6)
		snprintf(ret, size, "nameserver %s\nnameserver %s\n", v4, v6);
	else
		snprintf(ret, size, "nameserver %s\n", v4);
}

static int
step_run(struct run *r, int *ret_status)
{
	struct trust trust = {r->authority, r->roots};
	char resolver[128];
	struct jail jail = {
		.netns_fd = r->netns_fd,
		.life_fd = janitor_life_fd(r->janitor),
		.trust = &trust,
		.resolv_conf = resolver,
		.hidden = r->runtime_dir,
		.home = run_user_home(&r->user),
		.user = r->user.who,
		.argv = r->options.command,
	};
	struct run_variables variables = {
		.sandbox = r->options.name,
		.withheld = r->secrets.names,
		.withheld_count = r->secrets.count,
		.stand_in = IMPORT_STAND_IN,
		.environment = json_object_get(r->environment, "environment"),
	};
	char **environment;
	pid_t init;
	int e;

	if (r->options.kit != NULL)
		variables.stand_in_count =
			import_stand_ins(r->options.kit, &variables.stand_ins);
	environment = run_environment(&r->user, &variables);
	if (environment == NULL)
		return -ENOMEM;
	jail.envp = environment;
	print_resolver(&r->wire, resolver, sizeof(resolver));
	e = jail_start(&jail, &init, r->text, sizeof(r->text));
	run_environment_free(environment);
	if (e == 0)
		*ret_status = jail_wait(init);
	return e;
}

static int
run_all(struct run *r, const struct cli *cli, int *ret_status)
{
	int e = step_find(r, cli);

	if (e == 0)
		e = step_janitor(r, cli);
	if (e == 0)
		e = step_ask(r);
	if (e == 0)
		e = step_wire(r);
	if (e == 0)
		e = step_enter(r);
	if (e == 0)
		e = step_run(r, ret_status);
	if (e == 0 && r->denials != NULL)
		denials_print(r->denials, stderr);
	return e;
}

static void
print_usage(void)
{
	fprintf(stderr, "usage: sbx-netctl run [--policy FILE[#NAME]|NAME | "
			"--kit FILE]\n"
			"           [--name NAME] [--config PATH] "
			"[--allow-address RANGE]... "
			"[--addresses RANGE]\n"
			"           [--log FILE] [--quiet] [--] COMMAND "
			"[ARGUMENT...]\n");
}

int
cli_run(const struct cli *cli, int argc, char **argv)
{
	struct run *r = calloc(1, sizeof(*r));
	int status = CLI_RUN_FAILED;
	int e;

	if (r == NULL)
		return CLI_RUN_FAILED;
	r->netns_fd = -1;
	/* We wait for children: a caller who ignores his must not matter. */
	signal(SIGCHLD, SIG_DFL);
	e = run_options_parse(
		argc, argv, &r->options, r->text, sizeof(r->text));
	if (e < 0) {
		fprintf(stderr, "sbx-netctl run: %s\n", r->text);
		print_usage();
		run_done(r);
		return CLI_RUN_FAILED;
	}
	if (r->options.kit != NULL && !r->options.quiet)
		fputs(import_notes(r->options.kit), stderr);
	e = run_all(r, cli, &status);
	if (e < 0)
		fprintf(stderr, "sbx-netctl run: %s\n",
			r->text[0] != '\0' ? r->text : strerror(-e));
	/* Before our end of the namespace: a sandbox whose interface goes first
	 * would be one with a fault. */
	(void)janitor_dismiss(r->janitor);
	run_done(r);
	return status;
}
