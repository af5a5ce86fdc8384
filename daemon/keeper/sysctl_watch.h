/*
 * The sysctls that matter to interception.  The kernel tells nobody when one
 * is written: they are read, a handful of kept descriptors at a time.
 */
#ifndef SBX_SYSCTL_WATCH_H
#define SBX_SYSCTL_WATCH_H

struct sysctl_watch;

/* root: "/proc/sys".  Reads all of them once.  NULL: out of memory. */
struct sysctl_watch *sysctl_watch_new(const char *root);
void sysctl_watch_free(struct sysctl_watch *w); /* accepts NULL */

/* -1 as was or now: it is not there. */
typedef void sysctl_changed(void *arg, const char *name, long was, long now);

/* Reads all of them again and tells which are others. */
void sysctl_watch_look(
	struct sysctl_watch *w, sysctl_changed *changed, void *arg);

#endif
