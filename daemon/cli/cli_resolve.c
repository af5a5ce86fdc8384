#include "cli_resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ssl.h>

#include "context.h"
#include "resolver.h"

struct wait {
	struct cli_resolved *ret;
	unsigned open;       /* questions */
	const char *failure; /* of the last that failed; static */
};

static void
on_answer(void *arg, const struct resolver_answer *answer)
{
	struct wait *w = arg;
	char *ret = w->ret->addresses, text[INET6_ADDRSTRLEN];

	w->open--;
	if (answer->status < 0 && answer->status != -ENODATA)
		w->failure = answer->text;
	for (size_t i = 0; i < answer->count; i++) {
		size_t len = strlen(ret), size = sizeof(w->ret->addresses);

		inet_ntop(answer->family, answer->addresses[i], text,
			sizeof(text));
		if (len + strlen(text) + 2 <= size)
			snprintf(ret + len, size - len, "%s%s",
				len > 0 ? "," : "", text);
	}
}

int
cli_resolve(const char *const *servers, size_t count, struct span roots,
	const char *host, struct cli_resolved *ret)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct wait w = {.ret = ret, .open = 2};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct resolver *resolver = NULL;
	SSL_CTX *tls = NULL;
	int r = -ENOMEM;

	snprintf(ret->error, sizeof(ret->error), "%s", strerror(ENOMEM));
	ret->addresses[0] = '\0';
	if (loop != NULL)
		r = resolver_new(loop, servers, count, &resolver, ret->error,
			sizeof(ret->error));
	if (r == 0)
		r = context_connect(
			roots, &tls, ret->error, sizeof(ret->error));
	if (r == 0)
		resolver_set_tls(resolver, tls);
	for (size_t i = 0; r == 0 && i < 2; i++)
		(void)resolver_ask(resolver, host, families[i], on_answer, &w);
	/* Each server has its time and tries: this ends. */
	while (r == 0 && w.open > 0)
		ev_run(loop, EVRUN_ONCE);
	if (r == 0 && ret->addresses[0] == '\0' && w.failure != NULL) {
		snprintf(ret->error, sizeof(ret->error), "%s", w.failure);
		r = -EHOSTUNREACH;
	}
	resolver_free(resolver);
	SSL_CTX_free(tls);
	if (loop != NULL)
		ev_loop_destroy(loop);
	return r;
}
