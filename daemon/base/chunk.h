/*
 * Memory of the few sizes that buffers have, kept for the next one who asks.
 *
 * A busy connection takes and gives back the same few kilobytes at each
 * request; an idle one shall hold none.  Both come for free when what was
 * given back last, still warm, is what is handed out next.  Bounded, for one
 * thread, and out of the way in builds with sanitizers, which want to see each
 * block freed.
 */
#ifndef SBX_CHUNK_H
#define SBX_CHUNK_H

#include <stddef.h>

/* size bytes, not cleared.  NULL: out of memory. */
void *chunk_alloc(size_t size);

/* size: as it was allocated.  Accepts NULL. */
void chunk_free(void *chunk, size_t size);

#endif
