/*
 * How a source writes its value down, and when it says that the value ends.
 * Pure: now is a parameter.  What it reads is foreign, and no byte of it is
 * ever in a reason.
 */
#ifndef SBX_SECRET_FORMAT_H
#define SBX_SECRET_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct secret;

/* In the order of enum policy_source_format. */
enum secret_format_kind {
	SECRET_FORMAT_RAW,    /* the bytes, one newline off their end */
	SECRET_FORMAT_JSON,   /* a text in a JSON document */
	SECRET_FORMAT_GIT,    /* key=value lines of git's credential helpers */
	SECRET_FORMAT_DOCKER, /* what docker-credential-… get prints */
	SECRET_FORMAT_AWS,    /* what AWS calls credential_process, Version 1 */
};

struct secret_format { /* all zeros: raw */
	enum secret_format_kind kind;
	/*
	 * JSON: the keys on the way, with dots between them; in a list, a
	 * number.  Else one of the format's own; NULL: its usual one.
	 */
	const char *field;
};

/*
 * A new reference, and in *ret_expires the second since 1970 in which the value
 * ends (0: nothing was said); or NULL with what is wrong in reterr.  What has
 * ended by now is no value.  The caller wipes raw.
 */
struct secret *secret_format_read(const struct secret_format *f,
	struct span raw, int64_t now, int64_t *ret_expires, char *reterr,
	size_t reterr_size);

#endif
