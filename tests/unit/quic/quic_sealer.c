#include "quic_sealer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { HASH = 32, TAG = 16, BLOCK = 16, NONCE = 12 };

static const uint8_t salt_v1[] = "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17"
				 "\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
static const uint8_t salt_v2[] = "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93"
				 "\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";

struct initial
initial_usual(void)
{
	return (struct initial){
		.version = SEAL_V1,
		.keys = "original",
		.destination = "original",
		.source = "mine!",
		.number_len = 2,
		.pad_to = 1200,
	};
}

void
frames_put(struct frames *f, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(f->bytes) - f->len);
	memcpy(f->bytes + f->len, bytes, len);
	f->len += len;
}

static void
put_number(uint8_t *to, uint64_t n, size_t bytes)
{
	while (bytes-- > 0)
		*to++ = (uint8_t)(n >> 8 * bytes);
}

void
frames_crypto(
	struct frames *f, uint64_t offset, const uint8_t *data, size_t len)
{
	uint8_t head[7] = {6};

	put_number(head + 1, 0x80000000 | offset, 4);
	put_number(head + 5, 0x4000 | len, 2);
	frames_put(f, head, sizeof(head));
	frames_put(f, data, len);
}

static void
mac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
	uint8_t ret[HASH])
{
	unsigned size;

	assert_non_null(
		HMAC(EVP_sha256(), key, (int)key_len, data, len, ret, &size));
}

/* One block of HKDF-Expand-Label is all that is ever asked for. */
static void
expand(const uint8_t secret[HASH], const char *label, size_t len,
	uint8_t ret[HASH])
{
	uint8_t info[64];
	int n = snprintf((char *)info + 3, sizeof(info) - 3, "tls13 %s", label);

	info[0] = 0;
	info[1] = (uint8_t)len;
	info[2] = (uint8_t)n;
	info[3 + n] = 0;
	info[4 + n] = 1;
	mac(secret, HASH, info, (size_t)n + 5, ret);
}

struct keys {
	uint8_t key[HASH], iv[HASH], hp[HASH];
};

static void
derive(const struct initial *i, struct keys *ret)
{
	const char *prefix = i->version == SEAL_V2 ? "quicv2" : "quic";
	const uint8_t *salt = i->version == SEAL_V2 ? salt_v2 : salt_v1;
	uint8_t first[HASH], client[HASH];
	char label[32];

	mac(salt, 20, (const uint8_t *)i->keys, strlen(i->keys), first);
	expand(first, "client in", HASH, client);
	snprintf(label, sizeof(label), "%s key", prefix);
	expand(client, label, BLOCK, ret->key);
	snprintf(label, sizeof(label), "%s iv", prefix);
	expand(client, label, NONCE, ret->iv);
	snprintf(label, sizeof(label), "%s hp", prefix);
	expand(client, label, BLOCK, ret->hp);
}

static size_t
put_id(uint8_t *to, const char *id)
{
	to[0] = (uint8_t)strlen(id);
	memcpy(to + 1, id, to[0]);
	return (size_t)to[0] + 1;
}

/* Up to the length, which needs to know how long the frames are. */
static size_t
put_header(uint8_t *to, const struct initial *i)
{
	unsigned type = i->version == SEAL_V2 ? (i->type + 1) % 4 : i->type;
	size_t at = 5;

	to[0] = (uint8_t)((0xc0 | type << 4 | (i->number_len - 1)) ^ i->flip);
	put_number(to + 1, i->version, 4);
	at += put_id(to + at, i->destination);
	at += put_id(to + at, i->source);
	if (i->type == SEAL_INITIAL) {
		assert_true(i->token_len < 64);
		to[at++] = (uint8_t)i->token_len;
		memset(to + at, 't', i->token_len);
		at += i->token_len;
	}
	return at;
}

static void
seal(const struct keys *k, uint64_t number, uint8_t *header, size_t header_len,
	const struct frames *f)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[NONCE], *out = header + header_len;
	int len;

	memcpy(nonce, k->iv, NONCE);
	for (size_t i = 0; i < 8; i++)
		nonce[NONCE - 1 - i] ^= (uint8_t)(number >> 8 * i);
	assert_int_equal(
		EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, k->key, nonce),
		1);
	assert_int_equal(
		EVP_EncryptUpdate(ctx, NULL, &len, header, (int)header_len), 1);
	assert_int_equal(
		EVP_EncryptUpdate(ctx, out, &len, f->bytes, (int)f->len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, out + f->len, &len), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(
				 ctx, EVP_CTRL_GCM_GET_TAG, TAG, out + f->len),
		1);
	EVP_CIPHER_CTX_free(ctx);
}

static void
protect(const struct keys *k, uint8_t *packet, size_t number_at,
	size_t number_len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t mask[2 * BLOCK];
	int len;

	assert_int_equal(
		EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, k->hp, NULL),
		1);
	assert_int_equal(EVP_EncryptUpdate(ctx, mask, &len,
				 packet + number_at + 4, BLOCK),
		1);
	EVP_CIPHER_CTX_free(ctx);
	packet[0] ^= mask[0] & 0x0f;
	for (size_t i = 0; i < number_len; i++)
		packet[number_at + i] ^= mask[1 + i];
}

void
datagram_add(struct datagram *d, const struct initial *i, struct frames *f)
{
	uint8_t *packet = d->bytes + d->len;
	size_t at = put_header(packet, i);
	size_t around = at + 2 + i->number_len + TAG;
	struct keys k;

	while (around + f->len < i->pad_to)
		frames_put(f, "", 1);
	put_number(packet + at, 0x4000 | (i->number_len + f->len + TAG), 2);
	at += 2;
	put_number(packet + at, i->number, i->number_len);
	derive(i, &k);
	seal(&k, i->number, packet, at + i->number_len, f);
	protect(&k, packet, at, i->number_len);
	d->len += around + f->len;
}

static size_t
put_extension(uint8_t *to, unsigned type, const void *data, size_t len)
{
	put_number(to, type, 2);
	put_number(to + 2, len, 2);
	memcpy(to + 4, data, len);
	return len + 4;
}

static size_t
put_name(uint8_t *to, const char *name)
{
	uint8_t data[300];
	size_t len = strlen(name);

	put_number(data, len + 3, 2);
	data[2] = 0;
	put_number(data + 3, len, 2);
	memcpy(data + 5, name, len);
	return put_extension(to, 0, data, len + 5);
}

size_t
make_hello(const char *name, size_t padding, uint8_t *ret)
{
	static const uint8_t suites[] = "\x00\x02\x13\x01\x01\x00";
	static const uint8_t none[QUIC_HELLO_PADDING];
	size_t at = 4, extensions;

	put_number(ret + at, 0x0303, 2);
	memset(ret + at + 2, 'r', 32);
	at += 34;
	ret[at++] = 0;
	memcpy(ret + at, suites, 6);
	at += 6;
	extensions = at;
	at += 2;
	if (name != NULL)
		at += put_name(ret + at, name);
	at += put_extension(ret + at, 16, "\0\x03\x02h3", 5);
	at += put_extension(ret + at, 21, none, padding);
	put_number(ret + extensions, at - extensions - 2, 2);
	put_number(ret, 1, 1);
	put_number(ret + 1, at - 4, 3);
	return at;
}
