/*
 * Which records to look at: words for each of five keys and a time.  Words for
 * the same key are alternatives; keys must all agree; a key without words
 * agrees with everything.
 */
#ifndef SBX_LOGFILTER_H
#define SBX_LOGFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logline;

enum { LOGFILTER_WORDS = 16 };

enum logfilter_key {
	LOGFILTER_SANDBOX, /* globs: build-* */
	LOGFILTER_HOST,    /* globs, in any case of letters: *.example.org */
	LOGFILTER_VERDICT,
	LOGFILTER_KIND,
	LOGFILTER_REASON,
	LOGFILTER_KEY_COUNT
};

struct logfilter {
	struct {
		const char *words[LOGFILTER_WORDS]; /* borrowed */
		size_t count;
	} keys[LOGFILTER_KEY_COUNT];
	uint64_t since_us;
};

/*
 * Adds a word; 0, -E2BIG when there are too many, or -EINVAL when the key is
 * a closed list (verdict, kind, reason) and the word is not in it.
 */
int logfilter_add(
	struct logfilter *f, enum logfilter_key key, const char *word);

/* Sandbox, host, kind and time: who asked for what, as a decision has it. */
bool logfilter_matches_target(
	const struct logfilter *f, const struct logline *decision);

/* Verdict and reason: of the decision, or of its outcome (may be NULL). */
bool logfilter_matches_result(const struct logfilter *f,
	const struct logline *decision, const struct logline *outcome);

/* As in a record: "sandbox". */
const char *logfilter_key_name(enum logfilter_key key);

/* The i-th word of a closed list; NULL behind the last, and for the others. */
const char *logfilter_choice(enum logfilter_key key, int i);

#endif
