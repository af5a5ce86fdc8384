/*
 * What every subcommand of sbx-netctl knows: the global options, and how to
 * end.
 */
#ifndef SBX_CLI_H
#define SBX_CLI_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "usage.h"

struct control_client;

enum cli_exit { /* sbx-netctl(1) promises these */
	CLI_OK = 0,
	CLI_FAILED = 1,       /* refused, or it went wrong */
	CLI_USAGE = 2,        /* what was asked cannot be understood */
	CLI_NO_DAEMON = 3,    /* nobody to ask */
	CLI_RUN_FAILED = 125, /* `run` itself, before the command */
};

struct cli {
	const char *runtime_dir;
	bool has_runtime_dir; /* named by the caller */
	const char *config;   /* NULL: the default */
	bool json;
};

#define CLI_RUNTIME_DIR "/run/sbx-net"
#define CLI_CONFIG "/etc/sbx-net/sbx-netd.yaml"

/* Each subcommand: argv[0] is its name; the exit status. */
int cli_status(const struct cli *cli, int argc, char **argv);
int cli_health(const struct cli *cli, int argc, char **argv);
int cli_doctor(const struct cli *cli, int argc, char **argv);
int cli_check(const struct cli *cli, int argc, char **argv);
int cli_reload(const struct cli *cli, int argc, char **argv);
int cli_sandbox(const struct cli *cli, int argc, char **argv);
int cli_policy(const struct cli *cli, int argc, char **argv);
int cli_lockdown(const struct cli *cli, int argc, char **argv);
int cli_open(const struct cli *cli, int argc, char **argv);
int cli_secret(const struct cli *cli, int argc, char **argv);
int cli_explain(const struct cli *cli, int argc, char **argv);
int cli_ca(const struct cli *cli, int argc, char **argv);
int cli_schema(const struct cli *cli, int argc, char **argv);
int cli_log(const struct cli *cli, int argc, char **argv);
int cli_import(const struct cli *cli, int argc, char **argv);
int cli_run(const struct cli *cli, int argc, char **argv);

/*
 * completion: the shells' scripts, and what these ask for.  programs: all that
 * can be completed, NULL-terminated.
 */
int cli_completion(const struct cli *cli, int argc, char **argv,
	const struct usage_program *const *programs);

/* The options of the subcommands that have any, as run_usage. */
extern const struct usage_option cli_reload_usage[], cli_doctor_usage[],
	cli_sandbox_add_usage[], cli_ca_env_usage[], cli_policy_set_usage[],
	cli_overlay_usage[], cli_entry_add_usage[], cli_entry_rm_usage[],
	cli_policy_test_usage[], cli_policy_replay_usage[], cli_explain_usage[];

#endif
