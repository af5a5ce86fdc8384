#include "entry_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "report.h"
#include "state_folder.h"

enum { FILE_NAME = 96, LINE = 512 };

/* "policies-agent" */
static const char *
file_of(enum policy_entry_kind kind, const char *name, char ret[FILE_NAME])
{
	snprintf(ret, FILE_NAME, "%s-%s", policy_entry_section(kind), name);
	return ret;
}

struct loading {
	struct document_list list;
	const char *folder;
	char *text; /* what is wrong */
};

static int
complain(struct loading *l, const char *file, const char *what)
{
	if (asprintf(&l->text,
		    "%s/%s.yaml, which was put over the control socket, is "
		    "bad: %s",
		    l->folder, file, what) < 0)
		l->text = NULL;
	return -EINVAL;
}

static int
load_as(struct loading *l, enum policy_entry_kind kind, const char *file,
	const char *text)
{
	const char *name = file + strlen(policy_entry_section(kind)) + 1;
	struct report *report = report_new();
	struct document d;
	char *why;
	int r = -ENOMEM;

	if (report == NULL)
		return r;
	r = document_init_entry(&d, kind, name, text, report);
	if (r == 0) {
		r = document_list_add(&l->list, &d);
	} else if (r == -EINVAL) {
		why = report_text(report);
		complain(l, file, why != NULL ? why : strerror(ENOMEM));
		free(why);
	}
	report_free(report);
	return r;
}

static int
load(void *arg, const char *file, const char *text)
{
	static const enum policy_entry_kind kinds[] = {
		POLICY_ENTRY_POLICY, POLICY_ENTRY_CREDENTIAL};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *section = policy_entry_section(kinds[i]);
		size_t len = strlen(section);

		if (strncmp(file, section, len) == 0 && file[len] == '-')
			return load_as(arg, kinds[i], file, text);
	}
	return complain(arg, file, "its name says neither what nor whose");
}

int
entry_store_load(const char *folder, struct document_list *ret, char **ret_text)
{
	struct loading l = {.folder = folder};
	char line[LINE] = "";
	int r = state_folder_each(folder, load, &l, line, sizeof(line));

	if (r == 0) {
		*ret = l.list;
		return 0;
	}
	document_list_done(&l.list);
	if (l.text == NULL && line[0] != '\0')
		l.text = strdup(line);
	*ret_text = l.text;
	return r;
}

int
entry_store_put(const char *folder, const struct document *d, char *reterr,
	size_t reterr_size)
{
	char file[FILE_NAME];

	return state_folder_put(folder, file_of(d->kind, d->entry, file),
		d->text, reterr, reterr_size);
}

int
entry_store_remove(const char *folder, enum policy_entry_kind kind,
	const char *name, char *reterr, size_t reterr_size)
{
	char file[FILE_NAME];

	return state_folder_remove(
		folder, file_of(kind, name, file), reterr, reterr_size);
}
