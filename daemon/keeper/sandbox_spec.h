/*
 * What is said of a sandbox, copied out of the documents that said it.
 * Internal to the registry.
 */
#ifndef SBX_SANDBOX_SPEC_H
#define SBX_SANDBOX_SPEC_H

#include <stdbool.h>
#include <stdint.h>

struct policy_sandbox;
struct sandbox_spec;

/* NULL: out of memory. */
struct sandbox_spec *sandbox_spec_new(const struct policy_sandbox *declared);
void sandbox_spec_free(struct sandbox_spec *s); /* accepts NULL */

bool sandbox_spec_equal(
	const struct sandbox_spec *a, const struct sandbox_spec *b);

/* A bit for each of the workers that its addresses are steered to. */
uint64_t sandbox_spec_served(const struct sandbox_spec *s, uint32_t workers);

#endif
