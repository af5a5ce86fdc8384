#include "log_replay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "host.h"
#include "judgement.h"
#include "synthetic.h"

struct log_replay {
	struct log_replay_totals totals;
	struct log_replay_change changes[LOG_REPLAY_MAX];
	size_t count;
	void *tree; /* tsearch(3) of them */
};

struct log_replay *
log_replay_new(void)
{
	return calloc(1, sizeof(struct log_replay));
}

/* The texts of a change, in the order in which changes are told apart. */
enum { TEXTS = 10 };

static void
texts_of(struct log_replay_change *c, char **ret[TEXTS])
{
	char **const texts[TEXTS] = {&c->sandbox, &c->host, &c->method,
		&c->path, &c->old_reason, &c->old_rule, &c->old_source,
		&c->new_reason, &c->new_rule, &c->new_source};

	memcpy(ret, texts, sizeof(texts));
}

static void
keep(void *change)
{
	(void)change; /* the array's */
}

static void
change_done(struct log_replay_change *c)
{
	char **texts[TEXTS];

	texts_of(c, texts);
	for (size_t i = 0; i < TEXTS; i++)
		free(*texts[i]);
}

void
log_replay_free(struct log_replay *r)
{
	if (r == NULL)
		return;
	tdestroy(r->tree, keep);
	for (size_t i = 0; i < r->count; i++)
		change_done(&r->changes[i]);
	free(r);
}

void
log_replay_keep(struct log_replay *r, uint64_t count)
{
	r->totals.decisions += count;
	r->totals.same += count;
}

/* ---- judging ------------------------------------------------------------ */

/* Where it was dialled; false: that is not on record. */
static bool
read_address(const struct log_replay_decision *d, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){.ss_family = AF_INET};
	if (inet_pton(AF_INET, d->dst, &in->sin_addr) == 1) {
		in->sin_port = htons((uint16_t)d->port);
		return true;
	}
	ret->ss_family = AF_INET6;
	if (inet_pton(AF_INET6, d->dst, &in6->sin6_addr) != 1)
		return false;
	in6->sin6_port = htons((uint16_t)d->port);
	return true;
}

/* The same: a flow of packets, as the gate has recorded it. */
static bool
judge_packets(struct judgement_question *q, const struct log_replay_decision *d,
	struct judgement *ret)
{
	static const struct {
		const char *proto;
		enum policy_protocol protocol;
	} protocols[] = {
		{"udp", POLICY_UDP},
		{"quic", POLICY_UDP},
		{"icmp", POLICY_ICMP},
		{"icmpv6", POLICY_ICMP},
	};
	struct sockaddr_storage dst;

	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (strcmp(d->proto, protocols[i].proto) == 0)
			q->protocol = protocols[i].protocol;
	if (q->protocol == POLICY_TCP || !read_address(d, &dst))
		return false;
	q->quic = strcmp(d->proto, "quic") == 0;
	q->dst = (const struct sockaddr *)&dst;
	*ret = judge_packet(q);
	return true;
}

/* False: what is on record is not enough. */
static bool
judge(const struct policy_set *set, const struct log_replay_decision *d,
	struct judgement *ret)
{
	struct judgement_question q = {
		.set = set,
		.tls = strcmp(d->proto, "tls") == 0,
		.raw = strcmp(d->proto, "tcp") == 0,
		.port = (uint16_t)d->port,
		.method = d->method,
		.path = d->path,
	};
	struct sockaddr_storage dst;
	char host[HOST_MAX + 1] = "";
	uint32_t number;

	if (d->kind == LOG_REPLAY_PACKET)
		return judge_packets(&q, d, ret);
	if (d->host[0] != '\0' &&
		host_normalise(d->host, strlen(d->host), host) < 0)
		return false;
	q.host = host;
	if (d->kind == LOG_REPLAY_NAME) {
		if (host[0] != '\0')
			*ret = judge_name(set, host);
		return host[0] != '\0';
	}
	if (d->port == 0 || d->port > UINT16_MAX)
		return false;
	/* What was told for a name was never dialled as it is. */
	if (read_address(d, &dst) &&
		synthetic_number((const struct sockaddr *)&dst, &number) ==
			-EADDRNOTAVAIL)
		q.dst = (const struct sockaddr *)&dst;
	if (host[0] == '\0' && q.dst == NULL)
		return false;
	/* Queries and fields are never on record. */
	if (d->kind == LOG_REPLAY_REQUEST)
		return judge_bare_request(&q, ret);
	*ret = judge_connection(&q);
	return true;
}

/* ---- keeping ------------------------------------------------------------ */

static int
by_key(const void *a, const void *b)
{
	struct log_replay_change ca = *(const struct log_replay_change *)a;
	struct log_replay_change cb = *(const struct log_replay_change *)b;
	char **ta[TEXTS], **tb[TEXTS];
	int order = (int)ca.allowed - (int)cb.allowed;

	if (order == 0)
		order = (int)ca.kind - (int)cb.kind;
	if (order == 0)
		order = (ca.port > cb.port) - (ca.port < cb.port);
	texts_of(&ca, ta);
	texts_of(&cb, tb);
	for (size_t i = 0; i < TEXTS && order == 0; i++)
		order = strcmp(*ta[i], *tb[i]);
	return order;
}

static int
change_init(struct log_replay_change *c, const struct log_replay_decision *d,
	const struct judgement *j)
{
	const char *const from[TEXTS] = {d->sandbox,
		d->host[0] != '\0' ? d->host : d->dst, d->method, d->path,
		d->reason, d->rule, d->source, record_reason_name(j->reason),
		j->rule, j->source};
	char **texts[TEXTS];
	int r = 0;

	*c = (struct log_replay_change){
		.kind = d->kind, .port = d->port, .allowed = j->allowed};
	texts_of(c, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		*texts[i] = strdup(from[i]);
		if (*texts[i] == NULL)
			r = -ENOMEM;
	}
	return r;
}

static int
note(struct log_replay *r, const struct log_replay_decision *d,
	const struct judgement *j)
{
	struct log_replay_change key, *change = &r->changes[r->count], **found;
	int e = change_init(&key, d, j);

	if (e < 0)
		goto out;
	found = tfind(&key, &r->tree, by_key);
	if (found != NULL) {
		change = *found;
	} else if (r->count == LOG_REPLAY_MAX) {
		r->totals.unlisted += d->count;
		goto out;
	} else {
		*change = key;
		e = -ENOMEM;
		if (tsearch(change, &r->tree, by_key) == NULL)
			goto out;
		key = (struct log_replay_change){.count = 0};
		r->count++;
		e = 0;
	}
	change->count += d->count;
out:
	change_done(&key);
	return e;
}

static bool
is(const struct log_replay_decision *d, enum record_reason reason)
{
	return strcmp(d->reason, record_reason_name(reason)) == 0;
}

/*
 * The overlay's rules stand before those of the policy, whose deny rules alone
 * come before what the overlay allows.  Where it only allowed something near,
 * the policy decided.
 */
static bool
overlay_decides(const struct log_replay_decision *d, const struct judgement *j)
{
	if (!d->overlay)
		return false;
	if (d->allowed)
		return strstr(j->rule, ".deny[") == NULL;
	return is(d, RECORD_RULE_DENY) || is(d, RECORD_NOT_RAW) ||
	       is(d, RECORD_PATH_AMBIGUOUS) || is(d, RECORD_QUERY_AMBIGUOUS);
}

int
log_replay_judge(struct log_replay *r, const struct policy_set *set,
	const struct log_replay_decision *d)
{
	struct judgement j;

	r->totals.decisions += d->count;
	if (set == NULL || d->cut || !judge(set, d, &j)) {
		r->totals.unclear += d->count;
		return 0;
	}
	if (j.allowed == d->allowed || overlay_decides(d, &j)) {
		r->totals.same += d->count;
		return 0;
	}
	if (j.allowed)
		r->totals.allowed += d->count;
	else
		r->totals.denied += d->count;
	return note(r, d, &j);
}

/* ---- telling ------------------------------------------------------------ */

struct log_replay_totals
log_replay_totals(const struct log_replay *r)
{
	return r->totals;
}

static int
by_weight(const void *a, const void *b)
{
	const struct log_replay_change *ca = a, *cb = b;

	if (ca->allowed != cb->allowed)
		return (int)ca->allowed - (int)cb->allowed;
	if (ca->count != cb->count)
		return ca->count < cb->count ? 1 : -1;
	return by_key(a, b);
}

const struct log_replay_change *
log_replay_changes(struct log_replay *r, size_t *ret)
{
	/* The tree points into what is sorted now; nobody looks there again
	 * for what came before. */
	tdestroy(r->tree, keep);
	r->tree = NULL;
	qsort(r->changes, r->count, sizeof(r->changes[0]), by_weight);
	for (size_t i = 0; i < r->count; i++)
		(void)tsearch(&r->changes[i], &r->tree, by_key);
	*ret = r->count;
	return r->changes;
}
