#include "usage.h"

const struct usage_option usage_netd[] = {
	{.name = "config",
		.code = USAGE_NETD_CONFIG,
		.value = "PATH",
		.help = "main file (/etc/sbx-net/sbx-netd.yaml); beside it "
			"policies.d/*.yaml and sandboxes.d/*.yaml"},
	{.name = "runtime-dir",
		.code = USAGE_NETD_RUNTIME_DIR,
		.value = "DIR",
		.help = "socket, lock and sandboxes.d/*.yaml (/run/sbx-net, or "
			"$SBX_NET_RUNTIME_DIR)"},
	{.name = "check",
		.code = USAGE_NETD_CHECK,
		.help = "read all files, say what is wrong, and end"},
	{.name = "print",
		.code = USAGE_NETD_PRINT,
		.help = "print what was read in canonical form, and end"},
	{.name = "print-schema",
		.code = USAGE_NETD_PRINT_SCHEMA,
		.value = "WHAT",
		.takes = "main|documents",
		.help = "print a JSON Schema, and end: \"main\" is for the "
			"main "
			"file, \"documents\" for those beside it"},
	{.name = "foreground",
		.code = USAGE_NETD_FOREGROUND,
		.help = "stay in the foreground (always so)"},
	{.name = "version",
		.code = USAGE_NETD_VERSION,
		.help = "print the version, and end"},
	{.name = "help",
		.code = USAGE_NETD_HELP,
		.help = "print this, and end"},
	{.name = NULL},
};
