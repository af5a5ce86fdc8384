/* One packet as a queue of the kernel gives it. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[PACKET_TEXT_SIZE];
	struct packet p;

	packet_parse(data, size, &p);
	if (p.payload < data || p.payload_len > size ||
		(size_t)(p.payload - data) > size - p.payload_len)
		abort();
	if (p.bad == NULL && p.family == AF_UNSPEC)
		abort();
	if (p.is_later_fragment && (p.has_ports || p.has_icmp))
		abort();
	packet_describe(&p, text, sizeof(text));
	for (const char *c = text; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			abort();
	}
	return strlen(text) == sizeof(text) - 1;
}
