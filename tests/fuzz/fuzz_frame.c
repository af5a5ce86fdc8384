/* Frames as a hostile peer of the link may send them. */
#include <assert.h>
#include <stdint.h>

#include "buf.h"
#include "frame.h"
#include "link_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int fds[LINK_FDS] = {10, 11, 12, 13, 14};
	struct span frame = {(const char *)data, size};
	int fds_again[LINK_FDS], r;
	struct frame_head head;
	struct link_message m;
	struct buf again;

	if (frame_read_head(frame, &head) != 1 || head.length > size)
		return 0;
	frame.len = head.length;
	if (link_message_decode(frame, fds, &m) < 0)
		return 0;
	/* There is one spelling of each message: what was accepted is it. */
	buf_init(&again, FRAME_MAX);
	r = link_message_encode(&m, &again, fds_again);
	assert(r == head.fds);
	assert(span_equals(buf_span(&again), frame));
	buf_done(&again);
	return 0;
}
