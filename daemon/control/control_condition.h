/*
 * Under which condition a change is wanted (RFC 9110, 13.1): only of what is
 * still what the client has read.
 */
#ifndef SBX_CONTROL_CONDITION_H
#define SBX_CONTROL_CONDITION_H

#include "control_query.h"
#include "span.h"

/*
 * The tag of an If-Match, with or without its quotes, or "*", in ret; NULL: the
 * field is empty.  A list of tags is no tag that anything has.
 */
const char *control_condition_tag(
	struct span field, char ret[CONTROL_VALUE_MAX]);

#endif
