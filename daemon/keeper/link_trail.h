/*
 * The folders in which something would have to change for a path to lead
 * somewhere else.  Looks at the file system; holds nothing.
 */
#ifndef SBX_LINK_TRAIL_H
#define SBX_LINK_TRAIL_H

typedef void link_trail_visitor(void *arg, const char *folder);

/*
 * Calls visit() for the folder of each symbolic link on the way of path, for
 * that of what it leads to (or where that is missing), and for that itself if
 * it is a folder.  A path that is too long, or has too many links, ends early.
 */
void link_trail_walk(const char *path, link_trail_visitor *visit, void *arg);

#endif
