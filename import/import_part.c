/*
 * import_part.c - what was read, line by line where it stood
 *
 * Each part is one map in YAML's flow style, in which a line may end between
 * any two entries: so before an entry as many lines are ended as it takes to
 * be on the line of the source that it comes of.  That is why there is a part
 * for each list: within one the lines go up, from one to another they need
 * not.  (Where a kit names the places of one credential in several sections,
 * the order counts and a line may be that of an earlier place.)
 */
#include "import_part.h"

#include "import_document.h"
#include "intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct page {
	FILE *out;
	unsigned line;
	bool any; /* entry of its list */
};

static void
begin_entry(struct page *p, struct report_mark at)
{
	fputs(p->any ? "," : "", p->out);
	p->any = true;
	for (; p->line < at.line; p->line++)
		fputc('\n', p->out);
	fputs(" {", p->out);
}

/* ---- rules -------------------------------------------------------------- */

static int
by_line(const void *a, const void *b)
{
	const struct intake_rule *const *x = a, *const *y = b;

	if ((*x)->at.line != (*y)->at.line)
		return (*x)->at.line < (*y)->at.line ? -1 : 1;
	return (*x)->at.column < (*y)->at.column ? -1 : 1;
}

static void
put_rules(struct page *p, const struct intake *in, bool deny)
{
	const struct intake_rule **rules =
		calloc(in->rule_count + 1, sizeof(struct intake_rule *));
	size_t n = 0;

	if (rules == NULL) {
		fclose(p->out);
		p->out = NULL;
		return;
	}
	for (const struct intake_rule *r = in->rules; r != NULL; r = r->next) {
		if (r->deny == deny && foreign_host_is_said(&r->host))
			rules[n++] = r;
	}
	qsort(rules, n, sizeof(struct intake_rule *), by_line);
	fprintf(p->out, "%s: [", deny ? "deny" : "allow");
	for (size_t i = 0; i < n; i++) {
		begin_entry(p, rules[i]->at);
		import_put_host(p->out, &rules[i]->host);
		fputs(rules[i]->host.broad ? ", broad: true}" : "}", p->out);
	}
	fputs("]", p->out);
	free(rules);
}

/* ---- credentials -------------------------------------------------------- */

static const struct intake_binding *
nth_credential(const struct intake *in, size_t n)
{
	const struct intake_binding *b = in->bindings;

	for (; b != NULL; b = b->next) {
		if (b->first && !b->left_out && n-- == 0)
			break;
	}
	return b;
}

enum { NAME_BYTES_MAX = 63 };

/* POLICY.NAME, or of a long name its end, which tells it from the others. */
static void
put_name(struct page *p, const char *policy, const char *name)
{
	size_t room = NAME_BYTES_MAX - 1, len = strlen(name);

	room -= strlen(policy) < room ? strlen(policy) : 0;
	fprintf(p->out, " \"%s.%s\"", policy,
		len > room ? name + len - room : name);
}

static void
put_credential(
	struct page *p, const char *policy, const struct intake_binding *first)
{
	fputs("credentials: {", p->out);
	for (; p->line < first->at.line; p->line++)
		fputc('\n', p->out);
	put_name(p, policy, first->name);
	fputs(": {source: {env: [", p->out);
	for (size_t i = 0; i < first->env.count; i++) {
		fputs(i > 0 ? ", " : "", p->out);
		import_put_word(p->out, first->env.items[i]);
	}
	fputs("]}, inject: [", p->out);
	for (const struct intake_binding *b = first; b != NULL; b = b->next) {
		if (b->left_out || strcmp(b->name, first->name) != 0)
			continue;
		begin_entry(p, b->at);
		import_put_host(p->out, &b->host);
		fputs(", header: ", p->out);
		import_put_word(p->out, b->header);
		fputs(", format: ", p->out);
		import_put_word(p->out, b->format);
		fputc('}', p->out);
	}
	fputs("]}}", p->out);
}

/* ---- a part -------------------------------------------------------------- */

enum { RULE_PARTS = 2 };

size_t
import_part_count(const struct intake *in)
{
	size_t n = 0;

	while (nth_credential(in, n) != NULL)
		n++;
	return RULE_PARTS + n;
}

char *
import_part_print(const struct intake *in, const char *policy, size_t n)
{
	char *text = NULL;
	size_t size = 0;
	struct page p = {.out = open_memstream(&text, &size), .line = 1};
	bool bad;

	if (p.out == NULL)
		return NULL;
	fprintf(p.out, "{kit_of: \"%s\", ", policy);
	if (n < RULE_PARTS)
		put_rules(&p, in, n == 1);
	else
		put_credential(&p, policy, nth_credential(in, n - RULE_PARTS));
	if (p.out != NULL)
		fputs("}\n", p.out);
	bad = p.out == NULL || ferror(p.out) != 0;
	if (p.out != NULL)
		bad |= fclose(p.out) != 0;
	if (!bad)
		return text;
	free(text);
	return NULL;
}
