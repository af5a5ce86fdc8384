/* A name server's reply: the first byte chooses the type, the rest is it. */
#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "resolver_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = {1, 28, 16, 15, 33, 65, 64, 5};
	static struct resolver_records room;
	struct resolver_asked asked = {.name = "a.test"};
	struct resolver_answer answer;
	size_t len = 0;

	if (size == 0)
		return 0;
	asked.type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	resolver_answer_read(&asked,
		(struct span){(const char *)data + 1, size - 1}, &room,
		&answer);
	assert(answer.status <= 0 && answer.type == asked.type);
	assert((answer.status == 0) == (answer.count > 0));
	assert((answer.status == 0) == (answer.text == NULL));
	assert(answer.ttl >= 5 && answer.ttl <= 300);
	if (answer.family != AF_UNSPEC) {
		assert(answer.count <= RESOLVER_ADDRESSES);
		return 0;
	}
	assert(answer.count <= RESOLVER_RECORDS);
	while (len < answer.records_len)
		len += 2 + (size_t)(answer.records[len] << 8 |
				    answer.records[len + 1]);
	assert(len == answer.records_len && len <= RESOLVER_RECORD_BYTES);
	return 0;
}
