/*
 * From the raw bytes of a source to a value, or to the reason why they are
 * none.  Pure.
 */
#ifndef SBX_SOURCE_VALUE_H
#define SBX_SOURCE_VALUE_H

#include <stddef.h>

struct secret;

/* A new reference, or NULL with what is wrong ("is empty", …) in reterr. */
struct secret *source_value(
	const char *data, size_t len, char *reterr, size_t reterr_size);

#endif
