/*
 * The configuration of a daemon of one's own: a folder with the settings that
 * the command line asked for, and the policy document or a link to its file.
 */
#ifndef SBX_OWN_CONFIG_H
#define SBX_OWN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct own_daemon_spec;

#define OWN_CONFIG "sbx-netd.yaml" /* in spec->runtime_dir */

/* Whether the policy file alone does not say all that was asked for. */
bool own_config_is_needed(const struct own_daemon_spec *spec);

/* Writes it.  0, or -errno with a line in reterr. */
int own_config_write(
	const struct own_daemon_spec *spec, char *reterr, size_t size);

#endif
