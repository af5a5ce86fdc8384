/*
 * quic_keys.c - from a connection id to the frames of an Initial
 *
 * Theory of operation
 *
 *	id --HKDF-Extract, the version's salt; Expand "client in"--> secret
 *	secret --Expand "quic key", "quic iv", "quic hp"--> keys
 *
 * Opening goes backwards through what the client did.  A sample of the sealed
 * bytes, four behind the start of the packet number, makes a mask, under which
 * the low bits of the first byte and the number itself are; these say where the
 * sealed part begins and complete its nonce.  The header with the mask taken
 * off is what the seal also covers, so a wrong guess anywhere does not open.
 */
#include "quic_keys.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

enum {
	SECRET_LEN = 32,
	INFO_MAX = 64,
	SAMPLE_LEN = 16,
	NUMBER_MAX = 4, /* bytes of a packet number; the sample is behind */
	LONG_MASKED = 0x0f,
	LONG_RESERVED = 0x0c,
	NUMBER_LEN_MASK = 3,
};

/* An HkdfLabel of TLS 1.3 without context (RFC 8446 7.1). */
static size_t
put_info(const char *label, size_t len, uint8_t info[INFO_MAX])
{
	static const char prefix[] = "tls13 ";
	size_t prefix_len = sizeof(prefix) - 1, label_len = strlen(label);

	assert(label_len < INFO_MAX - prefix_len - 4 && len <= SECRET_LEN);
	info[0] = 0;
	info[1] = (uint8_t)len;
	info[2] = (uint8_t)(prefix_len + label_len);
	memcpy(info + 3, prefix, prefix_len);
	memcpy(info + 3 + prefix_len, label, label_len);
	info[3 + prefix_len + label_len] = 0;
	return 4 + prefix_len + label_len;
}

/* One step of HKDF with SHA-256.  With a salt it extracts before it expands. */
struct step {
	const uint8_t *salt, *key;
	size_t key_len;
	const char *label;
};

static bool
derive(EVP_KDF_CTX *ctx, const struct step *step, uint8_t *ret, size_t len)
{
	int mode = step->salt != NULL ? EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND
				      : EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	uint8_t info[INFO_MAX];
	size_t info_len = put_info(step->label, len, info);
	char digest[] = "SHA256";
	OSSL_PARAM params[6], *p = params;

	*p++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	*p++ = OSSL_PARAM_construct_utf8_string(
		OSSL_KDF_PARAM_DIGEST, digest, 0);
	*p++ = OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_KEY, (void *)step->key, step->key_len);
	*p++ = OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_INFO, info, info_len);
	if (step->salt != NULL)
		*p++ = OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, (void *)step->salt, QUIC_SALT_LEN);
	*p = OSSL_PARAM_construct_end();
	EVP_KDF_CTX_reset(ctx);
	return EVP_KDF_derive(ctx, ret, len, params) == 1;
}

int
quic_keys_derive(const struct quic_version *version,
	const struct quic_id *client, struct quic_keys *ret)
{
	EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = hkdf != NULL ? EVP_KDF_CTX_new(hkdf) : NULL;
	uint8_t secret[SECRET_LEN];
	struct step first = {
		version->salt, client->bytes, client->len, "client in"};
	struct step key = {NULL, secret, SECRET_LEN, version->key_label};
	struct step iv = {NULL, secret, SECRET_LEN, version->iv_label};
	struct step hp = {NULL, secret, SECRET_LEN, version->hp_label};
	bool done;

	done = ctx != NULL && derive(ctx, &first, secret, SECRET_LEN) &&
	       derive(ctx, &key, ret->key, QUIC_KEY_LEN) &&
	       derive(ctx, &iv, ret->iv, QUIC_IV_LEN) &&
	       derive(ctx, &hp, ret->hp, QUIC_KEY_LEN);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(hkdf);
	ERR_clear_error();
	return done ? 0 : -ENOMEM;
}

static bool
make_mask(EVP_CIPHER_CTX *ctx, const uint8_t *hp, const uint8_t *sample,
	uint8_t mask[SAMPLE_LEN])
{
	int len;

	return EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, hp, NULL) ==
		       1 &&
	       EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	       EVP_EncryptUpdate(ctx, mask, &len, sample, SAMPLE_LEN) == 1;
}

/* The number whose low bytes are these and that is nearest to expected (RFC
 * 9000 A.3). */
static uint64_t
whole_number(uint64_t low, size_t bytes, uint64_t expected)
{
	uint64_t window = (uint64_t)1 << 8 * bytes, half = window / 2;
	uint64_t candidate = (expected & ~(window - 1)) | low;

	if (candidate + half <= expected)
		return candidate + window;
	if (candidate > expected + half && candidate >= window)
		return candidate - window;
	return candidate;
}

/* The sealed part of a packet, and what else goes into the seal. */
struct sealed {
	const uint8_t *header; /* without its mask */
	size_t header_len;
	const uint8_t *bytes; /* the tag is behind them */
	size_t len;
	uint64_t number;
};

static bool
unseal(EVP_CIPHER_CTX *ctx, const struct quic_keys *k, const struct sealed *s,
	uint8_t *ret)
{
	uint8_t nonce[QUIC_IV_LEN];
	uint8_t tag[QUIC_TAG_LEN];
	int len;

	memcpy(nonce, k->iv, sizeof(nonce));
	for (size_t i = 0; i < sizeof(s->number); i++)
		nonce[QUIC_IV_LEN - 1 - i] ^= (uint8_t)(s->number >> 8 * i);
	memcpy(tag, s->bytes + s->len, sizeof(tag));
	return EVP_CIPHER_CTX_reset(ctx) == 1 &&
	       EVP_DecryptInit_ex(
		       ctx, EVP_aes_128_gcm(), NULL, k->key, nonce) == 1 &&
	       EVP_DecryptUpdate(
		       ctx, NULL, &len, s->header, (int)s->header_len) == 1 &&
	       EVP_DecryptUpdate(ctx, ret, &len, s->bytes, (int)s->len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(
		       ctx, EVP_CTRL_GCM_SET_TAG, QUIC_TAG_LEN, tag) == 1 &&
	       EVP_DecryptFinal_ex(ctx, ret + len, &len) == 1;
}

static bool
open_with(EVP_CIPHER_CTX *ctx, const struct quic_keys *k,
	const struct quic_packet *p, uint64_t expected, struct quic_plain *ret)
{
	const uint8_t *number = p->start + p->number_at;
	uint8_t mask[SAMPLE_LEN], header[QUIC_PLAIN_MAX];
	size_t number_len;
	uint64_t low = 0;
	struct sealed s;

	if (!make_mask(ctx, k->hp, number + NUMBER_MAX, mask))
		return false;
	memcpy(header, p->start, p->number_at);
	header[0] ^= mask[0] & LONG_MASKED;
	number_len = (size_t)(header[0] & NUMBER_LEN_MASK) + 1;
	for (size_t i = 0; i < number_len; i++) {
		header[p->number_at + i] = number[i] ^ mask[1 + i];
		low = low << 8 | header[p->number_at + i];
	}
	s.header = header;
	s.header_len = p->number_at + number_len;
	s.bytes = p->start + s.header_len;
	s.len = p->len - s.header_len - QUIC_TAG_LEN;
	s.number = whole_number(low, number_len, expected);
	ret->number = s.number;
	ret->reserved = header[0] & LONG_RESERVED;
	ret->len = s.len;
	return unseal(ctx, k, &s, ret->frames);
}

int
quic_keys_open(const struct quic_keys *k, const struct quic_packet *p,
	uint64_t expected, struct quic_plain *ret)
{
	EVP_CIPHER_CTX *ctx;
	bool opened;

	if (p->len > QUIC_PLAIN_MAX ||
		p->len < p->number_at + NUMBER_MAX + SAMPLE_LEN)
		return -EBADMSG;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL)
		return -ENOMEM;
	opened = open_with(ctx, k, p, expected, ret);
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	return opened ? 0 : -EBADMSG;
}
