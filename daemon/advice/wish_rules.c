/*
 * wish_rules.c - many requests as few rules that allow no others
 *
 * A rule allows each of its methods on each of its paths, so paths share one
 * only if the same methods were asked of them: requests become pairs of a path
 * and its methods, sorted by the methods, and each run of these is a rule, or
 * several where there are very many.  Only then are paths made patterns
 * (path_shape.h), which is the one place where a rule lets more through than
 * was asked for; it gets a line of its own that says so.
 */
#include "wish_rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "path_shape.h"
#include "rule_line.h"
#include "wishes.h"
#include "yaml_text.h"

static const char indent[] = "      ";

struct pair {             /* a path and all that was asked of it, on one port */
	const char *path; /* an entry's */
	char *methods;    /* sorted, a comma behind each */
	uint64_t count;
};

struct place {
	const struct wish_entry *entries; /* of one port */
	size_t count;
	FILE *out;
};

static void
put_count(FILE *out, uint64_t n, const char *what)
{
	fprintf(out, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

/* "# api.example.org, for build-1, build-2:" */
static void
put_title(const struct wish_entry *entries, size_t count, FILE *out)
{
	const char *named[WISHES_SANDBOXES];
	size_t n = 0;
	bool more = false;

	for (size_t i = 0; i < count; i++) {
		size_t k = 0;

		while (k < n &&
			strcmp(named[k], entries[i].texts[WISH_SANDBOX]) != 0)
			k++;
		if (k < n)
			continue;
		more |= n == WISHES_SANDBOXES;
		if (n < WISHES_SANDBOXES)
			named[n++] = entries[i].texts[WISH_SANDBOX];
	}
	fprintf(out, "%s# ", indent);
	yaml_put_comment(out, entries[0].texts[WISH_PLACE]);
	for (size_t i = 0; i < n; i++) {
		fputs(i == 0 ? ", for " : ", ", out);
		yaml_put_comment(out, named[i][0] != '\0' ? named[i] : "?");
	}
	fputs(more ? " and more:\n" : ":\n", out);
}

static void
put_rule(const struct place *p, const struct rule_line *line, uint64_t count)
{
	fputs(indent, p->out);
	rule_line_put(p->out, line);
	fputs("  # ", p->out);
	if (count > 0)
		put_count(p->out, count,
			line->host == NULL || line->protocol != NULL
				? "connection"
			: p->entries[0].port != 0 ? "request"
						  : "question");
	else
		fputs("counted above", p->out);
	fputc('\n', p->out);
}

/* ---- requests ----------------------------------------------------------- */

/* The methods of a pair as a list, in text, which is changed. */
static size_t
split(char *text, const char **ret, size_t max)
{
	size_t n = 0;
	char *end;

	for (; n < max && (end = strchr(text, ',')) != NULL; text = end + 1) {
		*end = '\0';
		ret[n++] = text;
	}
	return n;
}

static void
put_warning(FILE *out, const struct path_shape *s)
{
	fprintf(out,
		"%s# wider than what was asked for: * was %zu different "
		"values, from ",
		indent, s->values);
	yaml_put_comment(out, s->first);
	fputs(" to ", out);
	yaml_put_comment(out, s->last);
	fputc('\n', out);
}

/* A rule for those shapes and the methods of text, in parts if need be. */
static int
put_shapes(const struct place *p, const struct path_shape *shapes, size_t count,
	const char *text)
{
	struct rule_line line = {.host = p->entries[0].texts[WISH_PLACE],
		.port = p->entries[0].port,
		.path_count = count};
	const char *paths[WISHES_PATHS], *methods[WISHES_MAX];
	char *copy = strdup(text);
	uint64_t requests = 0;
	size_t n;

	if (copy == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		paths[i] = shapes[i].pattern;
		requests += shapes[i].count;
		if (shapes[i].values > 0)
			put_warning(p->out, &shapes[i]);
	}
	line.paths = paths;
	n = split(copy, methods, WISHES_MAX);
	for (size_t i = 0; i < n; i += WISHES_METHODS) {
		line.methods = &methods[i];
		line.method_count =
			n - i < WISHES_METHODS ? n - i : WISHES_METHODS;
		put_rule(p, &line, i == 0 ? requests : 0);
	}
	free(copy);
	return 0;
}

/* Pairs with the same methods. */
static int
put_pairs(const struct place *p, const struct pair *pairs, size_t count)
{
	struct path_count *paths = calloc(count, sizeof(*paths));
	struct path_shape *shapes = NULL;
	size_t n = 0, some;
	int r = -ENOMEM;

	for (size_t i = 0; paths != NULL && i < count; i++)
		paths[i] = (struct path_count){pairs[i].path, pairs[i].count};
	if (paths != NULL)
		r = path_shapes_find(paths, count, &shapes, &n);
	for (size_t i = 0; i < n && r == 0; i += some) {
		/* What is wider stands alone, below its warning. */
		for (some = 1; shapes[i].values == 0 && some < WISHES_PATHS &&
			       i + some < n && shapes[i + some].values == 0;)
			some++;
		r = put_shapes(p, &shapes[i], some, pairs[0].methods);
	}
	path_shapes_free(shapes, n);
	free(paths);
	return r;
}

static int
by_path(const void *a, const void *b)
{
	const struct wish_entry *const *ea = a, *const *eb = b;
	int order = strcmp((*ea)->texts[WISH_PATH], (*eb)->texts[WISH_PATH]);

	return order != 0 ? order
			  : strcmp((*ea)->texts[WISH_METHOD],
				    (*eb)->texts[WISH_METHOD]);
}

static int
by_methods(const void *a, const void *b)
{
	const struct pair *pa = a, *pb = b;
	int order = strcmp(pa->methods, pb->methods);

	return order != 0 ? order : strcmp(pa->path, pb->path);
}

/* One pair of the entries with the first one's path; how many those are. */
static size_t
make_pair(
	const struct wish_entry *const *entries, size_t count, struct pair *ret)
{
	const char *last = "";
	FILE *out;
	size_t i, size;

	*ret = (struct pair){.path = entries[0]->texts[WISH_PATH]};
	out = open_memstream(&ret->methods, &size);
	for (i = 0; i < count &&
		    strcmp(entries[i]->texts[WISH_PATH], ret->path) == 0;
		i++) {
		const char *method = entries[i]->texts[WISH_METHOD];

		/* Another sandbox may have asked the same. */
		if (out != NULL && strcmp(method, last) != 0)
			fprintf(out, "%s,", method);
		last = method;
		ret->count += entries[i]->count;
	}
	if (out != NULL && fclose(out) != 0) {
		free(ret->methods);
		ret->methods = NULL;
	}
	return i;
}

static int
put_requests(const struct place *p)
{
	const struct wish_entry **sorted =
		calloc(p->count, sizeof(struct wish_entry *));
	struct pair *pairs = calloc(p->count, sizeof(*pairs));
	size_t n = 0, run;
	int r = sorted != NULL && pairs != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < p->count; i++)
		sorted[i] = &p->entries[i];
	if (r == 0)
		qsort(sorted, p->count, sizeof(struct wish_entry *), by_path);
	for (size_t i = 0; r == 0 && i < p->count; n++) {
		i += make_pair(&sorted[i], p->count - i, &pairs[n]);
		if (pairs[n].methods == NULL)
			r = -ENOMEM;
	}
	if (r == 0)
		qsort(pairs, n, sizeof(*pairs), by_methods);
	for (size_t i = 0; r == 0 && i < n; i += run) {
		for (run = 1; i + run < n; run++)
			if (strcmp(pairs[i].methods, pairs[i + run].methods) !=
				0)
				break;
		r = put_pairs(p, &pairs[i], run);
	}
	for (size_t i = 0; pairs != NULL && i < n; i++)
		free(pairs[i].methods);
	free(pairs);
	free(sorted);
	return r;
}

/* ---- without requests --------------------------------------------------- */

static uint64_t
sum(const struct place *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += p->entries[i].count;
	return n;
}

static void
put_name(const struct place *p)
{
	static const char *const reading[] = {"GET", "HEAD"};
	const struct rule_line line = {
		.host = p->entries[0].texts[WISH_PLACE],
		.port = 443,
		.methods = reading,
		.method_count = 2,
	};

	fprintf(p->out,
		"%s# only its name was asked for: this lets it be resolved, "
		"and read;\n%s# what it is asked for then is in the log\n",
		indent, indent);
	put_rule(p, &line, sum(p));
}

static void
put_raw(const struct place *p)
{
	const struct rule_line line = {
		.host = p->entries[0].texts[WISH_PLACE],
		.port = p->entries[0].port,
		.protocol = "tcp",
	};

	fprintf(p->out,
		"%s# NOBODY READS what passes here: it is neither TLS nor "
		"HTTP\n",
		indent);
	put_rule(p, &line, sum(p));
}

static void
put_address(const struct place *p)
{
	const struct rule_line line = {
		.address = p->entries[0].texts[WISH_PLACE],
		.port = p->entries[0].port,
	};

	fprintf(p->out,
		"%s# NOBODY READS what passes here: a rule with a name is "
		"better; and the address\n%s# guard refuses private ones all "
		"the same\n",
		indent, indent);
	put_rule(p, &line, sum(p));
}

static bool
has_request(const struct wish_entry *e)
{
	return e->texts[WISH_METHOD][0] != '\0';
}

int
wish_rules_print(const struct wish_entry *entries, size_t count, FILE *out)
{
	struct place p = {.out = out};
	/* A name that requests were for as well needs no rule of its own. */
	bool requests = entries[count - 1].port != 0;
	int r = 0;

	put_title(entries, count, out);
	for (size_t i = 0; i < count && r == 0; i += p.count) {
		p.entries = &entries[i];
		for (p.count = 1; i + p.count < count; p.count++)
			if (entries[i + p.count].port != entries[i].port ||
				has_request(&entries[i + p.count]) !=
					has_request(&entries[i]))
				break;
		if (!entries[i].by_name)
			put_address(&p);
		else if (has_request(&entries[i]))
			r = put_requests(&p);
		else if (entries[i].port != 0)
			put_raw(&p);
		else if (!requests)
			put_name(&p);
	}
	return r;
}
