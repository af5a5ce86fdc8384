/*
 * For tests: the law that holds whatever becomes of the memory, as far as the
 * decision log and the origins can tell.  What breaks it fails the test.
 */
#ifndef SBX_TEST_TORTURE_LAW_H
#define SBX_TEST_TORTURE_LAW_H

#include <stdbool.h>
#include <stddef.h>

#include "session_lab.h"
#include "span.h"

struct http_head;

#define TORTURE_SECRET "sesame"
#define TORTURE_STAND_IN "abcdefghijklmnop"
#define TORTURE_STAND_INS "{\"key\":\"" TORTURE_STAND_IN "\"}"

/* Lines of the log with all of it; NULL matches. */
unsigned law_lines(const struct session_lab *lab, const char *a, const char *b,
	const char *c);

/* So many connections have reached that host: each was allowed before. */
void law_hold_connections(
	const struct session_lab *lab, const char *host, size_t count);

/* This request has reached its origin, which was verified: it is on record,
 * and the credential where the record says that it went, which HTTP/2 has not
 * put into its table. */
void law_hold_request(const struct session_lab *lab,
	const struct http_head *request, bool http2);

/* Nobody else gets to see the credential. */
void law_hold_clean(struct span bytes);
void law_hold_clean_head(const struct http_head *h);

/* The body that this request has to have: the key where its stand-in was, or
 * neither; and whether it may hold the key. */
struct span law_body_of(const struct http_head *request);
bool law_may_hold_key(const struct http_head *request);

/* Everything has come to its end: each decision that allows something has one
 * outcome, and none is without a decision. */
void law_hold_outcomes(const struct session_lab *lab);

/* Neither the client nor an origin has done anything wrong. */
void law_hold_blame(const struct session_lab *lab);

#endif
