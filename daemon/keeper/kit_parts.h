/*
 * The kits that the policies of a document name, read and said in our words.
 * Reads files.
 */
#ifndef SBX_KIT_PARTS_H
#define SBX_KIT_PARTS_H

#include <stddef.h>

struct report;
struct tree;

struct kit_parts_taker {
	/* A part of a kit (policy/parse.h) as a text to be parsed under that
	 * name, which is the kit's path; takes text, which is malloc'd.  0 or
	 * -errno, which ends the reading. */
	int (*take)(void *arg, const char *name, char *text);
	/* What the kit says that means something else here: lines; borrowed. */
	void (*note)(void *arg, const char *lines);
	void *arg;
};

/*
 * path: of the document, from whose folder a kit is looked for.  Returns 0,
 * -EINVAL with report filled (other kits are still read), or the first error
 * of take(), or -ENOMEM.
 */
int kit_parts_read(const struct tree *tree, const char *path,
	const struct kit_parts_taker *taker, struct report *report);

#endif
