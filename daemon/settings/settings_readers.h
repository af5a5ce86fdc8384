/*
 * Readers for schema tables that only the settings need: numbers that may be
 * hexadecimal, addresses, absolute paths.  Internal to this folder.
 */
#ifndef SBX_SETTINGS_READERS_H
#define SBX_SETTINGS_READERS_H

#include "schema.h"

schema_reader settings_read_workers; /* unsigned; `auto` is 0 */
schema_reader settings_read_servers; /* struct schema_strings */
schema_reader settings_read_ranges;  /* struct schema_strings */
schema_reader settings_read_path;    /* const char *; absolute */
schema_reader settings_read_mark;    /* unsigned, not 0; 0x… or decimal */
schema_reader settings_read_switch;  /* int; 0 or 1 */

extern const struct schema_shape settings_workers_shape, settings_servers_shape,
	settings_ranges_shape, settings_path_shape, settings_mark_shape,
	settings_switch_shape;

#endif
