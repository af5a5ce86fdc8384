/*
 * conduit.c - bytes from one stream to another
 *
 * Theory of operation
 *
 * The first CONDUIT_COPIES bytes go from `in` to `out`, as most connections are
 * shorter than what a pipe costs.  Then what is queued is let go, and from
 * there on bytes are moved by the kernel, through a pipe that is borrowed for
 * as long as it holds some.  At any time bytes are either in the buffers or in
 * the pipe, never in both, for they must not overtake each other:
 *
 *	copying   `in` and `out` hold some    read while `in` has room
 *	emptying  the same, splicing is due   read nothing
 *	splicing  the pipe holds some         read nothing
 *	empty     nothing is held             read: splice, else copy
 *
 * Where no pipe can be had, as many bytes as at the beginning are copied before
 * one is asked for again.  Where the kernel has none to move, `recv` has the
 * last word: urgent data, which it steps over, splice(2) never gets past.
 */
#include "conduit.h"

#include <errno.h>

#include "splice_pipe.h"
#include "stream.h"

void
conduit_init(struct conduit *c, struct stream *from, struct stream *to,
	struct splice_pipes *pipes)
{
	*c = (struct conduit){
		.from = from,
		.to = to,
		.pipes = pipes,
		.splice_at = CONDUIT_COPIES,
	};
}

static bool
is_splicing_due(const struct conduit *c)
{
	return c->from->bytes_in >= c->splice_at;
}

static bool
holds_spliced(const struct conduit *c)
{
	return c->pipe != NULL && c->pipe->held > 0;
}

static bool
is_empty(const struct conduit *c)
{
	return c->from->in.len == 0 && c->to->out.len == 0 && !holds_spliced(c);
}

/* Whether more may be read, one way or the other. */
static bool
may_read(const struct conduit *c)
{
	if (is_splicing_due(c))
		return is_empty(c);
	return buf_room(&c->from->in) > 0;
}

/* How much went into the pipe, or out of it if that is more. */
static size_t
move_spliced(struct conduit *c)
{
	size_t in = 0, out = 0;

	if (c->pipe == NULL) {
		if (!is_splicing_due(c) || !is_empty(c) ||
			!stream_has_pending(c->from))
			return 0;
		c->pipe = splice_pipe_take(c->pipes);
		if (c->pipe == NULL) {
			c->splice_at = c->from->bytes_in + CONDUIT_COPIES;
			return 0;
		}
		buf_shrink(&c->from->in);
		buf_shrink(&c->to->out);
	}
	if (is_empty(c))
		in = stream_fill_pipe(c->from, c->pipe);
	c->carried += in;
	if (holds_spliced(c))
		out = stream_drain_pipe(c->to, c->pipe);
	return in > out ? in : out;
}

static ssize_t
move_copied(struct conduit *c)
{
	struct stream *from = c->from, *to = c->to;
	struct span data;
	size_t n;

	if (may_read(c))
		stream_fill(from);
	data = buf_span(&from->in);
	n = buf_add_some(&to->out, data.ptr, data.len);
	if (n == 0 && data.len > 0 && buf_room(&to->out) > 0)
		return -ENOMEM;
	buf_consume(&from->in, n);
	c->carried += n;
	if (n > 0)
		stream_flush(to);
	return (ssize_t)n;
}

ssize_t
conduit_move(struct conduit *c)
{
	ssize_t moved = (ssize_t)move_spliced(c);

	if (moved == 0)
		moved = move_copied(c);
	if (c->from->read_done && c->from->in.len == 0 && !holds_spliced(c) &&
		!c->to->write_done)
		stream_finish(c->to);
	return moved;
}

bool
conduit_has_more(struct conduit *c)
{
	/* They must not overtake what is in the pipe. */
	if (holds_spliced(c))
		return false;
	if (c->from->in.len == 0)
		stream_fill(c->from);
	return c->from->in.len > 0;
}

static void
give_back(struct conduit *c)
{
	splice_pipe_give(c->pipes, c->pipe);
	c->pipe = NULL;
}

void
conduit_rest(struct conduit *c)
{
	stream_watch(c->from, may_read(c));
	if (!holds_spliced(c))
		give_back(c);
}

void
conduit_done(struct conduit *c)
{
	give_back(c);
}
