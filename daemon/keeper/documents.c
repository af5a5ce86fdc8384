#include "documents.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "documents_part.h"
#include "policy.h"
#include "report.h"
#include "settings.h"
#include "tree.h"

enum {
	PATH_SIZE = 4096,
};

struct loading {
	struct documents *d;
	struct report *report;
	struct report_mark named; /* where a document names the file at hand */
	bool no_memory, bad_kit;
};

static void
complain(struct loading *l, const char *path, const char *what)
{
	struct report_mark at = {.file = path};

	if (l->named.file != NULL)
		report_add(l->report, l->named, "%s: %s", path, what);
	else
		report_add(l->report, at, "%s", what);
}

/* ---- files ------------------------------------------------------------ */

/* What is wrong with it, or NULL. */
static const char *
judge_file(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if ((st->st_mode & S_IWOTH) != 0)
		return "writable by everybody: refused (chmod o-w)";
	if (st->st_size > DOCUMENT_BYTES_MAX)
		return "larger than 8 MiB";
	return NULL;
}

static int
read_all(int fd, char *text, size_t size, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, text + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

/* The text, malloc'd and terminated, or NULL after a complaint. */
static char *
read_file(struct loading *l, const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *wrong = NULL;
	char *text = NULL;
	struct stat st = {0};
	int r = 0;

	*ret_len = 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		r = -errno;
	else
		wrong = judge_file(&st);
	if (r == 0 && wrong == NULL) {
		text = malloc((size_t)st.st_size + 1);
		l->no_memory |= text == NULL;
	}
	if (text != NULL)
		r = read_all(fd, text, (size_t)st.st_size, ret_len);
	if (text != NULL)
		text[*ret_len] = '\0';
	if (r < 0)
		wrong = strerror(-r);
	if (wrong != NULL) {
		complain(l, path, wrong);
		free(text);
		text = NULL;
	}
	if (fd >= 0)
		close(fd);
	return text;
}

int
documents_add(struct documents *d, struct document *document)
{
	struct document_list l = {d->files, d->count};
	int r = document_list_add(&l, document);

	d->files = l.items;
	d->count = l.count;
	return r;
}

int
documents_add_text(struct documents *d, const char *path, char *text,
	size_t len, struct report *report)
{
	struct tree *tree = NULL;
	struct document file;
	int r = 0;

	if (d->count == DOCUMENTS_MAX) {
		report_add(report, (struct report_mark){.file = path},
			"more than %d files", DOCUMENTS_MAX);
		free(text);
		return -EINVAL;
	}
	if (text != NULL)
		r = tree_parse(path, text, len, &tree, report);
	if (r == -ENOMEM || document_init(&file, path, text, len, tree) < 0) {
		tree_free(tree);
		free(text);
		return -ENOMEM;
	}
	return documents_add(d, &file);
}

static void
load_file(struct loading *l, const char *path)
{
	size_t len;
	char *text = read_file(l, path, &len);

	if (documents_add_text(l->d, path, text, len, l->report) == -ENOMEM)
		l->no_memory = true;
}

/* ---- folders ---------------------------------------------------------- */

bool
documents_is_name(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 &&
	       strcmp(name + len - 5, ".yaml") == 0;
}

static int
is_document(const struct dirent *entry)
{
	return documents_is_name(entry->d_name);
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* All *.yaml of a folder in the order of their bytes; none if it is absent. */
static void
load_folder(struct loading *l, const char *dir, const char *folder)
{
	char path[PATH_SIZE], name[2 * PATH_SIZE];
	struct dirent **entries;
	int count;

	snprintf(path, sizeof(path), "%s%s", dir, folder);
	count = scandir(path, &entries, is_document, by_bytes);
	if (count < 0 && errno != ENOENT)
		complain(l, path, strerror(errno));
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		load_file(l, name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static void
load_all(struct loading *l, const char *config, const char *runtime_dir)
{
	const char *slash = strrchr(config, '/');
	int dir_len = slash != NULL ? (int)(slash - config) + 1 : 0;
	char dir[PATH_SIZE];
	int r;

	load_file(l, config);
	snprintf(dir, sizeof(dir), "%.*s", dir_len, config);
	load_folder(l, dir, "policies.d");
	load_folder(l, dir, "sandboxes.d");
	snprintf(dir, sizeof(dir), "%s/", runtime_dir);
	load_folder(l, dir, "sandboxes.d");
	r = documents_add_kits(l->d, l->report);
	l->no_memory |= r == -ENOMEM;
	l->bad_kit = r < 0;
	l->d->file_count = l->d->count;
}

/* ---- compiling -------------------------------------------------------- */

static const struct tree **
all_trees(const struct documents *d, const struct tree *last)
{
	const struct tree **trees = calloc(d->count + 1, sizeof(struct tree *));

	for (size_t i = 0; trees != NULL && i < d->count; i++)
		trees[i] = d->files[i].tree;
	if (trees != NULL)
		trees[d->count] = last;
	return trees;
}

static bool
all_parsed(const struct documents *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->files[i].tree == NULL)
			return false;
	return true;
}

/* Where distributions keep what the host trusts; the first if there is none,
 * so that the complaint names a file. */
static const char *
find_bundle(void)
{
	static const char *const bundles[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/cert.pem",
	};

	for (size_t i = 0; i < ARRAY_LEN(bundles); i++)
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	return bundles[0];
}

static int
read_trust(struct loading *l)
{
	struct documents *d = l->d;
	const char *path = d->settings->upstream.ca_file;
	const struct tree_node *root = tree_root(d->files[0].tree);

	if (path != NULL)
		l->named = tree_get(tree_get(root, "upstream"), "ca_file")->at;
	else
		path = find_bundle();
	d->trust = read_file(l, path, &d->trust_len);
	if (d->trust == NULL)
		return l->no_memory ? -ENOMEM : -EINVAL;
	return 0;
}

int
documents_compile(struct documents *d, struct report *report)
{
	const struct tree **trees = all_trees(d, NULL);
	int r, s;

	if (trees == NULL)
		return -ENOMEM;
	/* Both, so that one run tells all that is wrong. */
	s = settings_read(trees, d->count, &d->settings, report);
	r = policy_compile(
		trees, d->count, settings_keys(), &d->policy, report);
	free(trees);
	return s < 0 ? s : r;
}

/* A name of both is an error already: what to do about it. */
static void
explain_conflicts(const struct documents *d, struct report *report)
{
	struct document_list entries = documents_entries(d);

	for (size_t i = 0; i < entries.count; i++) {
		const struct document *e = &entries.items[i];
		const char *section = policy_entry_section(e->kind);

		for (size_t k = 0; k < d->file_count; k++) {
			const struct tree_node *map =
				tree_get(tree_root(d->files[k].tree), section);
			const struct tree_node *at =
				map != NULL ? tree_get(map, e->entry) : NULL;

			if (at != NULL)
				report_add(report, at->key->at,
					"%s %s was put over the control socket "
					"already: remove it there, or here",
					policy_entry_noun(e->kind), e->entry);
		}
	}
}

static int
compile_files(struct loading *l, const struct document_list *entries)
{
	struct document_list all = {l->d->files, l->d->count};
	int r;

	if (l->no_memory || !all_parsed(l->d))
		return l->no_memory ? -ENOMEM : -EINVAL;
	if (entries != NULL) {
		r = document_list_extend(&all, entries);
		l->d->files = all.items;
		l->d->count = all.count;
		if (r < 0)
			return r;
	}
	r = documents_compile(l->d, l->report);
	if (r == 0 && l->bad_kit)
		r = -EINVAL;
	if (r == -EINVAL)
		explain_conflicts(l->d, l->report);
	return r < 0 ? r : read_trust(l);
}

int
documents_close_report(struct report *report, int r, char **ret_report)
{
	if (r == -EINVAL) {
		*ret_report = report_text(report);
		r = *ret_report != NULL ? r : -ENOMEM;
	}
	report_free(report);
	return r;
}

int
documents_load(const char *config, const char *runtime_dir,
	const struct document_list *entries, struct documents **ret,
	char **ret_report)
{
	struct loading l = {
		.d = calloc(1, sizeof(*l.d)),
		.report = report_new(),
	};
	int r = -ENOMEM;

	if (l.d != NULL && l.report != NULL) {
		load_all(&l, config, runtime_dir);
		r = compile_files(&l, entries);
	}
	r = documents_close_report(l.report, r, ret_report);
	if (r == 0)
		*ret = l.d;
	else
		documents_free(l.d);
	return r;
}

void
documents_free(struct documents *d)
{
	struct document_list all;

	if (d == NULL)
		return;
	all = (struct document_list){d->files, d->count};
	document_list_done(&all);
	settings_free(d->settings);
	policy_unref(d->policy);
	free(d->trust);
	free(d->notes);
	free(d);
}

struct document_list
documents_entries(const struct documents *d)
{
	return (struct document_list){
		d->files + d->file_count, d->count - d->file_count};
}

/* ---- one sandbox more ------------------------------------------------- */

/* Puts the entry under its keys, by indenting each of its lines. */
static char *
wrap_entry(const char *name, const char *entry, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	if (out == NULL)
		return NULL;
	fprintf(out, "version: 1\nsandboxes:\n  \"%s\":\n", name);
	for (size_t len; *entry != '\0'; entry += len) {
		len = strcspn(entry, "\n");
		fprintf(out, "    %.*s\n", (int)len, entry);
		len += entry[len] == '\n';
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Worth its own error: the one thing that is not wrong with the entry. */
static int
check_policy(const struct documents *d, const struct tree *tree,
	const char *name, struct report *report)
{
	const struct tree_node *at = tree_get(tree_root(tree), "sandboxes");
	const struct tree_node *policy = NULL;
	char quote[REPORT_QUOTE];

	if (at != NULL)
		at = tree_get(at, name);
	if (at != NULL)
		policy = tree_get(at, "policy");
	if (policy == NULL || policy->kind != TREE_SCALAR ||
		policy_find(d->policy, policy->text) != NULL)
		return 0;
	report_add(report, policy->at, "there is no policy %s",
		report_quote(policy->text, quote));
	return -ENOENT;
}

int
documents_compile_sandbox(const struct documents *d, const char *name,
	const char *entry, struct policy **ret, char **ret_report)
{
	struct report *report = report_new();
	const struct tree **trees = NULL;
	char title[96], *text = NULL;
	struct tree *tree = NULL;
	size_t len = 0;
	int r = -ENOMEM;

	snprintf(title, sizeof(title), "sandbox %s", name);
	text = wrap_entry(name, entry, &len);
	if (report == NULL || text == NULL)
		goto end;
	r = tree_parse(title, text, len, &tree, report);
	if (r < 0)
		goto end;
	r = check_policy(d, tree, name, report);
	if (r < 0)
		goto end;
	r = -ENOMEM;
	trees = all_trees(d, tree);
	if (trees == NULL)
		goto end;
	r = policy_compile(trees, d->count + 1, settings_keys(), ret, report);
end:
	if (r == -EINVAL || r == -ENOENT)
		*ret_report = report_text(report);
	if (r < 0 && *ret_report == NULL)
		r = -ENOMEM;
	free(trees);
	tree_free(tree);
	free(text);
	report_free(report);
	return r;
}
