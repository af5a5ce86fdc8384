/*
 * Where sbx-net-setup is: beside this program's folder, as in the source tree
 * and in a package, or where the settings say.
 */
#ifndef SBX_SETUP_PROGRAM_H
#define SBX_SETUP_PROGRAM_H

/* wish: NULL or a path that is taken as it is.  malloc'd, the caller frees it;
 * NULL: nowhere. */
char *setup_program_find(const char *wish);

#endif
