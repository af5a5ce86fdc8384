/* A local user's rights, the size of the pieces, then what the user sends. */
#include <stdint.h>
#include <stdlib.h>

#include "buf.h"
#include "control_session.h"
#include "fake_keeper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
no_wake(void *arg)
{
	(void)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_session *s;
	struct keeper keeper;

	size_t piece, n;

	if (size < 2)
		return 0;
	fake_keeper_init(&keeper);
	keeper.later = (data[0] & 4) != 0;
	s = control_session_new(
		&keeper, (enum control_right)(data[0] % 3), no_wake, NULL);
	piece = data[1] + 1u;
	for (size_t at = 2; at < size; at += n) {
		n = buf_add_some(control_session_in(s), data + at,
			size - at < piece ? size - at : piece);
		control_session_run(s, at + n == size);
		buf_done(control_session_out(s));
		if (keeper.done != NULL)
			fake_keeper_finish(&keeper);
		if (n == 0)
			break;
	}
	control_session_free(s);
	fake_keeper_done(&keeper);
	return 0;
}
