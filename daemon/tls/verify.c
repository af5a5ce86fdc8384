#include "verify.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

const char *
verify_explain(const SSL *ssl, char *ret, size_t size)
{
	long verified = SSL_get_verify_result(ssl);
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);

	if (verified != X509_V_OK)
		snprintf(ret, size, "certificate refused: %s",
			X509_verify_cert_error_string(verified));
	else if (reason != NULL)
		snprintf(ret, size, "TLS handshake failed: %s", reason);
	else
		snprintf(ret, size,
			"the connection was closed during the TLS handshake");
	ERR_clear_error();
	return ret;
}
