/*
 * wishes.c - wishes kept, counted and put in order
 *
 * Each different wish is one entry, found through a tree and, to be printed,
 * sorted: by policy, then place (host or address, and port), then what was
 * asked there.  What belongs to one place is printed by wish_rules.c.
 */
#include "wishes.h"

#include <errno.h>
#include <netinet/in.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "rule_line.h"
#include "synthetic.h"
#include "token.h"
#include "wish_rules.h"
#include "yaml_text.h"

enum {
	NAME_MAX_BYTES = 63,
	PATH_BYTES = 1000, /* a longer one may have been cut */
};

struct wishes {
	struct wish_entry entries[WISHES_MAX];
	size_t count;
	void *tree; /* tsearch(3) of them */
};

struct wishes *
wishes_new(void)
{
	return calloc(1, sizeof(struct wishes));
}

static void
keep(void *entry)
{
	(void)entry; /* the array's */
}

static void
entry_done(struct wish_entry *e)
{
	for (size_t i = 0; i < WISH_TEXTS; i++)
		free(e->texts[i]);
}

void
wishes_free(struct wishes *w)
{
	if (w == NULL)
		return;
	tdestroy(w->tree, keep);
	for (size_t i = 0; i < w->count; i++)
		entry_done(&w->entries[i]);
	free(w);
}

/* ---- what can be said --------------------------------------------------- */

static bool
is_policy_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strlen(name);

	return len >= 1 && len <= NAME_MAX_BYTES &&
	       strchr(letters, name[0]) != NULL &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len;
}

static const char *
address_is_hopeless(const char *text)
{
	struct addr_range range;

	if (addr_parse(text, &range) < 0 || strchr(text, '/') != NULL)
		return "the record holds no address and port";
	if (synthetic_covers(range.family, range.bytes))
		return "such an address stands for a name, and was not told "
		       "to this sandbox: have it look the name up";
	return NULL;
}

static const char *
request_is_hopeless(const struct wish *w)
{
	if (!rule_line_takes_method(w->method))
		return "rules name methods in upper case only: no narrow rule "
		       "names this one";
	if (!rule_line_takes_path(w->path))
		return "the path can be read in two ways, which no rule with "
		       "a path allows: have the client send the plain path";
	if (strlen(w->path) > PATH_BYTES || strstr(w->path, "\xef\xbf\xbd"))
		return "the log does not hold the whole path as it was";
	return NULL;
}

const char *
wish_hopeless(const struct wish *w)
{
	if (!is_policy_name(w->policy))
		return "the record names no policy";
	if (w->host == NULL && w->port == 0)
		return "the record holds no address and port";
	if (w->host == NULL)
		return address_is_hopeless(w->address);
	if (!rule_line_takes_host(w->host))
		return "this is no host name";
	return w->method != NULL ? request_is_hopeless(w) : NULL;
}

/* ---- keeping ------------------------------------------------------------ */

static int
by_key(const void *a, const void *b)
{
	const struct wish_entry *ea = a, *eb = b;
	int order = 0;

	for (size_t i = 0; i < WISH_TEXTS && order == 0; i++) {
		if (i == WISH_METHOD)
			order = (int)ea->port - (int)eb->port;
		if (order == 0)
			order = strcmp(ea->texts[i], eb->texts[i]);
	}
	return order;
}

static int
entry_init(struct wish_entry *e, const struct wish *w)
{
	const char *const texts[WISH_TEXTS] = {
		[WISH_POLICY] = w->policy,
		[WISH_PLACE] = w->host != NULL ? w->host : w->address,
		[WISH_METHOD] = w->host != NULL ? w->method : NULL,
		[WISH_PATH] = w->host != NULL ? w->path : NULL,
		[WISH_SANDBOX] = w->sandbox,
	};
	int r = 0;

	*e = (struct wish_entry){.port = w->port, .by_name = w->host != NULL};
	for (size_t i = 0; i < WISH_TEXTS; i++) {
		e->texts[i] = strdup(texts[i] != NULL ? texts[i] : "");
		if (e->texts[i] == NULL)
			r = -ENOMEM;
	}
	return r;
}

int
wishes_add(struct wishes *w, const struct wish *wish)
{
	struct wish_entry key, *entry = &w->entries[w->count], **found;
	int r = entry_init(&key, wish);

	if (r < 0)
		goto out;
	found = tfind(&key, &w->tree, by_key);
	if (found == NULL) {
		r = -ENOSPC;
		if (w->count == WISHES_MAX)
			goto out;
		*entry = key;
		r = -ENOMEM;
		if (tsearch(entry, &w->tree, by_key) == NULL)
			goto out;
		key = (struct wish_entry){.port = 0};
		w->count++;
	} else {
		entry = *found;
	}
	entry->count += wish->count > 0 ? wish->count : 1;
	r = 0;
out:
	entry_done(&key);
	return r;
}

/* ---- printing ----------------------------------------------------------- */

static bool
same(const struct wish_entry *a, const struct wish_entry *b, bool place)
{
	return strcmp(a->texts[WISH_POLICY], b->texts[WISH_POLICY]) == 0 &&
	       (!place ||
		       strcmp(a->texts[WISH_PLACE], b->texts[WISH_PLACE]) == 0);
}

/* How many from the first on are alike. */
static size_t
run_of(const struct wish_entry *entries, size_t count, bool place)
{
	size_t n = 1;

	while (n < count && same(entries, entries + n, place))
		n++;
	return n;
}

int
wishes_print(struct wishes *w, FILE *out)
{
	size_t policy, place;
	int r = 0;

	/* The tree points into what is sorted now. */
	tdestroy(w->tree, keep);
	w->tree = NULL;
	qsort(w->entries, w->count, sizeof(w->entries[0]), by_key);
	fputs(w->count > 0 ? "policies:\n" : "", out);
	for (size_t i = 0; i < w->count && r == 0; i += policy) {
		policy = run_of(&w->entries[i], w->count - i, false);
		fputs("  ", out);
		yaml_put_text(out, w->entries[i].texts[WISH_POLICY]);
		fputs(":\n    allow:\n", out);
		for (size_t k = 0; k < policy && r == 0; k += place) {
			place = run_of(&w->entries[i + k], policy - k, true);
			r = wish_rules_print(&w->entries[i + k], place, out);
		}
	}
	return r;
}
