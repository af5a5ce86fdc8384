/*
 * What makes a command trust its sandbox's authority: the files, the
 * environment variables that point at them, and the places of the operating
 * system where tools look that read no variable.
 *
 * One table knows every variable.  Additive ones name the authority alone,
 * replacing ones a bundle of the host's roots and the authority.
 */
#ifndef SBX_TRUST_H
#define SBX_TRUST_H

#include <stddef.h>

struct trust { /* PEM texts, borrowed */
	const char *authority;
	const char *roots; /* of the host */
};

/*
 * Writes all files into the empty directory dir (absolute), readable by
 * everybody.  0, or -errno with a line in reterr.
 */
int trust_write(
	const struct trust *trust, const char *dir, char *reterr, size_t size);

/* The bundle as text, malloc'd: the caller frees it.  NULL: out of memory. */
char *trust_bundle(const struct trust *trust);

/* One row: a variable and its value for files in dir.  The value holds until
 * the next call. */
struct trust_variable {
	const char *name;
	const char *value;
};

/* How many there are, and the nth. */
size_t trust_variable_count(void);
struct trust_variable trust_variable_get(size_t n, const char *dir);

/* NULL-terminated paths where operating systems keep such a file: bundles of
 * PEM text, and Java's key store. */
const char *const *trust_bundle_places(void);
const char *const *trust_java_places(void);

/* The files in dir that go there, and the authority alone. */
#define TRUST_BUNDLE_FILE "bundle.pem"
#define TRUST_JAVA_FILE "truststore.jks"
#define TRUST_CA_FILE "ca.pem"

#endif
