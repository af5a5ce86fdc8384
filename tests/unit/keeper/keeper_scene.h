/*
 * What most of the keeper's tests play: two workers, a credential out of a
 * file, two policies, and one sandbox.
 */
#ifndef SBX_KEEPER_SCENE_H
#define SBX_KEEPER_SCENE_H

#include <stdbool.h>
#include <sys/types.h>

struct lab;

/* 10.77.1.2 and 10.77.1.4 go to different ones of the workers: a test says. */
#define SCENE_ONE \
	"sandboxes:\n" \
	"  one: {interface: sbx-t1, address: 10.77.1.2, policy: agent}\n"

/* sbx-netd.yaml, with more documents behind it.  The credential is that of the
 * file "token", which lab_write() writes; or of another source. */
void scene_write(struct lab *l, const char *more);
void scene_write_source(struct lab *l, const char *source, const char *more);

/* All of it, and the keeper is ready. */
void scene_open(struct lab *l, const char *more);

/* Of 10.77.1.x. */
unsigned scene_worker_of(const char *address);
pid_t scene_pid_of(struct lab *l, unsigned worker);

/* "double 1: what"; overwritten by the sixteenth call after it. */
const char *scene_line(unsigned worker, const char *what);

/* Is it in that set of the kernel's; in that of the sources? */
bool scene_set_has(const char *set, const char *element);
bool scene_has(const char *address);

#endif
