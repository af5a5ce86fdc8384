/*
 * JSON, looked at where it lies: nothing is copied and nothing is allocated, so
 * no part of a secret is left behind.  A value is the span of its bytes.  Pure.
 *
 * All but json_text_open() want what json_text_open() or one of them gave.
 */
#ifndef SBX_JSON_TEXT_H
#define SBX_JSON_TEXT_H

#include <stddef.h>
#include <sys/types.h>

#include "span.h"

enum {
	JSON_TEXT_DEPTH = 32, /* lists and objects inside of each other */
};

/* The one value that this text is: 0, or -EINVAL. */
int json_text_open(struct span text, struct span *ret);

/*
 * The value under that key.  0; -EINVAL: it is no object; -ENOENT; -EEXIST: the
 * key is there twice, so that two readers could take two values.
 */
int json_text_member(struct span object, struct span key, struct span *ret);

/* The key of that number, a string.  0; -EINVAL: it is no object; -ENOENT. */
int json_text_key(struct span object, size_t index, struct span *ret);

/* Counted from 0.  0; -EINVAL: it is no list; -ENOENT. */
int json_text_element(struct span list, size_t index, struct span *ret);

/*
 * What a string says, in UTF-8, into ret, which has room for as many bytes as
 * the string.  How many they are, or -EINVAL: it is no string.
 */
ssize_t json_text_string(struct span string, char *ret);

#endif
