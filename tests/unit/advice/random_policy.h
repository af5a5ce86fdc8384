/*
 * For tests: policies and questions at random, from a fixed sequence, out of
 * few enough words that rules meet questions.
 */
#ifndef SBX_TEST_RANDOM_POLICY_H
#define SBX_TEST_RANDOM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct policy;

enum { RANDOM_RULES = 10, RANDOM_TEXT = 8192 };

struct random_policy {
	bool default_allow, credentials, audit;
	size_t deny_count; /* the first so many rules */
	char rules[RANDOM_RULES][256];
	bool dropped[RANDOM_RULES];
	const char *extra;  /* at the end of the allow list; or NULL */
	const char *before; /* "p.allow[1]": where extra stands instead */
};

struct random_question {
	bool tls;
	const char *host, *address; /* one of them */
	const char *method, *path;
	uint16_t port;
	const char *query, *field, *value; /* NULL, or by ..._add_values() */
};

unsigned random_below(unsigned below);

void random_policy_make(struct random_policy *p);
struct random_question random_question_make(void);

/* Rules with `query` and `header` as well; questions that have both. */
void random_policy_add_values(struct random_policy *p);
void random_question_add_values(struct random_question *q);

/* As a document with the one policy "p". */
void random_policy_write(const struct random_policy *p, char ret[RANDOM_TEXT]);

/* NULL: it does not compile. */
struct policy *random_policy_compile(const struct random_policy *p);

#endif
