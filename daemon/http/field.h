/*
 * Names and values of fields as bytes: which characters may stand in them,
 * which names our rules know, which spellings look alike, how lists are read.
 * Internal to the module.
 */
#ifndef SBX_HTTP_FIELD_H
#define SBX_HTTP_FIELD_H

#include <stdbool.h>

#include "message.h"
#include "span.h"

/* RFC 9110 5.6.2: not empty, only tchar. */
bool http_is_token(struct span s);

/* RFC 9110 5.5: visible ASCII, space, tab, and the bytes from 0x80 up. */
bool http_is_value(struct span s);

/* Visible ASCII only, and not empty. */
bool http_is_visible(struct span s);

/* What is left without spaces and tabs at both ends. */
struct span http_trim(struct span s);

enum http_known http_known_of(struct span name);

/* As http_known_of(), with '_' read as '-': what a gateway that makes
 * environment variables of names would take this one for (threat 21). */
enum http_known http_known_twin(struct span name);

/* The next member of a comma-separated list, trimmed, empty ones skipped;
 * *rest shrinks.  False at its end.  Knows nothing of quoted strings. */
bool http_list_next(struct span *rest, struct span *ret);

/* Whether some member of the list is this token, case-insensitively. */
bool http_list_has(struct span list, struct span token);

/* A Content-Length: 0 | [1-9][0-9]*, and small enough for a signed offset. */
bool http_read_length(struct span s, uint64_t *ret);

#endif
