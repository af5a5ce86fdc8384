/*
 * What policy wants to know of a request, read from its head: one reading for
 * the session, which enforces, and the control socket, which explains.  Pure.
 */
#ifndef SBX_ASKING_H
#define SBX_ASKING_H

#include "policy.h"

/* head: a request's struct http_head, which must live as long as the answer. */
policy_field_finder asking_find_field;

#endif
