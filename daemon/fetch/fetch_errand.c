/*
 * fetch_errand.c - log in if need be, read the secret, give the token back
 *
 * Each of the questions gets what is left of the one time for all of them; the
 * last, whose outcome nobody waits for, two seconds at most.  A login's token
 * is given back because a value is asked for again and again, and each time
 * another one would live on in Vault until its own time is up.
 */
#include "fetch_errand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "buf.h"
#include "monotonic.h"
#include "secret.h"
#include "source_file.h"
#include "vault_answer.h"
#include "vault_url.h"

enum {
	CA_MAX = 1024 * 1024, /* bytes of a ca_file */
	GIVING_BACK_MS = 2000,
	PLACE_SHOWN = 64, /* bytes of an address in a reason */
	WHY = 128,
};

/* ---- before it is less -------------------------------------------------- */

static const char *
word(const struct fetch_errand *e, enum source_vault_word which)
{
	return e->question.words[which];
}

static int
read_secret(const char *key, const char *path, struct secret **ret,
	char *reterr, size_t reterr_size)
{
	const struct source_file file = {.path = path, .owner_only = true};
	int64_t ignored;
	char why[WHY];

	if (*path == '\0')
		return 0;
	*ret = source_file_read(&file, &ignored, why, sizeof(why));
	if (*ret != NULL)
		return 0;
	snprintf(reterr, reterr_size, "%s %s", key, why);
	return -EACCES;
}

static ssize_t
read_to_end(int fd, char *data, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, data + len, size - len)) != 0) {
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int
read_trusted(struct fetch_errand *e, char *reterr, size_t reterr_size)
{
	const char *path = word(e, SOURCE_VAULT_CA_FILE);
	ssize_t len = -ENOMEM;
	int fd;

	if (*path == '\0')
		return 0;
	e->place.trusted = malloc(CA_MAX + 1);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		len = -errno;
	else if (e->place.trusted != NULL)
		len = read_to_end(fd, e->place.trusted, CA_MAX + 1);
	if (fd >= 0)
		close(fd);
	if (len > CA_MAX)
		len = -EFBIG;
	if (len < 0) {
		snprintf(reterr, reterr_size, "ca_file: %s",
			strerror((int)-len));
		return (int)len;
	}
	e->place.trusted_len = (size_t)len;
	return 0;
}

int
fetch_errand_prepare(struct fetch_errand *e, char *reterr, size_t reterr_size)
{
	int r = read_secret("token_file", word(e, SOURCE_VAULT_TOKEN_FILE),
		&e->token, reterr, reterr_size);

	if (r == 0)
		r = read_secret("secret_id_file",
			word(e, SOURCE_VAULT_SECRET_ID_FILE), &e->secret_id,
			reterr, reterr_size);
	if (r == 0)
		r = read_trusted(e, reterr, reterr_size);
	e->place.socket = vault_url_socket(&e->question);
	return r;
}

void
fetch_errand_done(struct fetch_errand *e)
{
	secret_unref(e->token);
	secret_unref(e->secret_id);
	free(e->place.trusted);
}

/* ---- asking ------------------------------------------------------------- */

struct asking {
	struct fetch_errand *errand;
	struct fetch_link *link;
	double deadline;
	struct buf body;
	char url[VAULT_URL_MAX];
	char *reterr;
	size_t reterr_size;
};

static unsigned
left_ms(const struct asking *a)
{
	double left = (a->deadline - monotonic_now()) * 1e3;

	return left > 1 ? (unsigned)left : 1; /* 0 would be for ever */
}

/* The answer to what is at a->url; false: there is none, and reterr says why.
 */
static bool
ask(struct asking *a, const struct secret *token, const char *body,
	struct vault_answer *ret)
{
	const struct fetch_call call = {
		.url = a->url,
		.token = token,
		.space = word(a->errand, SOURCE_VAULT_NAMESPACE),
		.body = body,
		.timeout_ms = left_ms(a),
	};
	char why[WHY];

	buf_wipe(&a->body);
	if (fetch_link_ask(a->link, &call, &a->body, &ret->status, why,
		    sizeof(why)) < 0) {
		snprintf(a->reterr, a->reterr_size, "%.*s: %s", PLACE_SHOWN,
			word(a->errand, SOURCE_VAULT_ADDRESS), why);
		return false;
	}
	ret->body = buf_span(&a->body);
	return true;
}

static struct secret *
log_in(struct asking *a)
{
	struct span id = secret_bytes(a->errand->secret_id);
	json_t *object = json_pack("{s:s, s:s%}", "role_id",
		word(a->errand, SOURCE_VAULT_ROLE_ID), "secret_id", id.ptr,
		id.len);
	char *body = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
	struct vault_answer answer;
	struct secret *token = NULL;

	if (body == NULL || vault_url_login(&a->errand->question, a->url) < 0)
		snprintf(a->reterr, a->reterr_size,
			"login: the secret_id is no UTF-8");
	else if (ask(a, NULL, body, &answer))
		token = vault_answer_token(&answer, a->reterr, a->reterr_size);
	if (body != NULL)
		explicit_bzero(body, strlen(body));
	free(body);
	json_decref(object);
	return token;
}

static struct secret *
read_field(struct asking *a, const struct secret *token, int64_t *ret_expires)
{
	const struct source_vault *question = &a->errand->question;
	struct vault_answer answer;

	if (vault_url_read(question, a->url) < 0) {
		snprintf(a->reterr, a->reterr_size,
			"a name in the path is empty, \".\" or \"..\"");
		return NULL;
	}
	if (!ask(a, token, NULL, &answer))
		return NULL;
	return vault_answer_field(&answer, question->words[SOURCE_VAULT_FIELD],
		ret_expires, a->reterr, a->reterr_size);
}

/* Whether it took it back does not matter to anybody here. */
static void
give_back(struct asking *a, const struct secret *token)
{
	double until = monotonic_now() + GIVING_BACK_MS / 1e3;
	struct vault_answer ignored;
	char nowhere[WHY];

	a->reterr = nowhere;
	a->reterr_size = sizeof(nowhere);
	if (until < a->deadline)
		a->deadline = until;
	if (vault_url_revoke(&a->errand->question, a->url) == 0)
		ask(a, token, "", &ignored);
}

struct secret *
fetch_errand_run(struct fetch_errand *e, int64_t *ret_expires, char *reterr,
	size_t reterr_size)
{
	struct asking a = {.errand = e,
		.deadline = monotonic_now() + e->question.timeout_seconds,
		.reterr = reterr,
		.reterr_size = reterr_size};
	struct secret *token = NULL, *value = NULL;

	buf_init(&a.body, VAULT_ANSWER_MAX);
	a.body.secret = true;
	if (fetch_link_new(&e->place, &a.link, reterr, reterr_size) < 0)
		return NULL;
	if (e->secret_id != NULL)
		token = log_in(&a);
	if (e->secret_id == NULL || token != NULL)
		value = read_field(
			&a, token != NULL ? token : e->token, ret_expires);
	if (token != NULL)
		give_back(&a, token);
	secret_unref(token);
	buf_wipe(&a.body);
	fetch_link_free(a.link);
	return value;
}
