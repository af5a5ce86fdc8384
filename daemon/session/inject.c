#include "inject.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "keyring.h"
#include "message.h"
#include "policy.h"
#include "secret.h"

enum {
	VALUE_MAX = 16 * 1024, /* of a rendered field */
	CANDIDATES = 64,       /* a policy lists no more credentials */
};

static const char marker[] = "${value}";

bool
inject_add_name(char list[INJECT_NAMES], const char *name)
{
	size_t len = strlen(list), size = strlen(name) + 1;

	/* Part of a name would be another one's. */
	if (size + 1 > INJECT_NAMES - len)
		return false;
	if (len > 0)
		list[len++] = ',';
	memcpy(list + len, name, size);
	return true;
}

bool
inject_takes(const struct inject_plan *plan, struct span header)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (http_names_alike(span_of(plan->entries[i]->header), header))
			return true;
	}
	return false;
}

static bool
holds(struct span text, const char *part)
{
	return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

/* Whether what the sandbox sent calls for it. */
static bool
is_called_for(
	const struct policy_injection *in, const struct http_head *request)
{
	struct span name = span_of(in->header);
	const struct http_field *f = http_head_find_name(request, name);

	switch (in->mode) {
	case POLICY_INJECT_ALWAYS:
		return true;
	case POLICY_INJECT_IF_ABSENT:
		return f == NULL;
	case POLICY_INJECT_IF_PLACEHOLDER:
		return f != NULL &&
		       holds(http_head_value(request, f), in->placeholder);
	}
	return false;
}

static const struct secret *
value_of(const struct keyring *keyring, const struct policy_injection *in,
	const char *sandbox)
{
	return keyring_value(keyring, in->credential, in->own ? sandbox : NULL);
}

void
inject_plan(const struct inject_target *target, const struct keyring *keyring,
	const struct http_head *request, struct inject_plan *ret)
{
	const struct policy_injection *found[CANDIDATES];
	size_t n;

	ret->count = 0;
	ret->sandbox = target->sandbox;
	ret->injected[0] = ret->skipped[0] = '\0';
	n = policy_injections(
		target->set, target->host, target->port, found, CANDIDATES);
	assert(n <= CANDIDATES);
	for (size_t i = 0; i < n; i++) {
		const struct policy_injection *in = found[i];

		if (inject_takes(ret, span_of(in->header)) ||
			!is_called_for(in, request))
			continue;
		if (ret->count == INJECT_MAX ||
			(!target->secure && !in->plaintext) ||
			value_of(keyring, in, target->sandbox) == NULL) {
			inject_add_name(ret->skipped, in->credential);
			continue;
		}
		ret->entries[ret->count++] = in;
		inject_add_name(ret->injected, in->credential);
	}
}

static int
apply_one(const struct policy_injection *in, const struct secret *secret,
	struct http_head *head)
{
	struct span value = secret_bytes(secret);
	const char *at = strstr(in->format, marker);
	size_t before = (size_t)(at - in->format);
	struct span after = span_of(at + strlen(marker));
	char text[VALUE_MAX];
	struct span rendered = {text, before + value.len + after.len};
	int r;

	if (value.len > VALUE_MAX || rendered.len > VALUE_MAX)
		return -E2BIG;
	memcpy(text, in->format, before);
	memcpy(text + before, value.ptr, value.len);
	memcpy(text + before + value.len, after.ptr, after.len);
	http_head_remove(head, span_of(in->header));
	r = http_head_add(head, span_of(in->header), rendered, true);
	explicit_bzero(text, rendered.len);
	return r;
}

int
inject_apply(const struct inject_plan *plan, const struct keyring *keyring,
	struct http_head *head)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct policy_injection *in = plan->entries[i];
		const struct secret *secret =
			value_of(keyring, in, plan->sandbox);
		int r = secret != NULL ? apply_one(in, secret, head) : -ENOKEY;

		if (r < 0)
			return r;
	}
	return 0;
}

bool
inject_plan_has(const struct inject_plan *plan, const char *credential)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (strcmp(plan->entries[i]->credential, credential) == 0)
			return true;
	}
	return false;
}

size_t
inject_fields(const struct inject_plan *plan, struct span ret[INJECT_MAX])
{
	for (size_t i = 0; i < plan->count; i++)
		ret[i] = span_of(plan->entries[i]->header);
	return plan->count;
}
