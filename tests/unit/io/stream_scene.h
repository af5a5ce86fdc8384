/*
 * For tests: one end of a socketpair as a stream, the other one in the test's
 * hand.
 */
#ifndef SBX_TEST_STREAM_SCENE_H
#define SBX_TEST_STREAM_SCENE_H

#include <stdbool.h>
#include <stddef.h>

#include "stream.h"

struct stream_scene {
	struct ev_loop *loop;
	struct turn *turn;
	struct stream stream;
	int peer;
	int readies;
	bool inside;   /* a call of the owner's is running */
	bool reported; /* … and ready() came in it */
	bool echo;     /* ready() fills and drops what came */
	size_t dropped;
};

/* type: SOCK_STREAM; or SOCK_SEQPACKET, which keeps the bounds of messages: one
 * write, one message. */
void stream_scene_open(struct stream_scene *s, int type);

/* … on two ends of the test's own: ours, the peer's. */
void stream_scene_open_on(struct stream_scene *s, int fds[2]);

void stream_scene_close(struct stream_scene *s);

/* The peer sends so many of that letter. */
void stream_scene_receives(struct stream_scene *s, char letter, size_t len);

/* Adds to `out`, no more. */
void stream_scene_adds(struct stream_scene *s, const char *text);

/* What the peer reads in one call; "": the end. */
void stream_scene_peer_gets(struct stream_scene *s, const char *want);
void stream_scene_peer_gets_nothing(struct stream_scene *s);

/* For loop_until(): ready() was called. */
bool stream_scene_was_told(void *scene);

#endif
