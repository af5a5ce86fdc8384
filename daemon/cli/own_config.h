/*
 * The configuration of a daemon of one's own: a folder with the settings that
 * the command line asked for and a link to the policy file, if any.
 */
#ifndef SBX_OWN_CONFIG_H
#define SBX_OWN_CONFIG_H

#include <limits.h>
#include <stddef.h>

struct own_daemon_spec;

/*
 * Writes it in spec->runtime_dir.  0 and in config the path for --config; or
 * -errno with a line in reterr.
 */
int own_config_write(const struct own_daemon_spec *spec, char config[PATH_MAX],
	char *reterr, size_t size);

#endif
