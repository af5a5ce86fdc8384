/*
 * Whether a program may be run with our rights: only if nobody could have put
 * another one in its place.
 */
#ifndef SBX_SOURCE_PROGRAM_H
#define SBX_SOURCE_PROGRAM_H

#include <stddef.h>

/*
 * The file and each folder above it, by the absolute path as it is given and as
 * it is resolved, must be root's or ours and writable by nobody else; a folder
 * that others may write to must be sticky.  Returns 0, or -errno with what is
 * wrong in reterr.
 */
int source_program_check(const char *path, char *reterr, size_t reterr_size);

#endif
