/* kernel_places.c - which interfaces and addresses are sandboxes, for the
 * kernel's sets. */
#include "kernel_side_part.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "canary.h"
#include "log.h"
#include "nft.h"
#include "nft_forget.h"
#include "registry.h"

/* A sandbox in the words of nft.h; points into itself. */
struct spelt {
	struct nft_sandbox sandbox;
	const char *addresses[NFT_MAX_ADDRESSES];
	char texts[NFT_MAX_ADDRESSES][NFT_ADDRESS_SIZE];
};

static const struct nft_sandbox *
spell(const struct sandbox_spec *spec, struct spelt *ret)
{
	for (size_t i = 0; i < spec->address_count; i++) {
		inet_ntop(spec->addresses[i].family, spec->addresses[i].bytes,
			ret->texts[i], NFT_ADDRESS_SIZE);
		ret->addresses[i] = ret->texts[i];
	}
	ret->sandbox = (struct nft_sandbox){
		spec->interface, ret->addresses, spec->address_count};
	return &ret->sandbox;
}

int
kernel_side_add(struct kernel_side *k, const struct sandbox_spec *spec,
	char *reterr, size_t reterr_size)
{
	struct spelt spelt;

	if (k->nft == NULL || k->state == BROKEN) {
		snprintf(reterr, reterr_size, "kernel side: %s", k->text);
		return -ENOENT;
	}
	/* Not when the old one went: what it had open was still to be ended,
	 * and says so over what the kernel tracks. */
	if (k->reused)
		kernel_side_forget(k, spec);
	return nft_add_sandbox(
		k->nft, spell(spec, &spelt), reterr, reterr_size);
}

int
kernel_side_remove(struct kernel_side *k, const struct sandbox_spec *spec,
	char *reterr, size_t reterr_size)
{
	struct spelt spelt;

	k->reused = true;
	return nft_remove_sandbox(
		k->nft, spell(spec, &spelt), reterr, reterr_size);
}

void
kernel_side_forget(struct kernel_side *k, const struct sandbox_spec *spec)
{
	struct spelt spelt;
	const struct nft_sandbox *s = spell(spec, &spelt);
	char text[KERNEL_TEXT];

	for (size_t i = 0; k->nft != NULL && i < s->count; i++) {
		if (nft_forget(k->nft, s->addresses[i], text, sizeof(text)) < 0)
			log_error("kernel side: %s: %s", s->addresses[i], text);
	}
}

int
kernel_side_add_canary(
	struct kernel_side *k, bool v6, char *reterr, size_t reterr_size)
{
	static const char *const addresses[] = {
		CANARY_ADDRESS4, CANARY_ADDRESS6};
	const struct nft_sandbox canary = {
		CANARY_INTERFACE, addresses, v6 ? 2 : 1};

	return nft_add_sandbox(k->nft, &canary, reterr, reterr_size);
}

static void
cage(struct kernel_side *k, const char *interface, bool held)
{
	char text[KERNEL_TEXT];

	/* -ENOENT: with the table it comes back. */
	if (k->nft != NULL &&
		nft_cage(k->nft, interface, held, text, sizeof(text)) < 0 &&
		k->state == GOOD)
		log_error("kernel side: cage of %s: %s", interface, text);
}

void
kernel_side_follow(struct kernel_side *k, const char *was, const char *now)
{
	if (k->nft == NULL || !nft_is_caged(k->nft, was))
		return;
	cage(k, now, false);
	/* The name that it left has no cage to itself any more. */
	if (k->state == GOOD && strcmp(was, now) != 0)
		kernel_side_sync(k);
}

void
kernel_side_hold(struct kernel_side *k, const char *interface)
{
	cage(k, interface, true);
}

void
kernel_side_let_go(struct kernel_side *k, const char *interface)
{
	if (k->nft != NULL)
		nft_let_go(k->nft, interface);
}
