#include "host_pattern.h"

#include "region.h"

#include <errno.h>
#include <libpsl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Stands for "some label" in examples: nobody would write a rule about it. */
#define ANY_LABEL "sbx-any"

/* ---- reading ------------------------------------------------------------ */

static int
refuse(char reterr[HOST_PATTERN_ERROR], const char *why)
{
	snprintf(reterr, HOST_PATTERN_ERROR, "%s", why);
	return -EINVAL;
}

static bool
is_glob_label(const char *glob, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = glob[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') && c != '-' &&
			c != '_' && c != '*')
			return false;
		if (c == '*' && i > 0 && glob[i - 1] == '*')
			return false;
	}
	return len <= HOST_LABEL_MAX;
}

/* Which kind text is, and how many bytes come before the x of it. */
static enum host_pattern_kind
kind_of(const char *text, size_t *ret_skip)
{
	size_t label = strcspn(text, ".");

	*ret_skip = 0;
	if (strcmp(text, "*") == 0) {
		*ret_skip = 1;
		return HOST_ANY;
	}
	if (text[0] == '.') {
		*ret_skip = 1;
		return HOST_APEX;
	}
	if (memchr(text, '*', label) == NULL)
		return HOST_EXACT;
	*ret_skip = text[label] == '.' ? label + 1 : label;
	if (label == 1)
		return HOST_ONE;
	if (label == 2 && text[0] == '*' && text[1] == '*')
		return HOST_DEEP;
	return HOST_GLOB;
}

static int
read_base(const char *base, char ret[HOST_MAX + 1],
	char reterr[HOST_PATTERN_ERROR])
{
	int r;

	if (strchr(base, '*') != NULL)
		return refuse(reterr,
			"a star may stand in the first label only, as in "
			"\"*.example.org\", \"**.example.org\" or "
			"\"*-api.example.org\"");
	r = host_normalise(base, strlen(base), ret);
	if (r == -EADDRNOTAVAIL)
		return refuse(reterr,
			"an address is not a host name: write it as "
			"\"address:\"");
	if (r == -EINVAL)
		return refuse(reterr,
			"expected a host name such as \"example.org\", "
			"\"*.example.org\", \"**.example.org\" or "
			"\".example.org\", without scheme, port or path");
	return r;
}

static int
check_breadth(enum host_pattern_kind kind, const char *base,
	char reterr[HOST_PATTERN_ERROR])
{
	if (kind == HOST_ANY) {
		refuse(reterr, "takes in every name");
		return -EPERM;
	}
	/*
	 * The built-in list, not the file that some systems have: keeper and
	 * workers must agree, and a worker has no file system.
	 */
	if (kind != HOST_EXACT &&
		psl_is_public_suffix(psl_builtin(), base) != 0) {
		snprintf(reterr, HOST_PATTERN_ERROR,
			"takes in everybody's names under the public suffix "
			"\"%.100s\"",
			base);
		return -EPERM;
	}
	return 0;
}

static char *
canonical(
	struct region *region, const char *text, size_t skip, const char *base)
{
	char *copy = region_format(region, "%.*s%s", (int)skip, text, base);

	for (size_t i = 0; copy != NULL && i < skip; i++) {
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] - 'A' + 'a');
	}
	return copy;
}

int
host_pattern_compile(struct region *region, const char *text, bool broad,
	struct host_pattern *ret, char reterr[HOST_PATTERN_ERROR])
{
	char base[HOST_MAX + 1] = "";
	enum host_pattern_kind kind;
	char *copy;
	size_t skip;
	int r = 0;

	kind = kind_of(text, &skip);
	if (kind == HOST_GLOB && !is_glob_label(text, strcspn(text, ".")))
		return refuse(reterr,
			"a first label with a star holds letters, digits, "
			"hyphens and single stars only, as in "
			"\"*-api.example.org\"");
	if (kind != HOST_ANY)
		r = read_base(text + skip, base, reterr);
	if (r == 0 && !broad)
		r = check_breadth(kind, base, reterr);
	if (r < 0)
		return r;
	copy = canonical(region, text, skip, base);
	if (copy == NULL)
		return -ENOMEM;
	*ret = (struct host_pattern){.kind = kind,
		.text = copy,
		.base = copy + skip,
		.glob_len = kind == HOST_GLOB ? skip - 1 : 0};
	return 0;
}

/* ---- matching ----------------------------------------------------------- */

bool
host_glob_matches(
	const char *glob, size_t glob_len, const char *label, size_t label_len)
{
	size_t g = 0, i = 0, star = SIZE_MAX, resume = 0;

	/* The usual loop: on a mismatch the last star takes one more byte. */
	while (i < label_len) {
		if (g < glob_len && glob[g] == '*') {
			star = g++;
			resume = i;
		} else if (g < glob_len && glob[g] == label[i]) {
			g++;
			i++;
		} else if (star != SIZE_MAX) {
			g = star + 1;
			i = ++resume;
		} else {
			return false;
		}
	}
	while (g < glob_len && glob[g] == '*')
		g++;
	return g == glob_len;
}

static bool
is_below(const char *host, const char *base)
{
	size_t len = strlen(host), base_len = strlen(base);

	return len > base_len + 1 && host[len - base_len - 1] == '.' &&
	       strcmp(host + len - base_len, base) == 0;
}

bool
host_pattern_matches(const struct host_pattern *p, const char *host)
{
	size_t label = strcspn(host, ".");

	switch (p->kind) {
	case HOST_EXACT:
		return strcmp(host, p->base) == 0;
	case HOST_ONE:
		return host[label] == '.' &&
		       strcmp(host + label + 1, p->base) == 0;
	case HOST_DEEP:
		return is_below(host, p->base);
	case HOST_APEX:
		return strcmp(host, p->base) == 0 || is_below(host, p->base);
	case HOST_GLOB:
		return host[label] == '.' &&
		       strcmp(host + label + 1, p->base) == 0 &&
		       host_glob_matches(p->text, p->glob_len, host, label);
	case HOST_ANY:
		return true;
	}
	return false;
}

/* Whether all that inner, which has a wildcard, matches is below base. */
static bool
all_below(const char *base, const struct host_pattern *inner)
{
	return is_below(inner->base, base) ||
	       (inner->kind != HOST_APEX && strcmp(inner->base, base) == 0);
}

bool
host_pattern_covers(
	const struct host_pattern *outer, const struct host_pattern *inner)
{
	bool same = strcmp(outer->base, inner->base) == 0;

	if (inner->kind == HOST_EXACT)
		return host_pattern_matches(outer, inner->base);
	if (inner->kind == HOST_ANY)
		return outer->kind == HOST_ANY;
	switch (outer->kind) {
	case HOST_EXACT:
		return false;
	case HOST_ONE:
		return same &&
		       (inner->kind == HOST_ONE || inner->kind == HOST_GLOB);
	case HOST_DEEP:
		return all_below(outer->base, inner);
	case HOST_APEX:
		return same || is_below(inner->base, outer->base);
	case HOST_GLOB:
		/* A star matches a star, and nothing else does. */
		return same && inner->kind == HOST_GLOB &&
		       host_glob_matches(outer->text, outer->glob_len,
			       inner->text, inner->glob_len);
	case HOST_ANY:
		return true;
	}
	return false;
}

/* ---- what two have in common -------------------------------------------- */

/* Appends bytes, each star as a letter that it could stand for. */
static bool
append(char host[HOST_MAX + 1], const char *bytes, size_t len)
{
	size_t used = strlen(host);

	if (len > HOST_MAX - used)
		return false;
	for (size_t i = 0; i < len; i++)
		host[used + i] = (char)(bytes[i] == '*' ? '0' : bytes[i]);
	host[used + len] = '\0';
	return true;
}

/* A name that p matches. */
static bool
example(const struct host_pattern *p, char ret[HOST_MAX + 1])
{
	ret[0] = '\0';
	if (p->kind == HOST_ANY)
		return append(ret, ANY_LABEL, strlen(ANY_LABEL));
	if (p->kind == HOST_GLOB && !append(ret, p->text, p->glob_len))
		return false;
	if (p->kind == HOST_GLOB && !append(ret, ".", 1))
		return false;
	if ((p->kind == HOST_ONE || p->kind == HOST_DEEP) &&
		!append(ret, ANY_LABEL ".", strlen(ANY_LABEL ".")))
		return false;
	return append(ret, p->base, strlen(p->base));
}

/*
 * A name for two globs over the same x: the longer beginning, all that must
 * stand in the middle of either, the longer end.
 */
static bool
example_of_globs(const struct host_pattern *a, const struct host_pattern *b,
	char ret[HOST_MAX + 1])
{
	const struct host_pattern *begin, *end;
	const struct host_pattern *both[2] = {a, b};
	size_t first[2], last[2];

	for (int i = 0; i < 2; i++) {
		const char *glob = both[i]->text;
		const char *star = memrchr(glob, '*', both[i]->glob_len);

		first[i] = strcspn(glob, "*");
		last[i] = (size_t)(star - glob) + 1;
	}
	begin = first[0] >= first[1] ? a : b;
	end = a->glob_len - last[0] >= b->glob_len - last[1] ? a : b;

	ret[0] = '\0';
	if (!append(ret, begin->text, begin == a ? first[0] : first[1]))
		return false;
	for (int i = 0; i < 2; i++) {
		if (!append(ret, both[i]->text + first[i], last[i] - first[i]))
			return false;
	}
	return append(ret, end->text + (end == a ? last[0] : last[1]),
		       end->glob_len - (end == a ? last[0] : last[1])) &&
	       append(ret, ".", 1) && append(ret, a->base, strlen(a->base));
}

static bool
is_common(const char *host, const struct host_pattern *a,
	const struct host_pattern *b)
{
	char same[HOST_MAX + 1];

	return host_normalise(host, strlen(host), same) == 0 &&
	       host_pattern_matches(a, host) && host_pattern_matches(b, host);
}

bool
host_pattern_common(const struct host_pattern *a, const struct host_pattern *b,
	char ret[HOST_MAX + 1])
{
	/*
	 * Of two patterns that overlap one is as narrow as the overlap, so that
	 * its own example will do; but for two globs neither need be.
	 */
	if (example(a, ret) && is_common(ret, a, b))
		return true;
	if (example(b, ret) && is_common(ret, a, b))
		return true;
	return a->kind == HOST_GLOB && b->kind == HOST_GLOB &&
	       strcmp(a->base, b->base) == 0 && example_of_globs(a, b, ret) &&
	       is_common(ret, a, b);
}
