/*
 * Where credentials come from: for each an ordered list of sources, of which
 * the first that yields a value wins.  Knows the event loop; knows nothing of
 * policy or of where a value goes.
 *
 *	env	variables of our environment; the first with a usable value
 *	file	a regular file of root's or ours that nobody else may touch, no
 *		symlink at the last step; read again when it changes
 *	command	standard output of a program that root or we own and nobody
 *		else may change: no shell, our user, a small environment, a
 *		process group of its own that is killed whole; asked again when
 *		its value ends, or half a minute after a failure
 *	systemd	a credential of our unit, in $CREDENTIALS_DIRECTORY
 *	vault	a field of a secret in Vault or OpenBao, fetched by this program
 *		in a process of its own (source_vault.h); asked again as a
 *		command is
 *
 * What a file or a command yields is read by its format (secret_format.h); from
 * there on a value is raw, one newline off its end.  An empty one, and one with
 * a NUL or another control character inside, is no value.
 *
 * A command's exit status is taken through a pidfd.  On libev's default loop,
 * which reaps every child on SIGCHLD, it would be gone: set SIGCHLD back to
 * SIG_DFL after ev_default_loop(), or use ev_loop_new().  Whose exit status is
 * gone has failed.
 */
#ifndef SBX_SOURCE_H
#define SBX_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "secret_format.h"

struct ev_loop;
struct secret;
struct secret_source; /* one credential's ordered list of sources */

/* In the order of enum policy_source_kind. */
enum secret_source_kind {
	SECRET_SOURCE_ENV,     /* words: names of variables */
	SECRET_SOURCE_FILE,    /* words[0]: absolute path */
	SECRET_SOURCE_COMMAND, /* words: argv, absolute path first */
	SECRET_SOURCE_SYSTEMD, /* words[0]: name of the credential */
	SECRET_SOURCE_VAULT,   /* words: by enum source_vault_word */
};

struct secret_source_spec {
	int kind; /* enum secret_source_kind */
	const char *const *words;
	size_t word_count;
	struct secret_format format;  /* file, command, systemd */
	const char *input;            /* command; NULL: nothing */
	unsigned ttl_seconds;         /* command, vault; 0: until refreshed */
	unsigned refresh_seconds;     /* command, vault: before that ends */
	unsigned failure_ttl_seconds; /* of the last good value; not env */
	unsigned timeout_seconds;     /* command, vault; 0: ten seconds */
};

struct secret_events { /* must not free the source */
	/*
	 * The credential has a value, another value or none any more.  value is
	 * borrowed, NULL when no source yields one.  why is one line without
	 * any value in it: the source it came from, or what is wrong with each
	 * of them.
	 */
	void (*changed)(void *arg, const char *name, struct secret *value,
		const char *why);
	/* All have answered, if with what is known.  May be NULL. */
	void (*settled)(void *arg);
};

/*
 * Copies all it is given but events and arg.  The first value is reported
 * before the return, unless a command has to be waited for.  Returns 0 and
 * *ret, which the caller frees, or -EINVAL (a spec that makes no sense) or
 * -ENOMEM with a line in reterr.
 */
int secret_source_new(struct ev_loop *loop, const char *name,
	const struct secret_source_spec *specs, size_t count,
	const struct secret_events *events, void *arg,
	struct secret_source **ret, char *reterr, size_t reterr_size);

struct secret_source_state { /* what may be told of a credential */
	bool has_value, is_failing, is_asking;
	const char *kind;  /* "file", …: where the value came from, or "" */
	double age;        /* seconds since it came, or since it is another */
	double left;       /* until it ends; < 0: it has no end */
	const char *error; /* what is wrong with sources, or "".  Borrowed
			      until the loop turns */
};

void secret_source_describe(
	const struct secret_source *s, struct secret_source_state *ret);

/* Whether a command is waited for. */
bool secret_source_is_asking(const struct secret_source *s);

/* Asks all sources anew, cached values too.  The old value holds until then. */
void secret_source_refresh(struct secret_source *s);

/* Kills a command that runs.  Accepts NULL. */
void secret_source_free(struct secret_source *s);

#endif
