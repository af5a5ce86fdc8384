/*
 * keeper_overlay.c - the change of a sandbox's overlay
 *
 * It is on disk before its done() is called, and after all workers have it: a
 * keeper that is killed on the way starts with the old one or the new one, and
 * has promised neither.
 *
 * One that a document declares for the sandbox is in the sandbox's spec, and
 * holds while none is set.  So a reload that changes the declared one changes
 * nothing under one that was set, and to clear that one is to go back to what
 * is declared by then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "keeper_state.h"
#include "kernel_side.h"
#include "log.h"
#include "overlay.h"
#include "registry.h"
#include "state_folder.h"

/* ---- texts -------------------------------------------------------------- */

/* The canonical text of a document, malloc'd. */
static int
canonical(const char *sandbox, const char *document, char **ret,
	char **ret_report)
{
	struct overlay *o = NULL;
	int r = overlay_read(sandbox, document, &o, ret_report);

	*ret = r == 0 ? overlay_print(o) : NULL;
	if (r == 0 && *ret == NULL)
		r = -ENOMEM;
	overlay_unref(o);
	return r;
}

int
keeper_tag_of(const char *text, char ret[KEEPER_TAG])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) !=
		1)
		return -ENOMEM;
	for (size_t i = 0; i < (KEEPER_TAG - 1) / 2; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

static const char *
text_of(const struct sandbox *s)
{
	const char *text = sandbox_overlay(s);

	return text != NULL ? text : "";
}

int
keeper_overlay_of(struct keeper *k, const char *name, char **ret_text,
	char ret_tag[KEEPER_TAG])
{
	const struct sandbox *s = registry_find(k->registry, name);
	int r;

	if (s == NULL || s->phase != SANDBOX_LIVING)
		return -ENOENT;
	r = keeper_tag_of(text_of(s), ret_tag);
	*ret_text = r == 0 ? strdup(text_of(s)) : NULL;
	return *ret_text == NULL ? -ENOMEM : 0;
}

struct overlay *
keeper_overlay_rules(struct keeper *k, const char *name)
{
	const struct sandbox *s = registry_find(k->registry, name);
	struct overlay *o = NULL;
	char *report = NULL;

	if (s == NULL || sandbox_overlay(s) == NULL ||
		overlay_read(name, sandbox_overlay(s), &o, &report) < 0)
		free(report);
	return o;
}

/* ---- what is kept ------------------------------------------------------- */

static int
load_overlay(
	struct keeper *k, struct sandbox *s, char *reterr, size_t reterr_size)
{
	char *kept, *text = NULL, *report = NULL;
	int r;

	r = state_folder_get(k->overlays, s->name, &kept, reterr, reterr_size);
	if (r < 0 || kept == NULL)
		return r;
	r = canonical(s->name, kept, &text, &report);
	if (r < 0)
		snprintf(reterr, reterr_size,
			"%s/%s.yaml, which was kept for it, is bad: %s",
			k->overlays, s->name,
			report != NULL ? report : strerror(-r));
	else
		s->overlay = text;
	free(report);
	free(kept);
	return r;
}

int
keeper_load_overlays(struct keeper *k, char *reterr, size_t reterr_size)
{
	struct sandbox *s;
	int r;

	for (size_t i = 0; (s = registry_marked(k->registry, i)) != NULL; i++) {
		if (s->phase != SANDBOX_ENTERING || s->overlay != NULL)
			continue;
		r = load_overlay(k, s, reterr, reterr_size);
		if (r < 0)
			return r;
	}
	return 0;
}

void
keeper_drop_overlays(struct keeper *k)
{
	const struct sandbox *s;
	char text[KEEPER_TEXT];

	for (size_t i = 0; (s = registry_marked(k->registry, i)) != NULL; i++) {
		if (s->phase == SANDBOX_LEAVING &&
			state_folder_remove(
				k->overlays, s->name, text, sizeof(text)) < 0)
			log_error("sandbox %s: its overlay stays behind: %s",
				s->name, text);
	}
}

/* ---- the change --------------------------------------------------------- */

static int
begin_overlay(struct keeper *k, struct change *c, char **ret_text)
{
	struct sandbox *s = registry_find(k->registry, c->name);
	char tag[KEEPER_TAG], *text = NULL;
	int r;

	if (s == NULL) {
		*ret_text = strdup("there is no such sandbox");
		return -ENOENT;
	}
	r = keeper_tag_of(text_of(s), tag);
	if (r == 0 && c->match != NULL && strcmp(c->match, tag) != 0) {
		*ret_text = strdup("the overlay has changed since");
		return -ESTALE;
	}
	if (r == 0 && c->entry != NULL)
		r = canonical(c->name, c->entry, &text, ret_text);
	if (r == 0)
		registry_overlay(k->registry, s, text);
	return r;
}

static int
commit_overlay(struct keeper *k, struct change *c, char **ret_text)
{
	const struct sandbox *s = registry_find(k->registry, c->name);
	char text[KEEPER_TEXT];
	int r;

	if (c->ephemeral)
		r = 0; /* what is kept holds again one day */
	else if (s->overlay != NULL)
		r = state_folder_put(
			k->overlays, s->name, s->overlay, text, sizeof(text));
	else
		r = state_folder_remove(
			k->overlays, s->name, text, sizeof(text));
	if (r < 0) {
		*ret_text = strdup(text);
		return r;
	}
	registry_settle(k->registry);
	return 0;
}

static void
undo_overlay(struct keeper *k, struct change *c)
{
	(void)c;
	registry_reverse(k->registry);
}

static const struct change_kind overlay = {
	"set an overlay", begin_overlay, commit_overlay, undo_overlay, NULL};

void
keeper_set_overlay(struct keeper *k, const char *name,
	const struct keeper_overlay *o, keeper_done *done, void *arg)
{
	struct change c = {
		.kind = &overlay,
		.done = done,
		.arg = arg,
		.ephemeral = o->ephemeral,
	};

	if (o->match != NULL && (c.match = strdup(o->match)) == NULL) {
		done(arg, -ENOMEM, strerror(ENOMEM), NULL);
		return;
	}
	keeper_submit(k, &c, name, o->document);
}
