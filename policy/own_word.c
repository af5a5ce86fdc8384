#include "own_word.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char open_mark[] = "${", close_mark = '}';
static const char label_mark[] = "label.";
static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

enum { KEY_MAX = 63, NAME_TEXT = 80 };

bool
own_word_is(const char *word)
{
	return strstr(word, open_mark) != NULL;
}

/* The name between the marks at *at, which is behind them then. */
static bool
take_name(const char **at, char ret[NAME_TEXT])
{
	const char *from = *at + strlen(open_mark);
	const char *end = strchr(from, close_mark);

	if (end == NULL || end - from >= NAME_TEXT)
		return false;
	memcpy(ret, from, (size_t)(end - from));
	ret[end - from] = '\0';
	*at = end + 1;
	return true;
}

static bool
is_known(const char *name)
{
	size_t prefix = strlen(label_mark), len = strlen(name);

	if (strcmp(name, "sandbox") == 0)
		return true;
	return strncmp(name, label_mark, prefix) == 0 && len > prefix &&
	       len <= prefix + KEY_MAX &&
	       strpbrk(name + prefix, "${ \"") == NULL;
}

const char *
own_word_error(const char *word)
{
	const char *at = strstr(word, open_mark);
	char name[NAME_TEXT];

	for (; at != NULL; at = strstr(at, open_mark))
		if (!take_name(&at, name) || !is_known(name))
			return "no other ${ than ${sandbox} and ${label.KEY}";
	return NULL;
}

static bool
is_harmless(const char *value)
{
	return (isalnum((unsigned char)value[0]) || value[0] == '_') &&
	       value[strspn(value, letters)] == '\0';
}

static const char *
look_up(const char *name, const struct own_word_facts *facts)
{
	return strcmp(name, "sandbox") == 0
		       ? facts->sandbox
		       : facts->label(facts->arg, name + strlen(label_mark));
}

static const char not_harmless[] = " is not made of letters, digits, \"_\", "
				   "\".\" and \"-\", or begins with "
				   "one of the last two";

int
own_word_fill(const char *word, const struct own_word_facts *facts, char *ret,
	size_t ret_size, char *reterr, size_t reterr_size)
{
	char name[NAME_TEXT];
	const char *value;
	size_t len = 0;

	while (*word != '\0' && len < ret_size) {
		if (strncmp(word, open_mark, strlen(open_mark)) != 0) {
			ret[len++] = *word++;
			continue;
		}
		if (!take_name(&word, name) || !is_known(name))
			return -EINVAL;
		value = look_up(name, facts);
		if (value == NULL || !is_harmless(value)) {
			snprintf(reterr, reterr_size, "%s ${%s}%s",
				value == NULL ? "it has no" : "its", name,
				value == NULL ? "" : not_harmless);
			return value == NULL ? -ENOENT : -EINVAL;
		}
		len += (size_t)snprintf(ret + len, ret_size - len, "%s", value);
	}
	if (len >= ret_size) {
		snprintf(reterr, reterr_size, "what is filled in is too long");
		return -EINVAL;
	}
	ret[len] = '\0';
	return 0;
}
