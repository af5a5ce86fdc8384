/*
 * usage_complete.c - what may come next on a command line
 *
 * The words before the last are walked as getopt would: an option of the table
 * at hand may take the next word, the first word that is none is the command,
 * and with it the table changes.  What is left then is the last word and a
 * place: the value of an option, an option, or the n-th argument.
 */
#include "usage.h"

#include <ctype.h>
#include <string.h>

enum {
	COMMAND_BYTES = 128, /* "sandbox add" */
	PART_BYTES = 64,     /* of "sh|json|docker", of "[FILE...]" */
};

static const char *const methods[] = {
	"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", NULL};

static const struct {
	const char *name;
	enum usage_kind kind;
	const char *const *words; /* USAGE_WORD */
} kinds[] = {
	{"FILE", USAGE_FILE, NULL},
	{"PATH", USAGE_FILE, NULL},
	{"ARGUMENT", USAGE_FILE, NULL},
	{"DIR", USAGE_DIRECTORY, NULL},
	{"COMMAND", USAGE_COMMAND, NULL},
	{"SANDBOX", USAGE_SANDBOX, NULL},
	{"POLICY", USAGE_POLICY, NULL},
	{"VERDICT", USAGE_VERDICT, NULL},
	{"KIND", USAGE_RECORD_KIND, NULL},
	{"REASON", USAGE_REASON, NULL},
	{"METHOD", USAGE_WORD, methods},
};

struct place { /* where the last word stands */
	const struct usage_program *program;
	const struct usage_option *options;  /* the table at hand */
	const struct usage_option *option;   /* whose value comes, or NULL */
	const struct usage_command *command; /* NULL: none yet */
	char words[COMMAND_BYTES];           /* the command, and its verb */
	const char *alternative;             /* of its args; NULL: no verb */
	size_t argument;                     /* how many were before */
	bool bare;                           /* no options any more */

	const char *typed;
	void (*wish)(void *arg, const struct usage_wish *w);
	void *arg;
};

/* ---- wishes ------------------------------------------------------------- */

static void
wish_word(const struct place *p, const char *text, const char *help)
{
	const struct usage_wish w = {USAGE_WORD, text, help, p->typed};

	if (strncmp(text, p->typed, strlen(p->typed)) == 0)
		p->wish(p->arg, &w);
}

static void
wish_part(const struct place *p, const char *part)
{
	if (!isupper((unsigned char)*part)) {
		wish_word(p, part, NULL);
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct usage_wish w = {
			kinds[i].kind, NULL, NULL, p->typed};

		if (strcmp(part, kinds[i].name) != 0)
			continue;
		if (kinds[i].words == NULL)
			p->wish(p->arg, &w);
		for (size_t k = 0;
			kinds[i].words != NULL && kinds[i].words[k] != NULL;
			k++)
			wish_word(p, kinds[i].words[k], NULL);
	}
}

/* "POLICY|FILE", len bytes of it, in brackets and with dots or without. */
static void
wish_all(const struct place *p, const char *takes, size_t len)
{
	const char *end = takes + len;
	char part[PART_BYTES];

	while (takes < end) {
		size_t skip = strspn(takes, "[|].");
		size_t n;

		takes += skip;
		if (takes >= end)
			return;
		n = strcspn(takes, "[|]. ");
		if (n < sizeof(part)) {
			memcpy(part, takes, n);
			part[n] = '\0';
			wish_part(p, part);
		}
		takes += n + (n == 0);
	}
}

static void
wish_value(const struct place *p)
{
	const char *takes = p->option->takes;

	if (takes == NULL)
		takes = p->option->value;
	wish_all(p, takes, strlen(takes));
}

static void
wish_options(const struct place *p)
{
	char text[PART_BYTES + 2] = "--";

	for (const struct usage_option *o = p->options; o->name != NULL; o++) {
		if (*o->name == '\0' || strlen(o->name) >= PART_BYTES)
			continue;
		memcpy(text + 2, o->name, strlen(o->name) + 1);
		wish_word(p, text, o->help);
	}
}

/* ---- arguments ---------------------------------------------------------- */

/* The alternative behind this one, or NULL. */
static const char *
next_alternative(const char *args)
{
	const char *bar = strstr(args, " | ");

	return bar != NULL ? bar + 3 : NULL;
}

/* Bytes of the word that an alternative begins with; 0: it has none. */
static size_t
verb_of(const char *alternative)
{
	size_t len = strcspn(alternative, " ");

	return islower((unsigned char)*alternative) &&
			       memchr(alternative, '|', len) == NULL
		       ? len
		       : 0;
}

static void
wish_verbs(const struct place *p)
{
	char verb[PART_BYTES];

	for (const char *a = p->command->args; a != NULL;
		a = next_alternative(a)) {
		size_t len = verb_of(a);

		if (len == 0 || len >= sizeof(verb))
			continue;
		memcpy(verb, a, len);
		verb[len] = '\0';
		wish_word(p, verb, NULL);
	}
}

/* The n-th argument of an alternative; the last may come again and again. */
static const char *
argument_of(const char *alternative, size_t n, size_t *ret_len)
{
	const char *end = strstr(alternative, " | ");
	const char *found = NULL;

	if (end == NULL)
		end = alternative + strlen(alternative);
	while (alternative < end) {
		size_t len = strcspn(alternative, " ");
		bool again = memmem(alternative, len, "...", 3) != NULL;

		/* Options are of the table. */
		if (len > 0 && *alternative != '-' &&
			strncmp(alternative, "[-", 2) != 0 &&
			memmem(alternative, len, "OPTION", 6) == NULL) {
			found = alternative;
			*ret_len = len;
			if (n-- == 0)
				return found;
			if (!again)
				found = NULL;
		}
		alternative += len + 1;
	}
	return found;
}

static void
wish_argument(const struct place *p)
{
	const char *found;
	size_t len;

	if (p->program->commands == NULL)
		return;
	if (p->command == NULL) {
		for (size_t i = 0; i < p->program->command_count; i++)
			wish_word(p, p->program->commands[i].name,
				p->program->commands[i].help);
		return;
	}
	if (p->alternative == NULL) {
		wish_verbs(p);
		return;
	}
	found = argument_of(p->alternative, p->argument, &len);
	if (found != NULL)
		wish_all(p, found, len);
}

/* ---- the words before --------------------------------------------------- */

static const struct usage_option no_options[] = {{.name = NULL}};

static void
set_options(struct place *p)
{
	p->options = no_options;
	for (const struct usage_line *l = p->program->lines;
		l != NULL && l->command != NULL; l++) {
		if (strcmp(l->command, p->words) == 0)
			p->options = l->options;
	}
}

static void
take_command(struct place *p, const char *word)
{
	static const struct usage_command unknown = {"", "", ""};

	p->command = &unknown;
	for (size_t i = 0; i < p->program->command_count; i++) {
		if (strcmp(word, p->program->commands[i].name) == 0)
			p->command = &p->program->commands[i];
	}
	snprintf(p->words, COMMAND_BYTES, "%s", p->command->name);
	if (verb_of(p->command->args) == 0)
		p->alternative = p->command->args;
	set_options(p);
}

static void
take_verb(struct place *p, const char *word)
{
	size_t len = strlen(word);

	p->alternative = "";
	for (const char *a = p->command->args; a != NULL;
		a = next_alternative(a)) {
		if (verb_of(a) != len || strncmp(a, word, len) != 0)
			continue;
		p->alternative = a;
		/* The verb is the first of its arguments. */
		p->argument = 1;
		snprintf(p->words, COMMAND_BYTES, "%s %s", p->command->name,
			word);
		set_options(p);
		return;
	}
}

/* Behind COMMAND, options are the command's own. */
static bool
is_foreign(const struct place *p)
{
	const char *found;
	size_t len;

	if (p->alternative == NULL)
		return false;
	found = argument_of(p->alternative, p->argument, &len);
	return found != NULL && strncmp(found, "COMMAND", 7) == 0;
}

static void
take_argument(struct place *p, const char *word)
{
	if (p->program->commands == NULL)
		return;
	if (p->command == NULL) {
		take_command(p, word);
	} else if (p->alternative == NULL) {
		take_verb(p, word);
	} else {
		p->bare |= is_foreign(p);
		p->argument++;
	}
}

static const struct usage_option *
find_option(const struct place *p, const char *word, size_t len)
{
	for (const struct usage_option *o = p->options; o->name != NULL; o++) {
		if (o->letter && len == 2 && word[1] == o->code)
			return o;
		if (len > 2 && strlen(o->name) == len - 2 &&
			strncmp(word + 2, o->name, len - 2) == 0)
			return o;
	}
	return NULL;
}

static void
take_word(struct place *p, const char *word, const char *next)
{
	size_t len = strcspn(word, "=");
	const struct usage_option *o;

	if (p->option != NULL && strcmp(word, "=") == 0)
		return;
	if (p->option != NULL) {
		p->option = NULL;
		return;
	}
	if (p->bare || word[0] != '-' || word[1] == '\0') {
		take_argument(p, word);
		return;
	}
	if (strcmp(word, "--") == 0) {
		p->bare = true;
		return;
	}
	o = find_option(p, word, len);
	if (o != NULL && o->value != NULL && word[len] == '\0' &&
		(!o->optional || strcmp(next, "=") == 0))
		p->option = o;
}

void
usage_complete(const struct usage_program *program, size_t count,
	const char *const *words,
	void (*wish)(void *arg, const struct usage_wish *w), void *arg)
{
	struct place p = {.program = program,
		.options = program->options,
		.wish = wish,
		.arg = arg};
	size_t len;

	for (size_t i = 0; i + 1 < count; i++)
		take_word(&p, words[i], words[i + 1]);
	p.typed = words[count - 1];
	len = strcspn(p.typed, "=");
	if (p.option != NULL && strcmp(p.typed, "=") == 0) {
		p.typed = "";
	} else if (p.option == NULL && !p.bare && p.typed[0] == '-' &&
		   p.typed[len] == '=') {
		p.option = find_option(&p, p.typed, len);
		p.typed += len + 1;
		if (p.option == NULL || p.option->value == NULL)
			return;
	}
	if (p.option != NULL)
		wish_value(&p);
	else if (!p.bare && p.typed[0] == '-')
		wish_options(&p);
	else
		wish_argument(&p);
}
