/* nft_read.c - what the kernel's sets hold */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "batch.h"
#include "nft_state.h"
#include "nlsock.h"

/* Somebody may change the set under a dump; then it is read again. */
enum { DUMP_TRIES = 5, ELEMENTS_MAX = 4 * NFT_MAX_SOURCES };

struct reading {
	enum element_set set;
	struct element *e;
	size_t count;
	size_t size;
};

static int
reading_add(struct reading *g, const void *key, uint32_t len, uint32_t flags)
{
	struct element *e;

	if (len != element_set_key_len(g->set))
		return -EBADMSG;
	if (g->count == g->size) {
		size_t size = g->size == 0 ? 64 : g->size * 2;

		if (size > ELEMENTS_MAX)
			return -E2BIG;
		e = reallocarray(g->e, size, sizeof(*e));
		if (e == NULL)
			return -ENOMEM;
		g->e = e;
		g->size = size;
	}
	e = &g->e[g->count++];
	memset(e, 0, sizeof(*e));
	memcpy(e->key, key, len);
	e->key_len = (uint8_t)len;
	e->set = (uint8_t)g->set;
	e->end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0;
	return 0;
}

static int
read_elements(struct reading *g, struct nftnl_set_elems_iter *iter)
{
	struct nftnl_set_elem *elem;
	int r = 0;

	while (r == 0 && (elem = nftnl_set_elems_iter_next(iter)) != NULL) {
		uint32_t len = 0, flags = 0;
		const void *key =
			nftnl_set_elem_get(elem, NFTNL_SET_ELEM_KEY, &len);

		if (nftnl_set_elem_is_set(elem, NFTNL_SET_ELEM_FLAGS))
			flags = nftnl_set_elem_get_u32(
				elem, NFTNL_SET_ELEM_FLAGS);
		if (key != NULL)
			r = reading_add(g, key, len, flags);
	}
	return r;
}

static int
on_elements(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_set_elems_iter *iter = NULL;
	struct nftnl_set *set = nftnl_set_alloc();
	int r = -ENOMEM;

	if (set == NULL)
		return r;
	if (nftnl_set_elems_nlmsg_parse(nlh, set) < 0) {
		r = -EBADMSG;
	} else {
		iter = nftnl_set_elems_iter_create(set);
		if (iter != NULL)
			r = read_elements(arg, iter);
	}
	if (iter != NULL)
		nftnl_set_elems_iter_destroy(iter);
	nftnl_set_free(set);
	return r;
}

static int
read_once(struct nft *nft, struct reading *g)
{
	_Alignas(struct nlmsghdr) char bytes[256];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(
		bytes, NFT_MSG_GETSETELEM, NFPROTO_INET, 0, 0);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	mnl_attr_put_strz(
		nlh, NFTA_SET_ELEM_LIST_SET, element_set_name(g->set));
	g->count = 0;
	return nlsock_dump(nft->nfnl, nlh, on_elements, g);
}

int
nft_dump_set(struct nft *nft, enum element_set set, struct element **ret,
	size_t *ret_count)
{
	struct reading g = {.set = set};
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++)
		r = read_once(nft, &g);
	if (r < 0) {
		free(g.e);
		return r;
	}
	if (g.count > 0)
		qsort(g.e, g.count, sizeof(*g.e), element_compare);
	*ret = g.e;
	*ret_count = g.count;
	return 0;
}

static void
source_text(const struct element *e, struct nft_source *ret)
{
	int family = e->set == SET_SOURCE4 ? AF_INET : AF_INET6;

	element_interface(e, ret->interface);
	inet_ntop(family, e->key + ELEMENT_NAME_SIZE, ret->address,
		sizeof(ret->address));
}

int
nft_dump_sources(struct nft *nft, struct nft_source **ret, size_t *ret_count,
	char *reterr, size_t size)
{
	struct element *e[2] = {NULL, NULL};
	size_t count[2] = {0, 0}, n = 0;
	struct nft_source *sources;
	int r = nft_dump_set(nft, SET_SOURCE4, &e[0], &count[0]);

	if (r == 0)
		r = nft_dump_set(nft, SET_SOURCE6, &e[1], &count[1]);
	if (r < 0)
		goto out;
	r = -ENOMEM;
	sources = calloc(count[0] + count[1] + 1, sizeof(*sources));
	if (sources == NULL)
		goto out;
	for (int i = 0; i < 2; i++)
		for (size_t j = 0; j < count[i]; j++)
			source_text(&e[i][j], &sources[n++]);
	*ret = sources;
	*ret_count = n;
	r = 0;
out:
	if (r < 0)
		snprintf(reterr, size, "cannot read the sources: %s",
			strerror(-r));
	free(e[0]);
	free(e[1]);
	return r;
}
