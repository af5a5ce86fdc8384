/*
 * A question as it goes to a name server, and whether a message answers it.
 *
 * What a forger who sees nothing would have to guess stands in here: sixteen
 * bits of id and one for each letter of the name, whose case is drawn (0x20).
 * Knows no sockets; asks the kernel for random bytes.
 */
#ifndef SBX_QUESTION_WIRE_H
#define SBX_QUESTION_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QUESTION_PREFIX = 2, /* the length, for streams */
	QUESTION_MESSAGE = 12 + 255 + 4 + 11,
	QUESTION_UDP_SIZE = 1232, /* fits an unfragmented IPv6 packet */
};

struct question_wire {
	uint8_t framed[QUESTION_PREFIX + QUESTION_MESSAGE];
	size_t len;          /* of the message, behind the prefix */
	size_t question_len; /* behind the header */
};

/* name: labels of 1 to 63 bytes, 253 in all.  0 or -errno of getrandom(2). */
int question_wire_make(
	struct question_wire *ret, const char *name, uint16_t type, bool edns);

static inline const uint8_t *
question_wire_message(const struct question_wire *w)
{
	return w->framed + QUESTION_PREFIX;
}

enum question_echo {
	ECHO_NONE, /* another's, or a forger's */
	ECHO_CASE, /* id and question are ours but for the case of letters */
	ECHO_FULL,
};

enum question_echo question_wire_echo(
	const struct question_wire *w, const uint8_t *reply, size_t len);

#endif
