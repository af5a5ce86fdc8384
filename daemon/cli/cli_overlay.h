/*
 * The verbs of `policy` that change one sandbox's overlay.
 */
#ifndef SBX_CLI_OVERLAY_H
#define SBX_CLI_OVERLAY_H

struct cli;

int cli_policy_set(const struct cli *cli, int argc, char **argv);
int cli_policy_clear(const struct cli *cli, int argc, char **argv);

#endif
