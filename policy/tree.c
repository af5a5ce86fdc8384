/*
 * tree.c - YAML text to a tree
 *
 * Theory of operation
 *
 * libyaml turns the text into events, and each event goes through accept():
 * it makes a node, hangs it below the open list or map on top of a small stack
 * (so that depth is bounded and nothing recurses), and remembers a map's key
 * until its value comes.  What YAML has and we refuse (anchors, tags, more than
 * one document, ...) ends the parse; duplicate keys are all reported, when
 * their map closes, because a person wants to see them in one run.
 */
#include "tree.h"

#include "region.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct tree {
	struct region *region;
	const struct tree_node *root;
};

struct level { /* one open list or map */
	struct tree_node *node;
	struct tree_node *last;      /* its last entry so far */
	const struct tree_node *key; /* map: waiting for its value */
};

struct parse {
	struct tree *tree;
	struct report *report;
	const char *name;
	struct level levels[TREE_DEPTH_MAX];
	size_t depth, nodes, documents;
	bool bad; /* something was reported, but reading can go on */
};

static struct report_mark
mark_of(const struct parse *p, yaml_mark_t m)
{
	return (struct report_mark){
		p->name, (unsigned)m.line + 1, (unsigned)m.column + 1};
}

static int
refuse(struct parse *p, const yaml_event_t *e, const char *what)
{
	report_add(p->report, mark_of(p, e->start_mark), "%s", what);
	return -EINVAL;
}

/* ---- maps: keys ------------------------------------------------------- */

static int
by_key(const void *va, const void *vb)
{
	const struct tree_node *a = *(const struct tree_node *const *)va;
	const struct tree_node *b = *(const struct tree_node *const *)vb;
	int r = strcmp(a->key->text, b->key->text);

	if (r != 0)
		return r;
	if (a->key->at.line != b->key->at.line)
		return a->key->at.line < b->key->at.line ? -1 : 1;
	return a->key->at.column < b->key->at.column ? -1 : 1;
}

/* Sorts, so that a map of 100,000 keys is not compared each with each. */
static int
check_unique(struct parse *p, const struct tree_node *map)
{
	const struct tree_node **sorted;
	char quote[REPORT_QUOTE];
	size_t n = 0;

	if (map->count < 2)
		return 0;
	sorted = calloc(map->count, sizeof(struct tree_node *));
	if (sorted == NULL)
		return -ENOMEM;
	for (const struct tree_node *e = map->first; e != NULL; e = e->next)
		sorted[n++] = e;
	qsort(sorted, n, sizeof(struct tree_node *), by_key);
	for (size_t i = 1; i < n; i++) {
		const struct tree_node *a = sorted[i - 1]->key;
		const struct tree_node *b = sorted[i]->key;

		if (strcmp(a->text, b->text) != 0)
			continue;
		p->bad = true;
		report_add(p->report, b->at,
			"duplicate key %s, first given in line %u",
			report_quote(b->text, quote), a->at.line);
	}
	free(sorted);
	return 0;
}

static int
check_key(struct parse *p, const yaml_event_t *e, const struct tree_node *n)
{
	if (n->kind != TREE_SCALAR)
		return refuse(p, e, "a key must be a word, not a list or map");
	if (!n->quoted && strcmp(n->text, "<<") == 0)
		return refuse(p, e, "merge keys (<<) are not supported");
	return 0;
}

/* ---- nodes ------------------------------------------------------------ */

static int
new_node(struct parse *p, const yaml_event_t *e, enum tree_kind kind,
	struct tree_node **ret)
{
	struct tree_node *n;

	if (++p->nodes > TREE_NODES_MAX)
		return refuse(p, e, "the document has too many entries");
	n = region_alloc(p->tree->region, 1, sizeof(*n));
	if (n == NULL)
		return -ENOMEM;
	n->kind = kind;
	n->at = mark_of(p, e->start_mark);
	*ret = n;
	return 0;
}

/* Puts n where it belongs: the root, a list's end, a map's key or value. */
static int
attach(struct parse *p, const yaml_event_t *e, struct tree_node *n)
{
	struct level *top;

	if (p->depth == 0) {
		p->tree->root = n;
		return 0;
	}
	top = &p->levels[p->depth - 1];
	if (top->node->kind == TREE_MAP && top->key == NULL) {
		top->key = n;
		return check_key(p, e, n);
	}
	n->key = top->key;
	top->key = NULL;
	if (top->last != NULL)
		top->last->next = n;
	else
		top->node->first = n;
	top->last = n;
	top->node->count++;
	return 0;
}

static int
accept_scalar(struct parse *p, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	struct tree_node *n;
	int r;

	if (e->data.scalar.anchor != NULL)
		return refuse(p, e, "anchors (&) are not supported");
	if (e->data.scalar.tag != NULL)
		return refuse(p, e, "tags (!) are not supported");
	if (memchr(text, '\0', len) != NULL)
		return refuse(p, e, "a text may not hold a NUL character");
	r = new_node(p, e, TREE_SCALAR, &n);
	if (r < 0)
		return r;
	n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	n->text = region_copy(p->tree->region, text, len);
	if (n->text == NULL)
		return -ENOMEM;
	return attach(p, e, n);
}

static int
accept_open(struct parse *p, const yaml_event_t *e, enum tree_kind kind)
{
	bool map = kind == TREE_MAP;
	struct tree_node *n;
	int r;

	if ((map ? e->data.mapping_start.anchor
		 : e->data.sequence_start.anchor) != NULL)
		return refuse(p, e, "anchors (&) are not supported");
	if ((map ? e->data.mapping_start.tag : e->data.sequence_start.tag) !=
		NULL)
		return refuse(p, e, "tags (!) are not supported");
	if (p->depth == TREE_DEPTH_MAX)
		return refuse(p, e, "lists and maps are nested too deep");
	r = new_node(p, e, kind, &n);
	if (r < 0)
		return r;
	r = attach(p, e, n);
	if (r < 0)
		return r;
	p->levels[p->depth++] = (struct level){.node = n};
	return 0;
}

static int
accept_close(struct parse *p)
{
	const struct tree_node *n;

	assert(p->depth > 0);
	n = p->levels[--p->depth].node;
	return n->kind == TREE_MAP ? check_unique(p, n) : 0;
}

static int
accept_document(struct parse *p, const yaml_event_t *e)
{
	if (++p->documents > 1)
		return refuse(p, e, "a file may hold one document only");
	if (e->data.document_start.version_directive != NULL ||
		e->data.document_start.tag_directives.start !=
			e->data.document_start.tag_directives.end)
		return refuse(p, e, "directives (%) are not supported");
	return 0;
}

static int
accept(struct parse *p, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return accept_document(p, e);
	case YAML_ALIAS_EVENT:
		return refuse(p, e,
			"aliases (*) are not supported; "
			"a text that begins with * needs quotes");
	case YAML_SCALAR_EVENT:
		return accept_scalar(p, e);
	case YAML_SEQUENCE_START_EVENT:
		return accept_open(p, e, TREE_LIST);
	case YAML_MAPPING_START_EVENT:
		return accept_open(p, e, TREE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return accept_close(p);
	default:
		return 0;
	}
}

/* ---- the whole text --------------------------------------------------- */

/* The reader knows a byte's offset only; people want a line. */
static struct report_mark
mark_at_offset(const struct parse *p, const char *text, size_t offset)
{
	struct report_mark at = {p->name, 1, 1};

	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

/* The commonest slip: a host pattern such as *.example.org without quotes. */
static bool
is_star(const yaml_parser_t *y)
{
	return y->context != NULL &&
	       strcmp(y->context, "while scanning an alias") == 0;
}

static int
report_problem(
	struct parse *p, const yaml_parser_t *y, const char *text, size_t len)
{
	size_t offset = y->problem_offset < len ? y->problem_offset : len;

	switch (y->error) {
	case YAML_MEMORY_ERROR:
		return -ENOMEM;
	case YAML_READER_ERROR:
		report_add(p->report, mark_at_offset(p, text, offset),
			"not UTF-8 text: %s", y->problem);
		break;
	default:
		report_add(p->report, mark_of(p, y->problem_mark),
			"not YAML: %s%s%s%s", y->problem,
			y->context != NULL ? " " : "",
			y->context != NULL ? y->context : "",
			is_star(y) ? "; a text that begins with * needs quotes"
				   : "");
	}
	return -EINVAL;
}

static int
read_events(struct parse *p, const char *text, size_t len)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	yaml_parser_t y;
	int r = 0;

	if (yaml_parser_initialize(&y) == 0)
		return -ENOMEM;
	yaml_parser_set_input_string(&y, (const unsigned char *)text, len);
	yaml_parser_set_encoding(&y, YAML_UTF8_ENCODING);
	while (r == 0 && type != YAML_STREAM_END_EVENT) {
		yaml_event_t e;

		if (yaml_parser_parse(&y, &e) == 0) {
			r = report_problem(p, &y, text, len);
			break;
		}
		type = e.type;
		r = accept(p, &e);
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&y);
	return r == 0 && p->bad ? -EINVAL : r;
}

static int
build(struct parse *p, const char *text, size_t len)
{
	struct tree_node *empty;
	int r;

	p->name = region_copy(p->tree->region, p->name, strlen(p->name));
	empty = region_alloc(p->tree->region, 1, sizeof(*empty));
	if (empty == NULL)
		return -ENOMEM;
	*empty = (struct tree_node){.kind = TREE_MAP, .at = {p->name, 1, 1}};
	p->tree->root = empty;
	if (len > TREE_SIZE_MAX) {
		report_add(p->report, (struct report_mark){p->name, 0, 0},
			"larger than %d MiB", TREE_SIZE_MAX >> 20);
		return -EINVAL;
	}
	r = read_events(p, text, len);
	return r;
}

int
tree_parse(const char *name, const char *text, size_t len, struct tree **ret,
	struct report *report)
{
	struct parse p = {.name = name, .report = report};
	int r = -ENOMEM;

	p.tree = calloc(1, sizeof(*p.tree));
	if (p.tree == NULL)
		goto fail;
	p.tree->region = region_new();
	if (p.tree->region == NULL)
		goto fail;
	r = build(&p, text, len);
	if (r < 0)
		goto fail;
	*ret = p.tree;
	return 0;
fail:
	tree_free(p.tree);
	return r;
}

void
tree_free(struct tree *t)
{
	if (t == NULL)
		return;
	region_free(t->region);
	free(t);
}

const struct tree_node *
tree_root(const struct tree *t)
{
	return t->root;
}

const struct tree_node *
tree_get(const struct tree_node *map, const char *key)
{
	if (map->kind != TREE_MAP)
		return NULL;
	for (const struct tree_node *e = map->first; e != NULL; e = e->next) {
		if (strcmp(e->key->text, key) == 0)
			return e;
	}
	return NULL;
}

/* ---- a value of a larger document --------------------------------------- */

static struct tree_node *
make_scalar(struct tree *t, const char *text, bool quoted)
{
	struct tree_node *n = region_alloc(t->region, 1, sizeof(*n));

	if (n == NULL)
		return NULL;
	*n = (struct tree_node){.kind = TREE_SCALAR,
		.at = {t->root->at.file, 1, 1},
		.quoted = quoted,
		.text = region_copy(t->region, text, strlen(text))};
	return n->text != NULL ? n : NULL;
}

int
tree_nest(struct tree *t, const char *key)
{
	struct tree_node *map = region_alloc(t->region, 1, sizeof(*map));
	struct tree_node *value = region_alloc(t->region, 1, sizeof(*value));
	const struct tree_node *name = make_scalar(t, key, true);

	if (map == NULL || value == NULL || name == NULL)
		return -ENOMEM;
	*value = *t->root;
	value->key = name;
	*map = (struct tree_node){
		.kind = TREE_MAP, .at = name->at, .first = value, .count = 1};
	t->root = map;
	return 0;
}

int
tree_lead(struct tree *t, const char *key, const char *text)
{
	struct tree_node *map = region_alloc(t->region, 1, sizeof(*map));
	const struct tree_node *name = make_scalar(t, key, true);
	struct tree_node *value = make_scalar(t, text, false);

	assert(t->root->kind == TREE_MAP);
	if (map == NULL || value == NULL || name == NULL)
		return -ENOMEM;
	value->key = name;
	value->next = t->root->first;
	*map = *t->root;
	map->first = value;
	map->count++;
	t->root = map;
	return 0;
}
