#include "settings_readers.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "array.h"
#include "server_list.h"
#include "settings.h"

/* ---- what the readers take, for JSON Schema ------------------------------ */

const struct schema_shape settings_workers_shape = {
	.one = "\"anyOf\": [{\"const\": \"auto\"}, "
	       "{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 64}]"};
const struct schema_shape settings_servers_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^([0-9.]+(:[1-9][0-9]{0,4})?|[0-9A-Fa-f:.]+|\\\\[[0-9A-Fa-f:."
	       "]+\\\\](:[1-9][0-9]{0,4})?|tls://([0-9A-Fa-f:.]+|\\\\[[0-9A-Fa-"
	       "f:.]+\\\\](:[1-9][0-9]{0,4})?)#[0-9A-Za-z.-]+)$\""};
const struct schema_shape settings_ranges_shape = {.many = SCHEMA_ONE_OR_LIST,
	.one = "\"type\": \"string\", \"pattern\": "
	       "\"^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$\""};
const struct schema_shape settings_path_shape = {
	.one = "\"type\": \"string\", \"pattern\": \"^/\""};
const struct schema_shape settings_mark_shape = {
	.one = "\"type\": \"integer\", \"minimum\": 1, \"maximum\": "
	       "4294967295"};
const struct schema_shape settings_switch_shape = {
	.one = "\"type\": \"boolean\""};

/* ---- the readers --------------------------------------------------------- */

bool
settings_is_address(const char *text)
{
	unsigned char address[16];

	return inet_pton(AF_INET, text, address) == 1 ||
	       inet_pton(AF_INET6, text, address) == 1;
}

/* Decimal, no sign, no leading zero, at most max. */
static bool
is_number(const char *text, unsigned long max)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 5 || text[digits] != '\0')
		return false;
	return (text[0] != '0' || digits == 1) &&
	       strtoul(text, NULL, 10) <= max;
}

bool
settings_is_range(const char *text)
{
	struct addr_range range;

	return addr_parse(text, &range) == 0;
}

bool
settings_is_server(const char *text)
{
	struct name_server_address server;

	return server_list_parse_one(text, &server);
}

void
settings_read_workers(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	if (value->kind == TREE_SCALAR && strcmp(value->text, "auto") == 0)
		*(unsigned *)ret = 0;
	else if (value->kind == TREE_SCALAR && !value->quoted &&
		 is_number(value->text, f->max) &&
		 strcmp(value->text, "0") != 0)
		*(unsigned *)ret = (unsigned)strtoul(value->text, NULL, 10);
	else
		schema_expects(s, f, value, "auto or a number from 1 to 64");
}

/* A list, or one, of texts that pass the test. */
static void
read_checked(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, struct schema_strings *ret)
{
	static const struct check {
		schema_reader *reader;
		bool (*test)(const char *text);
		const char *what;
	} checks[] = {
		{settings_read_servers, settings_is_server,
			"addresses with or without a port, as "
			"\"[2001:db8::53]:53\", or "
			"\"tls://192.0.2.53#dns.example.org\""},
		{settings_read_ranges, settings_is_range,
			"address ranges, as 10.1.0.0/16, with no bits set "
			"behind the prefix"},
	};
	const struct tree_node *e =
		value->kind == TREE_LIST ? value->first : value;
	const struct check *check = checks;
	struct schema_strings texts = {NULL, 0};

	while (check->reader != f->read)
		check++;
	schema_strings(s, f, value, &texts);
	for (size_t i = 0; i < texts.count; i++, e = e->next)
		if (!check->test(texts.items[i])) {
			schema_expects(s, f, e, check->what);
			return;
		}
	*ret = texts;
}

void
settings_read_servers(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	read_checked(s, f, value, ret);
}

void
settings_read_ranges(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	read_checked(s, f, value, ret);
}

void
settings_read_path(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const char *path = NULL;

	schema_string(s, f, value, &path);
	if (path == NULL)
		return;
	if (path[0] == '/')
		*(const char **)ret = path;
	else
		schema_expects(s, f, value, "an absolute path");
}

void
settings_read_mark(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	bool plain = value->kind == TREE_SCALAR && !value->quoted;
	bool hex = plain && strncmp(value->text, "0x", 2) == 0;
	const char *digits = !plain ? "" : hex ? value->text + 2 : value->text;
	size_t len =
		strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	unsigned long n = 0;

	if (len > 0 && len <= 10 && digits[len] == '\0')
		n = strtoul(digits, NULL, hex ? 16 : 10);
	if (n > 0 && n <= UINT32_MAX)
		*(unsigned *)ret = (unsigned)n;
	else
		schema_expects(s, f, value,
			"a number of 32 bits that is not 0, as 0x2");
}

void
settings_read_switch(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	bool on = *(int *)ret == 1;
	size_t before = report_count(s->report);

	schema_bool(s, f, value, &on);
	if (report_count(s->report) == before)
		*(int *)ret = on;
}
