/* A name server's reply: the first byte chooses the family, the rest is it. */
#include <ares.h>
#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "resolver.h"
#include "resolver_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolver_answer answer;
	int family;

	if (size == 0)
		return 0;
	family = data[0] & 1 ? AF_INET6 : AF_INET;
	resolver_answer_read(family, ARES_SUCCESS, data + 1, size - 1, &answer);
	assert(answer.status <= 0 && answer.family == family);
	assert(answer.count <= RESOLVER_ADDRESSES);
	assert((answer.status == 0) == (answer.count > 0));
	assert((answer.status == 0) == (answer.text == NULL));
	assert(answer.ttl >= 5 && answer.ttl <= 300);
	return 0;
}
