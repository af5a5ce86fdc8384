/*
 * Where OpenSSL's record buffers come from.
 *
 * With SSL_MODE_RELEASE_BUFFERS each record is read into and written from 16
 * KiB that are allocated for it and freed behind it, so that an idle connection
 * holds none.  Keeping the few that were freed last makes that cheap.
 */
#ifndef SBX_RECORD_MEMORY_H
#define SBX_RECORD_MEMORY_H

/*
 * Before OpenSSL is used for anything in this process: without effect
 * afterwards, and in builds with sanitizers.
 */
void record_memory_keep(void);

#endif
