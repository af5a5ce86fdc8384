/*
 * sbx-netd - the daemon: options, signals, the loop
 *
 * Started without --worker, --gate and --fetch it is the keeper (DESIGN 3).  It
 * stays in the foreground: systemd, or whoever started it, is its parent.
 */
#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "array.h"
#include "control_proto.h"
#include "control_server.h"
#include "documents.h"
#include "fetch.h"
#include "gate.h"
#include "keeper.h"
#include "launch.h"
#include "log.h"
#include "policy.h"
#include "schema_json.h"
#include "service.h"
#include "settings.h"
#include "source_vault.h"
#include "usage.h"
#include "worker.h"

enum { EXIT_USAGE = 2 };

static void
print_usage(FILE *to)
{
	fputs("usage: sbx-netd [OPTION...]\n\n", to);
	usage_print(to, usage_netd, 2);
	fputs("\nSIGHUP reads the files again, SIGUSR1 opens the decision log "
	      "again,\nSIGTERM lets open exchanges finish.\n",
		to);
}

struct daemon {
	struct ev_loop *loop;
	struct keeper *keeper;
	struct control_server *control;
	struct service *service;
	ev_signal signals[4];
	int status;
};

/* ---- the files only --------------------------------------------------- */

static int
read_files(const struct keeper_options *options, bool print)
{
	struct documents *d;
	char *text = NULL;
	int r;

	r = documents_load(
		options->config, options->runtime_dir, NULL, &d, &text);
	if (r < 0) {
		fputs(text != NULL ? text : "out of memory\n", stderr);
		free(text);
		return EXIT_FAILURE;
	}
	fputs(d->notes != NULL ? d->notes : "", stderr);
	if (print) {
		text = policy_print(d->policy);
		fputs(text != NULL ? text : "", stdout);
		free(text);
	}
	documents_free(d);
	return EXIT_SUCCESS;
}

/* ---- the schema ------------------------------------------------------- */

static int
print_schema(const char *what)
{
	static const struct {
		const char *name, *title;
		const struct schema_table *roots[3];
	} kinds[] = {
		{"main", "sbx-netd.yaml",
			{&policy_document_table, &settings_table}},
		{"documents", "policies, credentials and sandboxes of sbx-net",
			{&policy_document_table}},
	};
	char *text;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(what, kinds[i].name) != 0)
			continue;
		text = schema_json(kinds[i].title, kinds[i].roots);
		fputs(text != NULL ? text : "", stdout);
		free(text);
		return text != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	fprintf(stderr, "sbx-netd: --print-schema main or documents, not %s\n",
		what);
	return EXIT_USAGE;
}

/* ---- signals ---------------------------------------------------------- */

static void
on_reloaded(void *arg, int status, const char *text, const json_t *receipt)
{
	(void)arg, (void)receipt;
	if (status < 0)
		log_error("reload: the old generation stays:\n%s", text);
	else if (text[0] != '\0')
		log_warning("%s", text);
	service_ready(
		status < 0 ? "serving; the last reload failed" : "serving");
}

static void
on_changed(void *arg)
{
	struct daemon *d = arg;

	log_notice("the documents have changed: they are read again");
	service_reloading();
	keeper_reload(d->keeper, on_reloaded, d);
}

static void
on_hangup(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop, (void)revents;
	service_reloading();
	keeper_reload(d->keeper, on_reloaded, d);
}

static void
on_user1(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop, (void)revents;
	keeper_reopen_log(d->keeper);
}

static void
on_end(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop, (void)revents;
	service_stopping();
	keeper_stop(d->keeper);
}

static void
watch_signals(struct daemon *d)
{
	static const struct {
		int number;
		void (*callback)(struct ev_loop *, ev_signal *, int);
	} rows[] = {
		{SIGHUP, on_hangup},
		{SIGUSR1, on_user1},
		{SIGTERM, on_end},
		{SIGINT, on_end},
	};

	static_assert(ARRAY_LEN(rows) == ARRAY_LEN(d->signals), "one each");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ev_signal_init(
			&d->signals[i], rows[i].callback, rows[i].number);
		d->signals[i].data = d;
		ev_signal_start(d->loop, &d->signals[i]);
	}
}

/* ---- the keeper ------------------------------------------------------- */

static void
on_ready(void *arg)
{
	(void)arg;
	log_notice("ready");
	service_ready("serving");
}

static void
on_failed(void *arg, const char *why)
{
	struct daemon *d = arg;

	log_error("cannot start: %s", why);
	d->status = EXIT_FAILURE;
	ev_break(d->loop, EVBREAK_ALL);
}

static void
on_stopped(void *arg)
{
	struct daemon *d = arg;

	ev_break(d->loop, EVBREAK_ALL);
}

/* Keys and credentials are in this process: no dump of it, by nobody. */
static void
isolate(void)
{
	const struct rlimit none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	umask(022);
	signal(SIGPIPE, SIG_IGN);
}

static int
listen_for_control(
	struct daemon *d, const struct keeper_options *options, char **reterr)
{
	char path[108], why[256];
	struct control_server_options control = {
		.socket_path = path,
		.group = keeper_control_group(d->keeper),
		.admin_group = keeper_admin_group(d->keeper),
	};
	int r = -ENAMETOOLONG;

	snprintf(why, sizeof(why), "the runtime directory's path is too long");
	if ((size_t)snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET,
		    options->runtime_dir) < sizeof(path))
		r = control_server_new(d->loop, d->keeper, &control,
			&d->control, why, sizeof(why));
	if (r < 0)
		*reterr = strdup(why);
	return r;
}

static int
keep(const struct keeper_options *options)
{
	static const struct keeper_events events = {.ready = on_ready,
		.failed = on_failed,
		.stopped = on_stopped,
		.changed = on_changed};
	struct daemon d = {.loop = ev_loop_new(EVBACKEND_EPOLL)};
	char *text = NULL;
	int r;

	log_open("sbx-netd", LOG_LEVEL_NOTICE);
	isolate();
	d.service = service_new(d.loop);
	watch_signals(&d);
	r = keeper_new(d.loop, options, &events, &d, &d.keeper, &text);
	if (r == 0)
		r = listen_for_control(&d, options, &text);
	if (r < 0) {
		fprintf(stderr, "sbx-netd: cannot start:\n%s\n",
			text != NULL ? text : strerror(-r));
		d.status = EXIT_FAILURE;
	} else if (d.status == EXIT_SUCCESS) {
		ev_run(d.loop, 0);
	}
	control_server_free(d.control);
	keeper_free(d.keeper);
	service_free(d.service);
	ev_loop_destroy(d.loop);
	free(text);
	return d.status;
}

/* ---- options ---------------------------------------------------------- */

static const char *
default_runtime_dir(void)
{
	const char *dir = getenv("SBX_NET_RUNTIME_DIR");

	return dir != NULL && dir[0] != '\0' ? dir : "/run/sbx-net";
}

int
main(int argc, char **argv)
{
	struct keeper_options options = {
		.config = "/etc/sbx-net/sbx-netd.yaml",
		.runtime_dir = default_runtime_dir(),
	};
	struct option long_options[USAGE_OPTIONS_MAX + 1];
	int task = USAGE_NETD_FOREGROUND, code;

	if (argc == 2 && strcmp(argv[1], "--worker") == 0)
		return worker_main(LAUNCH_LINK_FD);
	if (argc == 2 && strcmp(argv[1], "--gate") == 0)
		return gate_main(LAUNCH_LINK_FD);
	if (argc == 2 && strcmp(argv[1], SOURCE_VAULT_OPTION) == 0)
		return fetch_main();
	usage_getopt(usage_netd, long_options);
	while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (code) {
		case USAGE_NETD_CONFIG:
			options.config = optarg;
			break;
		case USAGE_NETD_RUNTIME_DIR:
			options.runtime_dir = optarg;
			break;
		case USAGE_NETD_PRINT_SCHEMA:
			return print_schema(optarg);
		case USAGE_NETD_VERSION:
			puts("sbx-netd " SBX_VERSION);
			return EXIT_SUCCESS;
		case USAGE_NETD_HELP:
			print_usage(stdout);
			return EXIT_SUCCESS;
		case '?':
			print_usage(stderr);
			return EXIT_USAGE;
		default:
			task = code;
			break;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "sbx-netd: what is %s?\n", argv[optind]);
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (task == USAGE_NETD_FOREGROUND)
		return keep(&options);
	return read_files(&options, task == USAGE_NETD_PRINT);
}
