/*
 * For tests: somebody who listens to one credential, with a loop and a folder
 * of its own, and a deadline for everything that is waited for.
 */
#ifndef SBX_SOURCE_EAR_H
#define SBX_SOURCE_EAR_H

#include <stdbool.h>

#include <ev.h>

#include "source.h"

struct source_ear {
	struct ev_loop *loop;
	struct secret_source *source;
	char folder[64];
	int reports;     /* how many so far */
	char value[256]; /* of the last one; "" when there was none */
	char why[1024];
};

void source_ear_open(struct source_ear *ear);
void source_ear_close(struct source_ear *ear);

/* Listens to a credential "token" with these sources. */
void source_ear_listen(struct source_ear *ear,
	const struct secret_source_spec *specs, size_t count);

/* Runs the loop until a report brought that value, or fails. */
void source_ear_wait(struct source_ear *ear, const char *value);

/* Writes the file in ear's folder; mode as given.  Returns its path. */
const char *source_ear_write(
	struct source_ear *ear, const char *name, const char *text, int mode);

/* The path of that name in ear's folder, valid until the next call but one. */
const char *source_ear_path(const struct source_ear *ear, const char *name);

#define SOURCE_SPEC(k, ...) \
	{ \
		.kind = (k), .words = (const char *const[]){__VA_ARGS__}, \
		.word_count = sizeof((const char *const[]){__VA_ARGS__}) / \
			      sizeof(const char *), \
		.ttl_seconds = 300, .timeout_seconds = 20 \
	}

#endif
