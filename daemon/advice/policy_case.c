#include "policy_case.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "record.h"
#include "url_target.h"

static int wrong(char reterr[POLICY_CASE_TEXT], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int
wrong(char reterr[POLICY_CASE_TEXT], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(reterr, POLICY_CASE_TEXT, format, ap);
	va_end(ap);
	return -EINVAL;
}

/* The next word, or NULL at the end or a comment. */
static char *
next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t\r\n");
	size_t len = strcspn(word, " \t\r\n");

	if (len == 0 || word[0] == '#')
		return NULL;
	*rest = word + len + (word[len] != '\0');
	word[len] = '\0';
	return word;
}

static bool
is_reason(const char *name)
{
	for (int i = 0; i < RECORD_REASON_COUNT; i++) {
		if (strcmp(name, record_reason_name((enum record_reason)i)) ==
			0)
			return true;
	}
	return false;
}

static int
read_credential(
	struct policy_case *c, const char *value, char reterr[POLICY_CASE_TEXT])
{
	if (c->credential_count == POLICY_CASE_CREDENTIALS)
		return wrong(reterr, "more than %d times credential=",
			POLICY_CASE_CREDENTIALS);
	if (!c->allowed)
		return wrong(reterr, "nothing goes with what is denied: "
				     "credential= stands beside \"allowed\"");
	c->credentials[c->credential_count++] = value;
	if (c->credential_count > 1 && (strcmp(c->credentials[0], "-") == 0 ||
					       strcmp(value, "-") == 0))
		return wrong(reterr, "credential=- says that none goes");
	return 0;
}

static int
read_extra(struct policy_case *c, char *word, char reterr[POLICY_CASE_TEXT])
{
	char *value = strchr(word, '=');

	if (value == NULL || value[1] == '\0')
		return wrong(reterr,
			"want rule=, reason= or credential=, not "
			"\"%.64s\"",
			word);
	*value++ = '\0';
	if (strcmp(word, "credential") == 0)
		return read_credential(c, value, reterr);
	if (strcmp(word, "rule") == 0 && c->rule == NULL) {
		c->rule = value;
		return 0;
	}
	if (strcmp(word, "reason") == 0 && c->reason == NULL) {
		c->reason = value;
		return is_reason(value)
			       ? 0
			       : wrong(reterr, "there is no reason \"%.64s\"",
					 value);
	}
	return wrong(reterr, "\"%.64s=\" is unknown, or there twice", word);
}

int
policy_case_read(
	char *line, struct policy_case *ret, char reterr[POLICY_CASE_TEXT])
{
	struct policy_case c = {.subject = next_word(&line)};
	struct url_target target;
	const char *why;
	char *word;
	int r = 0;

	if (c.subject == NULL)
		return 0;
	c.method = next_word(&line);
	c.url = c.method != NULL ? next_word(&line) : NULL;
	word = c.url != NULL ? next_word(&line) : NULL;
	if (word == NULL)
		return wrong(reterr, "want POLICY-or-SANDBOX METHOD URL "
				     "allowed|denied");
	why = url_target_method_error(c.method);
	if (why == NULL)
		why = url_target_read(c.url, &target);
	if (why != NULL)
		return wrong(reterr, "%s", why);
	c.allowed = strcmp(word, "allowed") == 0;
	if (!c.allowed && strcmp(word, "denied") != 0)
		return wrong(reterr,
			"want \"allowed\" or \"denied\", not "
			"\"%.64s\"",
			word);
	while (r == 0 && (word = next_word(&line)) != NULL)
		r = read_extra(&c, word, reterr);
	if (r < 0)
		return r;
	*ret = c;
	return 1;
}

/* ---- what came of it ---------------------------------------------------- */

static bool
goes(const struct policy_answer *a, const char *name)
{
	const char *at = a->credentials;
	size_t len = strlen(name);

	while (*at != '\0') {
		size_t n = strcspn(at, ",");

		if (n == len && strncmp(at, name, n) == 0)
			return true;
		at += n + (at[n] == ',');
	}
	return strcmp(name, "-") == 0 && a->credentials[0] == '\0';
}

bool
policy_case_agrees(const struct policy_case *c, const struct policy_answer *a,
	char ret[POLICY_CASE_TEXT])
{
	const char *lost = NULL;

	for (size_t i = 0; i < c->credential_count && lost == NULL; i++) {
		if (!goes(a, c->credentials[i]))
			lost = c->credentials[i];
	}
	if (c->allowed == a->allowed && lost == NULL &&
		(c->rule == NULL || strcmp(c->rule, a->rule) == 0) &&
		(c->reason == NULL || strcmp(c->reason, a->reason) == 0))
		return true;
	snprintf(ret, POLICY_CASE_TEXT,
		"expected %s%s%s%s%s%s%s, got %s (%s) by rule %s "
		"(%s)%s%s%.200s",
		c->allowed ? "allowed" : "denied",
		c->reason != NULL ? " reason=" : "",
		c->reason != NULL ? c->reason : "",
		c->rule != NULL ? " rule=" : "", c->rule != NULL ? c->rule : "",
		lost != NULL ? " credential=" : "", lost != NULL ? lost : "",
		a->allowed ? "allowed" : "denied", a->reason, a->rule,
		a->source, lost != NULL ? " with " : "",
		lost != NULL && a->credentials[0] == '\0' ? "no credential"
							  : "",
		lost != NULL ? a->credentials : "");
	return false;
}
