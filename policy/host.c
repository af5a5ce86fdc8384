/*
 * host.c - one spelling for each host name
 *
 * Theory of operation
 *
 * Three doors, in this order: what looks like an address in any spelling is
 * told apart first, because "127.1" and "0x7f000001" are made of good letters;
 * what is not ASCII goes through libidn2 (TR46, non-transitional), whose answer
 * is then treated like any ASCII name; and that must be letters, digits,
 * hyphens and underscores in labels of legal size.  IDNA maps full-width digits
 * and dots to ASCII ones, so the address check is made on its answer too.
 *
 * ASCII names never go through libidn2: it refuses names that exist, such as
 * those with hyphens in the third and fourth place.
 */
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>
#include <stdbool.h>
#include <string.h>

enum {
	INPUT_MAX = 1024, /* U-labels are longer than the A-labels they give */
};

static bool
is_address(const char *text, size_t len)
{
	char plain[HOST_MAX + 3]; /* "0x0…01" may be as long as a name */
	struct in6_addr v6;
	struct in_addr v4;

	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(plain))
		return false;
	memcpy(plain, text, len);
	plain[len] = '\0';
	return inet_aton(plain, &v4) != 0 ||
	       inet_pton(AF_INET6, plain, &v6) == 1;
}

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

static bool
is_label(const char *label, size_t len)
{
	if (len < 1 || len > HOST_LABEL_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_name_byte(label[i]))
			return false;
	}
	return label[0] != '-' && label[len - 1] != '-';
}

/* The last door: name is ASCII, and ours to write to. */
static int
finish(char *name, size_t len, char ret[HOST_MAX + 1])
{
	size_t start = 0;

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len < 1 || len > HOST_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] = (char)(name[i] - 'A' + 'a');
	}
	if (is_address(name, len))
		return -EADDRNOTAVAIL;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && name[i] != '.')
			continue;
		if (!is_label(name + start, i - start))
			return -EINVAL;
		start = i + 1;
	}
	memcpy(ret, name, len);
	ret[len] = '\0';
	return 0;
}

static int
finish_unicode(const char *name, char ret[HOST_MAX + 1])
{
	uint8_t *ascii = NULL;
	int r;

	r = idn2_lookup_u8((const uint8_t *)name, &ascii,
		IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (r == IDN2_MALLOC)
		return -ENOMEM;
	if (r != IDN2_OK)
		return -EINVAL;
	r = finish((char *)ascii, strlen((char *)ascii), ret);
	idn2_free(ascii);
	return r;
}

int
host_normalise(const char *name, size_t len, char ret[HOST_MAX + 1])
{
	char copy[INPUT_MAX + 1];
	bool ascii = true;

	if (len < 1 || len > INPUT_MAX || memchr(name, '\0', len) != NULL)
		return -EINVAL;
	if (is_address(name, len))
		return -EADDRNOTAVAIL;
	for (size_t i = 0; i < len; i++)
		ascii &= (unsigned char)name[i] < 0x80;
	memcpy(copy, name, len);
	copy[len] = '\0';
	return ascii ? finish(copy, len, ret) : finish_unicode(copy, ret);
}
