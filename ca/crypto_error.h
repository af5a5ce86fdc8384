/*
 * What went wrong inside libcrypto, as -errno and one line of text.  The error
 * queue is always left empty: whoever looks at it next is asking about TLS.
 */
#ifndef SBX_CRYPTO_ERROR_H
#define SBX_CRYPTO_ERROR_H

#include <stddef.h>

/* Returns -ENOMEM or -EIO.  reterr may be NULL if reterr_size is 0. */
int crypto_error(const char *what, char *reterr, size_t reterr_size);

#endif
