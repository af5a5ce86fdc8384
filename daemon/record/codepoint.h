/*
 * UTF-8 from bytes that nobody vouched for, one code point at a time, and
 * which code points must not reach a terminal as they are.  Knows nothing of
 * JSON.
 */
#ifndef SBX_CODEPOINT_H
#define SBX_CODEPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CODEPOINT_BAD = 0xFFFD }; /* what stands for a byte that is no UTF-8 */

/*
 * The code point at s, len >= 1, and how many bytes it takes.  A byte that
 * starts no valid sequence (overlong, surrogate, too large, cut) is taken
 * alone, as CODEPOINT_BAD.
 */
size_t codepoint_next(const char *s, size_t len, uint32_t *ret);

/*
 * Does it steer a terminal, or hide or reorder what stands around it?  C0,
 * DEL, C1, zero-width, bidirectional, line separators, tags.
 */
bool codepoint_is_control(uint32_t cp);

#endif
