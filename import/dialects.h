/*
 * The readers of the dialects: each takes a document's root into an intake,
 * and reports what is wrong.  Pure.
 */
#ifndef SBX_DIALECTS_H
#define SBX_DIALECTS_H

struct intake;
struct tree_node;

typedef void dialect_reader(struct intake *in, const struct tree_node *root);

dialect_reader kit_read; /* either version, as the document says */
dialect_reader proxy_config_read;
dialect_reader cloudflare_read;

/* The two halves of kit_read(). */
dialect_reader kit_v1_read;
dialect_reader kit_v2_read;

#endif
