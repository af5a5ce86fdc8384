/* Any bytes in any field of a record: one line of valid JSON comes out. */
#include <jansson.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span all = {(const char *)data, size};
	char *text = strndup(all.ptr, size), line[RECORD_LINE_MAX];
	struct record r = {.event = RECORD_OUTCOME};
	struct sockaddr_in6 in6 = {0};
	json_t *object;
	size_t len;

	r.host = r.method = r.path = all;
	r.sandbox = r.rule = r.source = r.policy = r.proto = r.via = text;
	r.alpn = r.injected = r.skipped = r.handler = r.detail = text;
	/* What may be labels, a caller vouches for. */
	r.labels = text != NULL && text[0] != '{' ? text : "{\"a\":1}";
	memcpy(&in6, data, size < sizeof(in6) ? size : sizeof(in6));
	in6.sin6_family = size % 2 == 0 ? AF_INET6 : AF_INET;
	r.src = r.dst = r.upstream = (const struct sockaddr *)&in6;
	memcpy(&r.ts_us, data, size < 8 ? size : 8);
	r.id = r.bytes_up = r.bytes_down = r.generation = r.ts_us;
	r.dur_us = r.ttfb_us = (int64_t)r.ts_us;
	r.reason = size % RECORD_REASON_COUNT;
	len = record_format(&r, line, sizeof(line));
	object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (object == NULL || memchr(line, '\n', len) != line + len - 1)
		abort();
	json_decref(object);
	free(text);
	return 0;
}
