/*
 * keeper.c - the privileged process, put together
 *
 * Theory of operation
 *
 * The start is the first change: documents are read, and from there on it goes
 * the way of every reload.  What may fail for good comes before that: the lock,
 * the listeners, the log, the user of the workers.  The listeners are open
 * before any worker is, and are closed by nothing but our end.
 *
 * ready() is called when every worker has committed the first generation and
 * the kernel side is there, or is known not to be.
 *
 * The end: workers are asked to finish and get five seconds.  The kernel side
 * is left as it is: without us, it drops.
 */
#include "keeper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "crew.h"
#include "decision_log.h"
#include "document_watch.h"
#include "documents.h"
#include "entry_store.h"
#include "hostnet.h"
#include "keeper_state.h"
#include "kernel_side.h"
#include "link_message.h"
#include "log.h"
#include "monotonic.h"
#include "registry.h"
#include "resolv_conf.h"
#include "rsa_key.h"
#include "runtime_dir.h"
#include "selfcheck.h"
#include "settings.h"
#include "strongbox.h"

enum {
	PATH_SIZE = 4096,
	RESOLV_SIZE = 16 * 1024,
};

static const char default_runtime_dir[] = "/run/sbx-net";
static const char default_state_dir[] = "/var/lib/sbx-net";
static const char default_log[] = "/var/log/sbx-net/decisions.log";
static const double ASK_EVERY = 5;

/* ---- what the settings leave to the machine --------------------------- */

static uint32_t
count_workers(const struct settings *s)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (s->workers > 0)
		return s->workers;
	if (cpus > SETTINGS_WORKERS_MAX)
		return SETTINGS_WORKERS_MAX;
	return cpus > 0 ? (uint32_t)cpus : 1;
}

/* They live as long as the first documents may not: copied. */
static void
keep_server(struct keeper *k, size_t i, const char *text)
{
	snprintf(k->servers_text[i], sizeof(k->servers_text[i]), "%s", text);
	k->servers[i] = k->servers_text[i];
}

/* As the C library would: without a nameserver, this host. */
static void
read_resolv_conf(struct keeper *k)
{
	char found[SETTINGS_SERVERS_MAX][RESOLV_CONF_SERVER];
	char text[RESOLV_SIZE] = "";
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	k->server_count =
		resolv_conf_servers(text, found, SETTINGS_SERVERS_MAX);
	if (k->server_count == 0)
		k->server_count =
			resolv_conf_servers("nameserver 127.0.0.1\n", found, 1);
	for (size_t i = 0; i < k->server_count; i++)
		keep_server(k, i, found[i]);
}

static void
choose_resolver(struct keeper *k, const struct settings *s)
{
	if (s->resolver.count == 0) {
		read_resolv_conf(k);
		return;
	}
	k->server_count = s->resolver.count;
	for (size_t i = 0; i < k->server_count; i++)
		keep_server(k, i, s->resolver.items[i]);
}

/* ---- the parts, in order ---------------------------------------------- */

static int
open_log(struct keeper *k, const struct settings *s, char *text, size_t size)
{
	char path[PATH_SIZE];
	gid_t group = (gid_t)-1;
	int r;

	if (s->control.group != NULL) {
		r = identity_group(s->control.group, &group, text, size);
		if (r < 0)
			return r;
	}
	if (s->log.file != NULL)
		snprintf(path, sizeof(path), "%s", s->log.file);
	else if (strcmp(k->runtime_dir, default_runtime_dir) == 0)
		snprintf(path, sizeof(path), "%s", default_log);
	else
		snprintf(
			path, sizeof(path), "%s/decisions.log", k->runtime_dir);
	return decision_log_open(path, group, &k->log, text, size);
}

static int
open_listeners(
	struct keeper *k, const struct settings *s, char *text, size_t size)
{
	uint32_t workers = count_workers(s);
	int r;

	r = listeners_check_localnet(text, size);
	if (r == 0)
		r = listeners_adopt(&k->listeners, text, size);
	if (r < 0)
		return r;
	if (r > 0 && s->workers > 0 && s->workers != (unsigned)r) {
		snprintf(text, size,
			"systemd passed listeners for %d workers, the settings "
			"want %u",
			r, s->workers);
		return -EINVAL;
	}
	if (r > 0)
		workers = (uint32_t)r;
	r = listeners_open(&k->listeners, workers, (uint16_t)s->kernel.port,
		s->affinity == SETTINGS_BY_SOURCE, text, size);
	if (r == 0 && !k->listeners.has_v6)
		log_warning("no IPv6 on this host: sandboxes have none either");
	return r;
}

static int
find_identity(struct keeper *k, const struct settings *s, const char *worker,
	char *text, size_t size)
{
	static const char *const argv[] = {"sbx-netd", "--worker", NULL};
	static const char *const gate_argv[] = {"sbx-netd", "--gate", NULL};
	int r;

	r = identity_find(s->worker_user, &k->identity, text, size);
	if (r == 0)
		r = identity_find_gate(&k->gate_identity, text, size);
	if (r < 0)
		return r;
	if (!k->identity.change)
		log_warning("the workers run as user %u, as we do: there is no "
			    "other user for them here",
			k->identity.uid);
	r = launch_open(worker);
	if (r < 0) {
		snprintf(
			text, size, "program of the workers: %s", strerror(-r));
		return r;
	}
	k->launch = (struct launch){
		"worker", r, argv, &k->identity, LAUNCH_NO_CAPABILITY};
	/* Who brings workers of his own brings no gate. */
	k->has_gate = worker == NULL;
	k->gate_launch = (struct launch){
		"gate", r, gate_argv, &k->gate_identity, CAP_NET_ADMIN};
	return 0;
}

static void
on_rsa_key(void *arg, struct span der)
{
	struct keeper *k = arg;
	struct link_message m = {.type = LINK_RSA_KEY, .rsa_key = der};

	for (uint32_t i = 0; i < crew_workers(k->crew); i++)
		child_send(crew_child(k->crew, i), &m);
}

static void
on_ask(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct keeper *k = w->data;
	struct link_message m = {.type = LINK_STATUS_ASK};

	(void)loop, (void)revents;
	crew_broadcast(k->crew, &m);
}

static int
make_tables(struct keeper *k, const struct settings *s, char *text, size_t size)
{
	uint32_t workers = k->listeners.workers;
	struct crew_plan plan = {.workers = workers, .worker = &k->launch};

	k->registry = registry_new(workers, s->affinity == SETTINGS_BY_SOURCE);
	k->strongbox = strongbox_new(k->loop, &keeper_strongbox_events, k);
	k->kernel = kernel_side_new(k->loop, &keeper_kernel_events, k);
	plan.gate = k->has_gate ? &k->gate_launch : NULL;
	k->selfcheck = k->kernel == NULL ? NULL
					 : selfcheck_new(k->loop, k->kernel,
						   &keeper_selfcheck_events, k);
	k->crew = crew_new(k->loop, &plan, &keeper_crew_events, k);
	if (k->registry != NULL && k->strongbox != NULL && k->kernel != NULL &&
		k->selfcheck != NULL && k->crew != NULL)
		return 0;
	snprintf(text, size, "out of memory");
	return -ENOMEM;
}

static int
open_parts(struct keeper *k, const struct settings *s, const char *worker,
	char *text, size_t size)
{
	int r;

	choose_resolver(k, s);
	r = open_log(k, s, text, size);
	if (r == 0)
		r = open_listeners(k, s, text, size);
	if (r == 0)
		r = find_identity(k, s, worker, text, size);
	if (r == 0)
		r = hostnet_open(k->loop, &keeper_hostnet_events, k,
			&k->hostnet, text, size);
	if (r == 0)
		r = make_tables(k, s, text, size);
	return r;
}

/* ---- start ------------------------------------------------------------ */

void
keeper_check_ready(struct keeper *k)
{
	if (k->ready || k->stopping || k->documents == NULL ||
		!k->kernel_settled)
		return;
	k->ready = true;
	/* Only now: an earlier daemon's sandboxes may have been ours. */
	if (kernel_side_is_good(k->kernel)) {
		keeper_fill_kernel(k);
		kernel_side_sync(k->kernel);
	}
	/* Not earlier: it would take a CPU from the workers' start. */
	k->rsa_key = rsa_key_new(k->loop, on_rsa_key, k);
	if (k->rsa_key == NULL)
		log_warning("no RSA key: clients without ECDSA are not served");
	selfcheck_start(k->selfcheck, k->listeners.has_v6);
	k->events->ready(k->arg);
}

static void
on_first(void *arg, int status, const char *text, const json_t *receipt)
{
	struct keeper *k = arg;

	(void)receipt;
	k->failed = status < 0;
	if (k->failed && !k->stopping)
		k->events->failed(k->arg, text);
}

static void
set_going(struct keeper *k, struct documents *first)
{
	struct kernel_side_options options = {
		.settings = first->settings,
		.servers = k->servers,
		.server_count = k->server_count,
		.worker_uid = k->identity.uid,
		.has_gate = k->has_gate,
	};
	int r;

	keeper_apply_start(k, first, on_first);
	if (k->failed)
		return; /* and it was said */
	r = crew_start(k->crew);
	if (r < 0) {
		k->events->failed(k->arg, strerror(-r));
		return;
	}
	kernel_side_start(k->kernel, &options);
	ev_timer_start(k->loop, &k->ask);
}

static char *
state_path(const char *runtime_dir, const char *folder)
{
	char *path;

	if (strcmp(runtime_dir, default_runtime_dir) == 0)
		runtime_dir = default_state_dir;
	return asprintf(&path, "%s/%s", runtime_dir, folder) < 0 ? NULL : path;
}

static struct keeper *
allocate(struct ev_loop *loop, const struct keeper_options *options,
	const struct keeper_events *events, void *arg)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->loop = loop;
	k->events = events;
	k->arg = arg;
	k->lock = k->launch.program = -1;
	k->started = monotonic_now();
	listeners_init(&k->listeners);
	change_queue_init(&k->changes, k);
	ev_timer_init(&k->ask, on_ask, ASK_EVERY, ASK_EVERY);
	k->ask.data = k;
	k->config = strdup(options->config);
	k->runtime_dir = strdup(options->runtime_dir);
	k->overlays = state_path(options->runtime_dir, "overlays.d");
	k->entries = state_path(options->runtime_dir, "socket.d");
	if (asprintf(&k->stand_ins, "%s/stand-ins.d", options->runtime_dir) < 0)
		k->stand_ins = NULL;
	if (k->config == NULL || k->runtime_dir == NULL ||
		k->overlays == NULL || k->entries == NULL ||
		k->stand_ins == NULL) {
		keeper_free(k);
		return NULL;
	}
	return k;
}

/* The files, and what was kept of the socket's. */
static int
load_first(struct keeper *k, struct documents **ret, char **ret_text)
{
	struct document_list entries = {0};
	char *more;
	int r = entry_store_load(k->entries, &entries, ret_text);

	if (r < 0)
		return r;
	r = documents_load(k->config, k->runtime_dir, &entries, ret, ret_text);
	if (r == -EINVAL && entries.count > 0 &&
		asprintf(&more,
			"%s%s: what is called \"socket:\" here is kept there, "
			"and may be removed while no daemon runs\n",
			*ret_text, k->entries) >= 0) {
		free(*ret_text);
		*ret_text = more;
	}
	document_list_done(&entries);
	return r;
}

static int
open_watch(struct keeper *k, const struct settings *s, uint64_t state,
	char *text, size_t size)
{
	const struct document_watch_options o = {
		.config = k->config,
		.runtime_dir = k->runtime_dir,
		.state = state,
		.changed = k->events->changed,
		.arg = k->arg,
	};

	if (!s->watch || k->events->changed == NULL)
		return 0;
	return document_watch_new(k->loop, &o, &k->watch, text, size);
}

int
keeper_new(struct ev_loop *loop, const struct keeper_options *options,
	const struct keeper_events *events, void *arg, struct keeper **ret,
	char **ret_text)
{
	struct documents *first = NULL;
	char text[KEEPER_TEXT] = "";
	struct keeper *k;
	uint64_t state;
	int r = -ENOMEM;

	*ret_text = NULL;
	k = allocate(loop, options, events, arg);
	if (k == NULL)
		return r;
	state = document_watch_state(k->config, k->runtime_dir);
	r = load_first(k, &first, ret_text);
	if (r < 0)
		goto fail;
	r = runtime_dir_open(k->runtime_dir, text, sizeof(text));
	if (r < 0)
		goto fail;
	k->lock = r;
	r = open_parts(k, first->settings, options->worker, text, sizeof(text));
	if (r < 0)
		goto fail;
	r = open_watch(k, first->settings, state, text, sizeof(text));
	if (r < 0)
		goto fail;
	*ret = k;
	set_going(k, first);
	return 0;
fail:
	if (*ret_text == NULL)
		*ret_text = strdup(text[0] != '\0' ? text : strerror(-r));
	documents_free(first);
	keeper_free(k);
	return r;
}

/* ---- the end ---------------------------------------------------------- */

void
keeper_stop(struct keeper *k)
{
	if (k->stopping)
		return;
	k->stopping = true;
	document_watch_free(k->watch);
	k->watch = NULL;
	ev_timer_stop(k->loop, &k->ask);
	crew_stop(k->crew);
}

void
keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	k->stopping = true;
	ev_timer_stop(k->loop, &k->ask);
	document_watch_free(k->watch);
	/* While there is still a registry and a kernel side to undo it in. */
	change_queue_done(&k->changes);
	rsa_key_free(k->rsa_key);
	crew_free(k->crew);
	selfcheck_free(k->selfcheck);
	kernel_side_free(k->kernel);
	hostnet_close(k->hostnet);
	strongbox_free(k->strongbox);
	registry_free(k->registry);
	if (k->target != k->documents)
		documents_free(k->target);
	documents_free(k->documents);
	decision_log_free(k->log);
	listeners_done(&k->listeners);
	if (k->launch.program >= 0)
		close(k->launch.program);
	if (k->lock >= 0)
		close(k->lock);
	free(k->config);
	free(k->runtime_dir);
	free(k->overlays);
	free(k->stand_ins);
	free(k->entries);
	free(k);
}

/* ---- small requests --------------------------------------------------- */

void
keeper_reopen_log(struct keeper *k)
{
	struct link_message m = {.type = LINK_LOG};
	char text[KEEPER_TEXT];

	if (decision_log_reopen(k->log, text, sizeof(text)) < 0) {
		log_error("%s; the old file is still in use", text);
		return;
	}
	m.log_fd = decision_log_fd(k->log);
	crew_broadcast(k->crew, &m);
}
