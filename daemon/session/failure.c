#include "failure.h"

static const struct failure failures[] = {
	[ORIGIN_FINE] = {502, RECORD_INTERNAL},
	[ORIGIN_NO_ADDRESS] = {502, RECORD_RESOLVE},
	[ORIGIN_REFUSED] = {403, RECORD_ADDRESS_REFUSED},
	[ORIGIN_UNREACHABLE] = {502, RECORD_CONNECT_FAILED},
	[ORIGIN_TIMEOUT] = {504, RECORD_TIMEOUT},
	[ORIGIN_UNTRUSTED] = {502, RECORD_UPSTREAM_TLS},
	[ORIGIN_OTHER_PROTOCOL] = {502, RECORD_UPSTREAM_TLS},
	[ORIGIN_NO_MEMORY] = {503, RECORD_INTERNAL},
};

struct failure
failure_of(enum origin_failure failure)
{
	return failures[failure];
}

enum record_reason
failure_of_codec(int status, enum record_reason sender)
{
	return status == 503 ? RECORD_INTERNAL : sender;
}
