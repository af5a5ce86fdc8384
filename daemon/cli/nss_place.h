/*
 * Where Chromium looks for authorities of the user's: a directory in his home,
 * over which the command's own is mounted (jail_nss.c).  For a mount there has
 * to be a directory; if there is none, it is made for as long as it is needed.
 *
 * What is done in a home is done with the rights of its owner.
 */
#ifndef SBX_NSS_PLACE_H
#define SBX_NSS_PLACE_H

#include <stdbool.h>

struct jail_user;

/* The program that makes such a database; nothing is done where it is not. */
#define NSS_PROGRAM "/usr/bin/certutil"

/*
 * Makes the directory below home (absolute) if need be.  A descriptor that says
 * that it is in use, for nss_place_leave(); or -1: there is none, and the
 * command goes without.
 */
int nss_place_enter(const char *home, const struct jail_user *user);

/* Closes fd, and removes what was made unless somebody else uses it.  -1 is
 * accepted. */
void nss_place_leave(int fd, const char *home, const struct jail_user *user);

/* The directory itself, opened to mount over; -1 if it is not the user's. */
int nss_place_open(const char *home, const struct jail_user *user);

#endif
