#include "crypto_error.h"

#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>

int
crypto_error(const char *what, char *reterr, size_t reterr_size)
{
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_reason_error_string(error);

	ERR_clear_error();
	if (reterr_size > 0)
		snprintf(reterr, reterr_size, "%s: %s", what,
			reason != NULL ? reason : "out of memory");
	/* libcrypto always gives a reason; our own malloc() gives none. */
	if (error == 0 || ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
		return -ENOMEM;
	return -EIO;
}
