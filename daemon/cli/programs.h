/*
 * The other programs of sbx-net, and how to run one of them: found beside this
 * one, installed or in a build tree, never through PATH.
 */
#ifndef SBX_PROGRAMS_H
#define SBX_PROGRAMS_H

#include <limits.h>

enum program { PROGRAM_DAEMON, PROGRAM_LOG, PROGRAM_SETUP };

/* Its path in ret: 0, or -ENOENT. */
int program_find(enum program which, char ret[PATH_MAX]);

/* As written in messages: "sbx-netd". */
const char *program_name(enum program which);

/*
 * Runs it to its end with those arguments (argv[0] is filled in; NULL at the
 * end), silently when quiet.  Its exit status, or -errno.
 */
int program_run(enum program which, const char **argv, int quiet);

/*
 * The same, and what it printed in *ret (malloc'd; NULL: no memory): at most
 * 1 MiB of it.
 */
int program_capture(enum program which, const char **argv, char **ret);

/* Becomes it: returns only when that fails, with -errno. */
int program_become(enum program which, const char **argv);

#endif
