/*
 * An overlay: rules of one sandbox over those of its policy, which may change
 * while it runs (docs/policy.md, "Overlays").
 *
 *	mode: policy
 *	deny: [{host: "**.example.org"}]
 *	allow: [{host: db.example.net, port: 5432, tls: passthrough}]
 *
 * What overlay_set() returns is asked like every other policy.
 */
#ifndef SBX_OVERLAY_H
#define SBX_OVERLAY_H

struct overlay;
struct policy_set;
struct report;
struct tree;
struct tree_node;

/*
 * sandbox: names the rules ("build-1.allow[0]").  Returns 0 and *ret with one
 * reference, -EINVAL with report filled, or -ENOMEM.  The tree may be freed
 * afterwards.
 */
int overlay_compile(const struct tree *tree, const char *sandbox,
	struct overlay **ret, struct report *report);

/* The same, of a part of a tree. */
int overlay_compile_entry(const struct tree_node *entry, const char *sandbox,
	struct overlay **ret, struct report *report);

/* The same, of a document's text; with -EINVAL *ret_report is what is wrong
 * with it, malloc'd, or NULL for want of memory. */
int overlay_read(const char *sandbox, const char *text, struct overlay **ret,
	char **ret_report);

struct overlay *overlay_ref(struct overlay *o); /* both accept NULL */
void overlay_unref(struct overlay *o);

/*
 * The overlay over base; valid as long as both, and until the next call, which
 * may be with another base: that makes the same set stand over it.
 */
const struct policy_set *overlay_over(
	struct overlay *o, const struct policy_set *base);

/* Canonical YAML, malloc'd; NULL: out of memory. */
char *overlay_print(const struct overlay *o);

#endif
