/*
 * For tests: random policies, written as YAML and kept as the strings that they
 * were made of, and random questions about them.  A fixed sequence: a failure
 * today is a failure tomorrow.
 */
#ifndef SBX_TEST_RANDOM_DOCUMENT_H
#define SBX_TEST_RANDOM_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

enum { RULES = 12, PIECES = 4, TEXT = 16384 };

struct pair { /* of a query: raw, and what it says to whoever reads it right */
	const char *raw, *name, *value;
	const char *like; /* the name that some take it for */
	bool odd;         /* nobody knows */
};

struct field {
	const char *name, *value;
	const char *is; /* the name in small letters, with "-" */
	bool alike;
};

struct question {
	const char *host, *method, *path;
	uint16_t port;
	const struct pair *pairs[PIECES];
	const struct field *fields[PIECES];
	int pair_count, field_count;
	char query[256]; /* the pairs */
};

struct match { /* of one name; NULL: not asked */
	const char *name, *pattern, *pattern2;
};

struct rule {
	bool deny, passthrough, audit;
	bool raw;     /* protocol: tcp */
	bool limited; /* so many requests a day */
	struct match query, query2, header;
	const char *pattern, *pattern2; /* pattern2 may be NULL */
	const char *method, *path;      /* NULL: any */
	int port;                       /* 0: not given */
	char name[32];
};

struct document {
	bool allow, audit;
	struct rule rules[RULES]; /* in order of evaluation */
	char text[TEXT];
};

/* The next policy, "p" in its text. */
void random_document(struct document *d);

/* The next question. */
void random_question(struct question *q);

bool random_rule_is_flat(const struct rule *r);

#endif
