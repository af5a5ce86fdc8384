/*
 * Host names, normalised once and on both sides: what a document says and what
 * a sandbox sends.  Pure.
 */
#ifndef SBX_HOST_H
#define SBX_HOST_H

#include <stddef.h>

enum {
	HOST_MAX = 253,        /* bytes of a name, without its last dot */
	HOST_LABEL_MAX = 63,   /* bytes of one label */
	HOST_LABELS_MAX = 127, /* labels of a name */
};

/*
 * Lower case, one trailing dot off, U-labels to A-labels (libidn2), letters,
 * digits, hyphen (not at a label's ends) and underscore, labels of 1..63, 253
 * in all.  Returns 0 and the name in ret; -EINVAL for what is not a host name
 * (NUL, space, comma, '@', ':', empty label, too long, ...); -EADDRNOTAVAIL
 * for every spelling of an address that inet_aton() or inet_pton() would take,
 * brackets or not; -ENOMEM (names that are not ASCII only).  ret is untouched
 * on failure.  Normalising the result gives the result.
 */
int host_normalise(const char *name, size_t len, char ret[HOST_MAX + 1]);

#endif
