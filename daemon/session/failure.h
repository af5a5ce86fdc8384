/*
 * What a connection that could not be made means to whoever asked for it, and
 * whose fault a message is that could not be read.
 */
#ifndef SBX_FAILURE_H
#define SBX_FAILURE_H

#include "origin.h"
#include "record.h"

struct failure {
	int status; /* of our answer */
	enum record_reason reason;
};

struct failure failure_of(enum origin_failure failure);

/* What a codec refused with that status is the fault of whoever sent it, unless
 * it was we who had no memory for it. */
enum record_reason failure_of_codec(int status, enum record_reason sender);

#endif
