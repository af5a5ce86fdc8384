/*
 * The credentials that this process was given, by name.  The values are
 * `struct secret`: locked, wiped, unprintable.
 */
#ifndef SBX_KEYRING_H
#define SBX_KEYRING_H

struct secret;
struct keyring;

struct keyring *keyring_new(void);    /* NULL: out of memory */
void keyring_free(struct keyring *v); /* accepts NULL */

/* From now on keyring_set() of that name cannot fail.  0 or -ENOMEM. */
int keyring_reserve(struct keyring *v, const char *name);

/* A new value, taken over; NULL: there is none now.  0 or -ENOMEM. */
int keyring_set(struct keyring *v, const char *name, struct secret *value);

/* Borrowed until the next keyring_set(); NULL: no value. */
struct secret *keyring_get(const struct keyring *v, const char *name);

/* The value of a credential; sandbox: whose own it is, or NULL. */
struct secret *keyring_value(
	const struct keyring *v, const char *credential, const char *sandbox);

#endif
