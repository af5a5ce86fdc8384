#include "exchange_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loopback.h"

static const struct resolver_row rows[] = {
	{.host = "a.test", AF_INET, {"127.0.0.1"}},
	{.host = "a.test", AF_INET6, {NULL}},
	{.host = "inside.test", AF_INET, {"10.0.0.1"}},
	{.host = "inside.test", AF_INET6, {NULL}},
	{.host = "dead.test", AF_INET, {"127.0.0.9"}},
	{.host = "dead.test", AF_INET6, {NULL}},
	{.host = NULL},
};

static const char policy[] =
	"version: 1\n"
	"credentials:\n"
	"  key: {source: {env: X}, inject: [{host: a.test, port: @,\n"
	"    header: Authorization, format: \"Bearer ${value}\",\n"
	"    plaintext: true}]}\n"
	"policies:\n"
	"  p:\n"
	"    default: deny\n"
	"    allow:\n"
	"      - {host: [a.test, inside.test, dead.test, no.test], port: @,\n"
	"         method: [GET, POST, HEAD, TRACE]}\n"
	"    credentials: [key]\n";

static struct session_lab *watched; /* whose decisions connect() waits for */
int exchange_scene_connects;
static int connects_off_record;

int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	if (watched != NULL) {
		const char *log = session_lab_log(watched);

		exchange_scene_connects++;
		if (strstr(log, "\"event\":\"decision\"") == NULL ||
			strstr(log, "\"verdict\":\"allowed\"") == NULL)
			connects_off_record++;
	}
	return __real_connect(fd, to, len);
}

/* text with the port in place of each '@'. */
static void
with_port(const struct exchange_scene *s, const char *text,
	char ret[EXCHANGE_TEXT])
{
	size_t len = 0;

	for (; *text != '\0'; text++) {
		assert_true(len + 8 < EXCHANGE_TEXT);
		if (*text == '@')
			len += (size_t)snprintf(
				ret + len, EXCHANGE_TEXT - len, "%u", s->port);
		else
			ret[len++] = *text;
	}
	ret[len] = '\0';
}

void
exchange_scene_open(struct exchange_scene *s)
{
	char text[EXCHANGE_TEXT];

	s->listener = loopback_listen("127.0.0.1", 0, 8);
	s->port = loopback_port(s->listener);
	with_port(s, policy, text);
	session_lab_open(&s->lab, rows, text);
	s->client = session_lab_dial(&s->lab, s->port);
	watched = &s->lab;
	exchange_scene_connects = connects_off_record = 0;
}

void
exchange_scene_close(struct exchange_scene *s)
{
	assert_int_equal(connects_off_record, 0);
	watched = NULL;
	close(s->client);
	close(s->listener);
	session_lab_close(&s->lab);
}

/* lines: "GET / HTTP/1.1\r\nHost: a.test:@\r\n\r\n". */
void
exchange_scene_ask(struct exchange_scene *s, const char *lines)
{
	char text[EXCHANGE_TEXT];

	with_port(s, lines, text);
	session_lab_send(s->client, text);
}

/* An origin that has read the request. */
int
exchange_scene_accept(struct exchange_scene *s, char text[EXCHANGE_TEXT])
{
	int origin = session_lab_accept(&s->lab, s->listener);

	session_lab_read(&s->lab, origin, "\r\n\r\n", text, EXCHANGE_TEXT);
	return origin;
}
