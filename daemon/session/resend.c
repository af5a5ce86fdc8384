#include "resend.h"

enum {
	RESEND_MAX = 16 * 1024,
};

void
resend_init(struct resend *r)
{
	*r = (struct resend){0};
	buf_init(&r->sent, RESEND_MAX);
}

void
resend_done(struct resend *r)
{
	buf_done(&r->sent);
	r->again = 0;
}

void
resend_hide(struct resend *r)
{
	r->sent.secret = true;
}

void
resend_keep(struct resend *r, struct span data)
{
	if (!r->too_long && buf_add(&r->sent, data.ptr, data.len) == 0) {
		r->again += data.len;
		return;
	}
	r->too_long = true;
	resend_done(r);
}

bool
resend_is_possible(const struct resend *r)
{
	return !r->too_long;
}

void
resend_begin(struct resend *r)
{
	r->again = 0;
}

struct span
resend_rest(const struct resend *r)
{
	struct span sent = buf_span(&r->sent);

	return (struct span){sent.ptr + r->again, sent.len - r->again};
}

void
resend_advance(struct resend *r, size_t len)
{
	r->again += len;
}
