#include "packet_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIRE = 70000 };

size_t
wire_put_hex(uint8_t *to, const char *hex)
{
	size_t len = 0;

	for (; *hex != '\0'; hex++) {
		char digits[3] = {hex[0], hex[1], '\0'};

		if (*hex == ' ')
			continue;
		to[len++] = (uint8_t)strtoul(digits, NULL, 16);
		hex++;
	}
	return len;
}

static void
put16(uint8_t *to, size_t n)
{
	to[0] = (uint8_t)(n >> 8);
	to[1] = (uint8_t)n;
}

static size_t
put_v4(uint8_t *to, const struct plan *plan)
{
	size_t options =
		wire_put_hex(to + 20, plan->options ? plan->options : "");
	size_t header = 20 + options;
	size_t len = header + wire_put_hex(to + header, plan->payload);

	to[0] = (uint8_t)(0x40 | header / 4);
	put16(to + 2, len);
	put16(to + 6, plan->fragment);
	to[8] = 64;
	to[9] = (uint8_t)plan->protocol;
	wire_put_hex(to + 12, plan->ends ? plan->ends : V4_ENDS);
	return len;
}

static size_t
put_v6(uint8_t *to, const struct plan *plan)
{
	size_t len = wire_put_hex(to + 40, plan->payload);

	to[0] = 0x60;
	put16(to + 4, len);
	to[6] = (uint8_t)plan->protocol;
	to[7] = 64;
	wire_put_hex(to + 8, plan->ends ? plan->ends : V6_ENDS);
	return 40 + len;
}

struct wire
wire_build(const struct plan *plan)
{
	uint8_t *room = calloc(1, WIRE);
	struct wire w = {NULL, 0};

	assert_non_null(room);
	w.len = plan->version == V4 ? put_v4(room, plan) : put_v6(room, plan);
	w.bytes = malloc(w.len);
	assert_non_null(w.bytes);
	memcpy(w.bytes, room, w.len);
	free(room);
	return w;
}
