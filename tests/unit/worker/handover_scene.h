/*
 * For tests of what the keeper hands over: real services with the sandbox
 * "box", and a batch to fill.
 */
#ifndef SBX_TEST_HANDOVER_SCENE_H
#define SBX_TEST_HANDOVER_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handover.h"
#include "session_lab.h"
#include "span.h"

struct scene {
	struct session_lab lab;
	struct handover *batch;
	uint8_t *authority;
	size_t authority_len;
	const char *overlay;      /* of sandboxes that come; NULL: none */
	const char *limit_source; /* of their limit; NULL: none */
	char why[1024];
};

struct place {
	const char *name, *policy, *address;
	uint32_t ifindex;
	bool served;
	struct span authority; /* none: the lab's */
};

/* "box" itself. */
extern const struct place box;

/* Under a policy document. */
void scene_open(struct scene *s, const char *text);
void scene_close(struct scene *s);

/* To the batch, which scene_commit() applies; it begins the next one. */
void scene_add_document(struct scene *s, const char *text);
void scene_add_sandbox(struct scene *s, const struct place *p);
void scene_add_secret(struct scene *s, const char *name, const char *value);
int scene_commit(struct scene *s);

struct sandbox *scene_find(struct scene *s, const char *name);
const char *scene_who(struct scene *s, uint32_t ifindex, const char *address);
bool scene_is_self(struct scene *s, const char *address);

/* By TLS on 443. */
bool scene_may_reach(struct scene *s, const char *name, const char *host);

/* NULL: there is none. */
void scene_assert_value(struct scene *s, const char *name, const char *want);

/* Whether the session at the other end of that socket still lives. */
bool is_open(int client);

#endif
