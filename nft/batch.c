#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "batch.h"
#include "nft_shape.h"
#include "queue_rule.h"

/*
 * libnftnl writes a message without being told where the buffer ends, so a
 * message is begun only where the largest one still fits: its head, the names
 * and PER_MESSAGE elements of at most ELEMENT_COST bytes (four attribute
 * heads, flags and a key of 32).  A batch has to fit the socket's buffer in
 * one piece.
 */
enum {
	BATCH_SIZE = 128 * 1024,
	PER_MESSAGE = 64,
	ELEMENT_COST = 64,
	MESSAGE_COST = 256,
	MESSAGE_MAX = MESSAGE_COST + PER_MESSAGE * ELEMENT_COST,
	MESSAGES = BATCH_SIZE / MESSAGE_COST,
};

struct batch {
	uint32_t first;
	uint32_t next;
	unsigned answers;
	bool closed;
	size_t len;
	uint8_t subject[MESSAGES]; /* by seq - first: a set, or SET_COUNT */
	_Alignas(struct nlmsghdr) char bytes[BATCH_SIZE];
};

struct batch *
batch_new(uint32_t seq)
{
	struct batch *b = malloc(sizeof(*b));

	if (b == NULL)
		return NULL;
	b->first = b->next = seq;
	b->answers = 0;
	b->closed = false;
	memset(b->subject, SET_COUNT, sizeof(b->subject));
	/* nftnl_batch_begin() leaves no byte of its message unset. */
	b->len = nftnl_batch_begin(b->bytes, b->next++)->nlmsg_len;
	return b;
}

void
batch_free(struct batch *b)
{
	free(b);
}

static struct nlmsghdr *
message_begin(
	struct batch *b, uint16_t type, uint16_t flags, enum element_set set)
{
	struct nlmsghdr *nlh;

	assert(!b->closed);
	/* Behind it there is the end of the batch still to come. */
	if (b->len + MESSAGE_MAX + MESSAGE_COST > BATCH_SIZE ||
		b->next - b->first + 1 >= MESSAGES)
		return NULL;
	b->subject[b->next - b->first] = (uint8_t)set;
	nlh = nftnl_nlmsg_build_hdr(b->bytes + b->len, type, NFPROTO_INET,
		flags | NLM_F_ACK, b->next++);
	b->answers++;
	return nlh;
}

static int
nftnl_add(struct nftnl_set *set, const struct element *e)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

	if (elem == NULL)
		return -ENOMEM;
	if (nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, e->key, e->key_len) <
		0) {
		nftnl_set_elem_free(elem);
		return -ENOMEM;
	}
	if (e->end)
		nftnl_set_elem_set_u32(
			elem, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	nftnl_set_elem_add(set, elem);
	return 0;
}

/* Elements of one set, not more than PER_MESSAGE. */
static int
add_message(struct batch *b, enum batch_op op, const struct element *e,
	size_t count)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct nlmsghdr *nlh;
	int r = -ENOMEM;

	if (set == NULL)
		return -ENOMEM;
	if (nftnl_set_set_str(set, NFTNL_SET_TABLE, NFT_TABLE) < 0 ||
		nftnl_set_set_str(
			set, NFTNL_SET_NAME, element_set_name(e->set)) < 0)
		goto out;
	for (size_t i = 0; i < count; i++) {
		r = nftnl_add(set, &e[i]);
		if (r < 0)
			goto out;
	}
	r = -ENOBUFS;
	nlh = message_begin(b,
		op == BATCH_ADD ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
		op == BATCH_ADD ? NLM_F_CREATE : 0, e->set);
	if (nlh == NULL)
		goto out;
	nftnl_set_elems_nlmsg_build_payload(nlh, set);
	assert(nlh->nlmsg_len <= MESSAGE_MAX);
	b->len += NLMSG_ALIGN(nlh->nlmsg_len);
	r = 0;
out:
	nftnl_set_free(set);
	return r;
}

int
batch_elements(struct batch *b, enum batch_op op, const struct element *e,
	size_t count)
{
	size_t begin = 0;

	for (size_t i = 1; i <= count; i++) {
		int r;

		if (i < count && e[i].set == e[begin].set &&
			i - begin < PER_MESSAGE)
			continue;
		r = add_message(b, op, &e[begin], i - begin);
		if (r < 0)
			return r;
		begin = i;
	}
	return 0;
}

int
batch_flush(struct batch *b, enum element_set set)
{
	struct nlmsghdr *nlh = message_begin(b, NFT_MSG_DELSETELEM, 0, set);

	if (nlh == NULL)
		return -ENOBUFS;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, element_set_name(set));
	b->len += NLMSG_ALIGN(nlh->nlmsg_len);
	return 0;
}

int
batch_queue_rule(struct batch *b, enum nft_queue kind, uint16_t queue)
{
	struct nlmsghdr *nlh = message_begin(b, NFT_MSG_DELRULE, 0, SET_COUNT);
	int r;

	if (nlh == NULL)
		return -ENOBUFS;
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, NFT_TABLE);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, NFT_GATE_CHAIN);
	b->len += NLMSG_ALIGN(nlh->nlmsg_len);
	nlh = message_begin(
		b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, SET_COUNT);
	if (nlh == NULL)
		return -ENOBUFS;
	r = queue_rule_put(nlh, kind, queue);
	if (r == 0)
		b->len += NLMSG_ALIGN(nlh->nlmsg_len);
	return r;
}

const void *
batch_bytes(struct batch *b, size_t *ret_len)
{
	if (!b->closed) {
		struct nlmsghdr *end =
			nftnl_batch_end(b->bytes + b->len, b->next++);

		b->len += end->nlmsg_len;
		b->closed = true;
	}
	*ret_len = b->len;
	return b->bytes;
}

unsigned
batch_answers(const struct batch *b)
{
	return b->answers;
}

const char *
batch_subject(const struct batch *b, uint32_t seq)
{
	uint32_t i = seq - b->first;

	if (i >= MESSAGES || b->subject[i] >= SET_COUNT)
		return "the transaction";
	return element_set_name(b->subject[i]);
}

uint32_t
batch_seq_next(const struct batch *b)
{
	return b->next;
}
