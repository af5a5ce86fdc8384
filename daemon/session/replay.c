#include "replay.h"

enum {
	REPLAY_MAX = 16 * 1024,
};

void
replay_init(struct replay *r)
{
	*r = (struct replay){0};
	buf_init(&r->sent, REPLAY_MAX);
}

void
replay_done(struct replay *r)
{
	buf_done(&r->sent);
	r->again = 0;
}

void
replay_keep(struct replay *r, struct span data)
{
	if (!r->too_long && buf_add(&r->sent, data.ptr, data.len) == 0) {
		r->again += data.len;
		return;
	}
	r->too_long = true;
	replay_done(r);
}

bool
replay_is_possible(const struct replay *r)
{
	return !r->too_long;
}

void
replay_begin(struct replay *r)
{
	r->again = 0;
}

struct span
replay_rest(const struct replay *r)
{
	struct span sent = buf_span(&r->sent);

	return (struct span){sent.ptr + r->again, sent.len - r->again};
}

void
replay_advance(struct replay *r, size_t len)
{
	r->again += len;
}
