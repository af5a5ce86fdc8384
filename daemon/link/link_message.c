#include "link_message.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "array.h"
#include "buf.h"
#include "frame.h"

static_assert((int)LINK_FDS == (int)FRAME_FDS, "a frame carries them all");

/* ---- fields of several messages --------------------------------------- */

static size_t
address_size(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

static void
put_address(struct frame_writer *w, int family, const uint8_t *bytes)
{
	frame_put_span(
		w, (struct span){(const char *)bytes, address_size(family)});
}

static void
take_address(struct frame_reader *r, int *family, uint8_t *bytes)
{
	struct span field = frame_take_span(r);

	if (field.len != 4 && field.len != 16) {
		r->bad = true;
		return;
	}
	*family = field.len == 16 ? AF_INET6 : AF_INET;
	memcpy(bytes, field.ptr, field.len);
}

static void
put_texts(struct frame_writer *w, const char *const *texts, size_t count)
{
	frame_put_u32(w, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		frame_put_text(w, texts[i]);
}

static size_t
take_texts(struct frame_reader *r, const char **texts, size_t max)
{
	size_t count = frame_take_count(r, max);

	for (size_t i = 0; i < count; i++)
		texts[i] = frame_take_text(r);
	return count;
}

/* ---- SETUP ------------------------------------------------------------ */

/* The numbers of a setup, in the order in which they travel. */
#define SETUP_U32(member) offsetof(struct link_setup, member)
static const size_t setup_numbers[] = {
	SETUP_U32(index),
	SETUP_U32(workers),
	SETUP_U32(mark),
	SETUP_U32(gate_mark),
	SETUP_U32(queue),
	SETUP_U32(limits.hello_seconds),
	SETUP_U32(limits.head_seconds),
	SETUP_U32(limits.idle_seconds),
	SETUP_U32(limits.connect_seconds),
	SETUP_U32(limits.connections),
	SETUP_U32(limits.connections_per_second),
	SETUP_U32(limits.mints_per_second),
	SETUP_U32(limits.dns_per_second),
	SETUP_U32(limits.dns_names_per_minute),
	SETUP_U32(limits.dns_label_bytes),
	SETUP_U32(limits.dns_name_bits),
};

/* Its descriptors; a bit for each says whether it is there. */
static const size_t setup_fds[] = {
	offsetof(struct link_setup, tcp4),
	offsetof(struct link_setup, tcp6),
	offsetof(struct link_setup, udp4),
	offsetof(struct link_setup, udp6),
	offsetof(struct link_setup, log),
};
static_assert(ARRAY_LEN(setup_fds) == LINK_FDS, "as many as a frame carries");

static int
setup_fd(const struct link_setup *s, size_t i)
{
	return *(const int *)(const void *)((const char *)s + setup_fds[i]);
}

static void
put_setup(struct frame_writer *w, const struct link_message *m)
{
	const struct link_setup *s = &m->setup;
	const char *base = (const char *)s;
	uint32_t mask = 0;

	for (size_t i = 0; i < ARRAY_LEN(setup_numbers); i++)
		frame_put_u32(
			w, *(const uint32_t *)(const void *)(base +
							     setup_numbers[i]));
	put_texts(w, s->servers, s->server_count);
	put_texts(w, s->ranges, s->range_count);
	frame_put_span(w, s->trust);
	for (size_t i = 0; i < LINK_FDS; i++)
		if (setup_fd(s, i) >= 0)
			mask |= 1U << i;
	frame_put_u32(w, mask);
}

static int
take_setup(struct frame_reader *r, const int *fds, struct link_message *m)
{
	struct link_setup *s = &m->setup;
	char *base = (char *)s;
	size_t mask;
	int used = 0;

	for (size_t i = 0; i < ARRAY_LEN(setup_numbers); i++)
		*(uint32_t *)(void *)(base + setup_numbers[i]) =
			frame_take_u32(r);
	s->server_count = take_texts(r, s->servers, LINK_SERVERS);
	s->range_count = take_texts(r, s->ranges, LINK_RANGES);
	s->trust = frame_take_span(r);
	mask = frame_take_count(r, (1U << LINK_FDS) - 1);
	if (s->index >= s->workers)
		r->bad = true;
	for (size_t i = 0; i < LINK_FDS; i++) {
		bool there = (mask & (1U << i)) != 0;

		*(int *)(void *)(base + setup_fds[i]) = there ? fds[used] : -1;
		used += there;
	}
	return used;
}

/* ---- the other messages ----------------------------------------------- */

static void
put_document(struct frame_writer *w, const struct link_message *m)
{
	frame_put_text(w, m->document.name);
	frame_put_span(w, m->document.text);
}

static int
take_document(struct frame_reader *r, const int *fds, struct link_message *m)
{
	(void)fds;
	m->document.name = frame_take_text(r);
	m->document.text = frame_take_span(r);
	return 0;
}

static void
put_limit(struct frame_writer *w, const struct link_sandbox *s)
{
	frame_put_text(w, s->limit_source);
	for (size_t i = 0; i < LINK_BUDGETS; i++) {
		frame_put_u32(w, (uint32_t)(s->limit[i].amount >> 32));
		frame_put_u32(w, (uint32_t)s->limit[i].amount);
		frame_put_u32(w, s->limit[i].seconds);
	}
}

static void
take_limit(struct frame_reader *r, struct link_sandbox *s)
{
	s->limit_source = frame_take_text(r);
	for (size_t i = 0; i < LINK_BUDGETS; i++) {
		struct link_amount *a = &s->limit[i];

		a->amount = (uint64_t)frame_take_u32(r) << 32;
		a->amount |= frame_take_u32(r);
		a->seconds = frame_take_u32(r);
		/* What is left is counted in a double, by the second. */
		if (a->amount > (uint64_t)1 << 53 ||
			(a->amount > 0 && a->seconds == 0))
			r->bad = true;
	}
}

static void
put_sandbox(struct frame_writer *w, const struct link_message *m)
{
	const struct link_sandbox *s = &m->sandbox;

	frame_put_text(w, s->name);
	frame_put_text(w, s->interface);
	frame_put_text(w, s->policy);
	frame_put_text(w, s->labels);
	frame_put_text(w, s->source);
	frame_put_text(w, s->overlay);
	put_limit(w, s);
	frame_put_u32(w, s->ifindex);
	frame_put_u32(w, (uint32_t)s->address_count);
	for (size_t i = 0; i < s->address_count; i++)
		put_address(w, s->addresses[i].family, s->addresses[i].bytes);
	frame_put_u32(w, s->served);
	frame_put_span(w, s->authority);
	frame_put_text(w, s->stand_ins);
}

static int
take_sandbox(struct frame_reader *r, const int *fds, struct link_message *m)
{
	struct link_sandbox *s = &m->sandbox;

	(void)fds;
	s->name = frame_take_text(r);
	s->interface = frame_take_text(r);
	s->policy = frame_take_text(r);
	s->labels = frame_take_text(r);
	s->source = frame_take_text(r);
	s->overlay = frame_take_text(r);
	take_limit(r, s);
	s->ifindex = frame_take_u32(r);
	s->address_count = frame_take_count(r, LINK_ADDRESSES);
	for (size_t i = 0; i < s->address_count; i++)
		take_address(r, &s->addresses[i].family, s->addresses[i].bytes);
	s->served = frame_take_bool(r);
	s->authority = frame_take_span(r);
	s->stand_ins = frame_take_text(r);
	return 0;
}

static void
put_sandbox_gone(struct frame_writer *w, const struct link_message *m)
{
	frame_put_text(w, m->sandbox_gone);
}

static int
take_sandbox_gone(
	struct frame_reader *r, const int *fds, struct link_message *m)
{
	(void)fds;
	m->sandbox_gone = frame_take_text(r);
	return 0;
}

static void
put_secret(struct frame_writer *w, const struct link_message *m)
{
	frame_put_text(w, m->secret.name);
	frame_put_u32(w, m->secret.present);
	frame_put_span(w, m->secret.value);
	frame_put_text(w, m->secret.why);
}

static int
take_secret(struct frame_reader *r, const int *fds, struct link_message *m)
{
	(void)fds;
	m->secret.name = frame_take_text(r);
	m->secret.present = frame_take_bool(r);
	m->secret.value = frame_take_span(r);
	m->secret.why = frame_take_text(r);
	return 0;
}

static void
put_self(struct frame_writer *w, const struct link_message *m)
{
	frame_put_u32(w, m->self.added);
	put_address(w, m->self.family, m->self.address);
}

static int
take_self(struct frame_reader *r, const int *fds, struct link_message *m)
{
	(void)fds;
	m->self.added = frame_take_bool(r);
	take_address(r, &m->self.family, m->self.address);
	return 0;
}

static void
put_rsa_key(struct frame_writer *w, const struct link_message *m)
{
	frame_put_span(w, m->rsa_key);
}

static int
take_rsa_key(struct frame_reader *r, const int *fds, struct link_message *m)
{
	(void)fds;
	m->rsa_key = frame_take_span(r);
	return 0;
}

static int
take_log(struct frame_reader *r, const int *fds, struct link_message *m)
{
	(void)r;
	m->log_fd = fds[0];
	return 1;
}

static void
put_name(struct frame_writer *w, const struct link_message *m)
{
	frame_put_text(w, m->name.sandbox);
	frame_put_text(w, m->name.host);
	frame_put_u32(w, m->name.number);
}

static int
take_name(struct frame_reader *r, const int *fds, struct link_message *m)
{
	(void)fds;
	m->name.sandbox = frame_take_text(r);
	m->name.host = frame_take_text(r);
	m->name.number = frame_take_u32(r);
	return 0;
}

static void
put_text(struct frame_writer *w, const struct link_message *m)
{
	frame_put_text(w, m->text.text);
}

static int
take_text(struct frame_reader *r, const int *fds, struct link_message *m)
{
	(void)fds;
	m->text.text = frame_take_text(r);
	return 0;
}

/* ---- the table -------------------------------------------------------- */

/* put writes the fields; take reads them and returns how many of fds it used.
 * NULL: there are none. */
static const struct message_type {
	const char *name;
	void (*put)(struct frame_writer *w, const struct link_message *m);
	int (*take)(
		struct frame_reader *r, const int *fds, struct link_message *m);
	bool generation, secret;
} types[] = {
	[LINK_SETUP] = {"setup", put_setup, take_setup, false, false},
	[LINK_BEGIN] = {"begin", NULL, NULL, true, false},
	[LINK_DOCUMENT] = {"document", put_document, take_document, false,
		false},
	[LINK_SANDBOX] = {"sandbox", put_sandbox, take_sandbox, false, true},
	[LINK_SANDBOX_GONE] = {"sandbox_gone", put_sandbox_gone,
		take_sandbox_gone, false, false},
	[LINK_SECRET] = {"secret", put_secret, take_secret, false, true},
	[LINK_COMMIT] = {"commit", NULL, NULL, true, false},
	[LINK_SELF] = {"self", put_self, take_self, false, false},
	[LINK_RSA_KEY] = {"rsa_key", put_rsa_key, take_rsa_key, false, true},
	[LINK_LOG] = {"log", NULL, take_log, false, false},
	[LINK_STATUS_ASK] = {"status_ask", NULL, NULL, false, false},
	[LINK_NAME] = {"name", put_name, take_name, false, false},
	[LINK_STOP] = {"stop", NULL, NULL, false, false},
	[LINK_READY] = {"ready", NULL, NULL, false, false},
	[LINK_COMMITTED] = {"committed", put_text, take_text, true, false},
	[LINK_REFUSED] = {"refused", put_text, take_text, true, false},
	[LINK_STATUS] = {"status", put_text, take_text, false, false},
	[LINK_NAME_ASK] = {"name_ask", put_name, take_name, false, false},
};
static_assert(ARRAY_LEN(types) == LINK_TYPE_COUNT, "a row for each type");

const char *
link_type_name(enum link_type type)
{
	return types[type].name;
}

bool
link_type_is_secret(enum link_type type)
{
	return types[type].secret;
}

static int
collect_fds(const struct link_message *m, int ret[LINK_FDS])
{
	int count = 0;

	if (m->type == LINK_LOG)
		ret[count++] = m->log_fd;
	for (size_t i = 0; m->type == LINK_SETUP && i < LINK_FDS; i++)
		if (setup_fd(&m->setup, i) >= 0)
			ret[count++] = setup_fd(&m->setup, i);
	return count;
}

static void
write_frame(struct frame_writer *w, const struct link_message *m,
	const struct frame_head *head)
{
	frame_put_head(w, head);
	if (types[m->type].put != NULL)
		types[m->type].put(w, m);
}

int
link_message_encode(
	const struct link_message *m, struct buf *ret, int ret_fds[LINK_FDS])
{
	struct frame_writer measure = {NULL, 0}, w = {NULL, 0};
	int count = collect_fds(m, ret_fds);
	struct frame_head head = {
		.type = (uint16_t)m->type,
		.fds = (uint16_t)count,
		.generation = types[m->type].generation ? m->generation : 0,
	};
	size_t room;

	write_frame(&measure, m, &head);
	if (measure.len > FRAME_MAX)
		return -EMSGSIZE;
	head.length = (uint32_t)measure.len;
	w.at = buf_reserve(ret, measure.len, &room);
	if (w.at == NULL)
		return -ENOMEM;
	write_frame(&w, m, &head);
	buf_commit(ret, w.len);
	return count;
}

int
link_message_decode(struct span frame, const int *fds, struct link_message *ret)
{
	int padded[LINK_FDS] = {-1, -1, -1, -1, -1};
	const struct message_type *type;
	struct frame_reader r;
	struct frame_head head;
	int used = 0;

	if (frame_read_head(frame, &head) != 1 || head.length != frame.len ||
		head.type >= LINK_TYPE_COUNT)
		return -EPROTO;
	type = &types[head.type];
	if (!type->generation && head.generation != 0)
		return -EPROTO;
	if (head.fds > 0)
		memcpy(padded, fds, head.fds * sizeof(*fds));
	memset(ret, 0, sizeof(*ret));
	ret->type = (enum link_type)head.type;
	ret->generation = head.generation;
	frame_reader_init(&r, frame);
	if (type->take != NULL)
		used = type->take(&r, padded, ret);
	return used == head.fds ? frame_end(&r) : -EPROTO;
}
