/*
 * What a connection that could not be made means to whoever asked for it.
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

#endif
