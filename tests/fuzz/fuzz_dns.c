/* A datagram of a sandbox: parsed, and answered within what it allows. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t bytes[64][16];
	struct dns_content content = {.addresses = bytes,
		.count = 64,
		.ttl = 300,
		.records = data,
		.records_len = size};
	uint8_t answer[DNS_UDP_MOST];
	struct dns_query q, again;
	size_t len;
	int r = dns_query_parse(data, size, &q);

	if (r == -EINVAL)
		return 0;
	assert(q.question_len <= sizeof(q.question));
	assert(q.udp_size >= DNS_UDP_LEAST && q.udp_size <= DNS_UDP_MOST);
	assert(strlen(q.name) < sizeof(q.name));
	len = r < 0 ? dns_refuse(&q, answer, DNS_UDP_LEAST)
		    : dns_answer(&q, DNS_NOERROR, &content, answer, q.udp_size);
	assert(len >= 12 && len <= q.udp_size);
	/* An answer is no query: two of us never talk to each other. */
	assert(dns_query_parse(answer, len, &again) == -EINVAL);
	if (r == 0)
		assert(memcmp(answer + 12, data + 12, q.question_len) == 0);
	return 0;
}
