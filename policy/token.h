/*
 * The words of HTTP that documents may hold: methods and field names.  Pure.
 */
#ifndef SBX_TOKEN_H
#define SBX_TOKEN_H

#include <stdbool.h>

/* RFC 9110's token, at most max bytes. */
bool token_is_valid(const char *text, unsigned max);

/* Printable ASCII from first (0x20 or 0x21) on, not empty. */
bool token_is_printable(const char *text, char first);

#endif
