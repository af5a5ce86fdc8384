/*
 * The memory of the library's session: wiped when it is given back, and where
 * frames are put together also before.  Internal to the codec.
 */
#ifndef SBX_HTTP_H2_MEMORY_H
#define SBX_HTTP_H2_MEMORY_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

struct h2_memory {
	nghttp2_mem hooks; /* for the session, which must end before us */
	void *frames;      /* the library's; NULL: not known */
	bool settled;      /* what comes now is no such buffer */
};

void h2_memory_init(struct h2_memory *m);

/* The session has been made, and with it the buffer that it keeps. */
void h2_memory_settle(struct h2_memory *m);

/* Only while the library has nothing that is still to be written. */
void h2_memory_wipe_frames(struct h2_memory *m);

#endif
