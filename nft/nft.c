/*
 * nft.c - sandboxes and exempt ranges, into the kernel and back out
 *
 * Theory of operation
 *
 * The kernel's sets are the truth for packets; the ledger is what we were
 * told.  A change goes to the kernel first, in one transaction, and into the
 * ledger when the kernel took it, so that the two differ only when somebody
 * else meddled, and then nft_sync() makes the kernel follow the ledger.
 *
 * The order of the parts is what keeps every moment closed.  Coming: prohibit
 * rules, then the interface and its addresses in one transaction.  Going: the
 * addresses alone.  The cage (set element and prohibit rules) outlives the
 * sandbox and goes with the interface, or when somebody says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <net/if.h>

#include <linux/netlink.h>

#include "batch.h"
#include "nft_state.h"
#include "nlsock.h"

int
nft_open(const struct nft_names *names, struct nft **ret, char *reterr,
	size_t size)
{
	struct nft *nft = calloc(1, sizeof(*nft));
	uint32_t mark = names->mark != 0 ? names->mark : NFT_DEFAULT_MARK;
	int r = -ENOMEM;

	if (nft == NULL)
		goto fail;
	nft->names.mark = mark;
	nft->names.mask = names->mask != 0 ? names->mask : mark;
	nft->names.gate_mark = names->gate_mark != 0 ? names->gate_mark
						     : NFT_DEFAULT_GATE_MARK;
	nft->names.route_table = names->route_table != 0
					 ? names->route_table
					 : NFT_DEFAULT_ROUTE_TABLE;
	r = nlsock_open(NETLINK_NETFILTER, &nft->nfnl);
	if (r < 0)
		goto fail;
	r = nlsock_open(NETLINK_ROUTE, &nft->rtnl);
	if (r < 0)
		goto fail;
	*ret = nft;
	return 0;
fail:
	snprintf(
		reterr, size, "cannot open a netlink socket: %s", strerror(-r));
	nft_close(nft);
	return r;
}

void
nft_close(struct nft *nft)
{
	if (nft == NULL)
		return;
	nlsock_close(nft->nfnl);
	nlsock_close(nft->rtnl);
	ledger_done(&nft->ledger);
	free(nft->exempt);
	free(nft);
}

struct batch *
nft_begin(const struct nft *nft)
{
	return batch_new(nlsock_seq(nft->nfnl));
}

int
nft_commit(struct nft *nft, struct batch *b, char *reterr, size_t size)
{
	int r = nlsock_commit(nft->nfnl, b, reterr, size);
	size_t len = strnlen(reterr, size);

	batch_free(b);
	if (r == -ENOENT && len < size)
		snprintf(reterr + len, size - len,
			" (is the table inet " NFT_TABLE
			" installed?  sbx-net-setup install)");
	return r;
}

/* Sends elements of one kind as one transaction. */
static int
commit_elements(struct nft *nft, enum batch_op op, const struct element *e,
	size_t count, char *reterr, size_t size)
{
	struct batch *b = nft_begin(nft);
	int r = -ENOMEM;

	if (b != NULL)
		r = batch_elements(b, op, e, count);
	if (r == 0)
		return nft_commit(nft, b, reterr, size);
	snprintf(reterr, size, "%s", strerror(-r));
	batch_free(b);
	return r;
}

/* The interface first, then the sources in the order of the sets; and room for
 * the interface's number. */
struct sandbox {
	struct element e[2 + NFT_MAX_ADDRESSES];
	size_t count;
};

static int
sandbox_parse(const struct nft_sandbox *s, struct sandbox *ret, char *reterr,
	size_t size)
{
	if (element_of_interface(s->interface, &ret->e[0]) < 0) {
		snprintf(reterr, size, "\"%s\" cannot be an interface's name",
			s->interface);
		return -EINVAL;
	}
	if (s->count == 0 || s->count > NFT_MAX_ADDRESSES) {
		snprintf(reterr, size, "%zu addresses: 1 to %d are possible",
			s->count, NFT_MAX_ADDRESSES);
		return -EINVAL;
	}
	for (size_t i = 0; i < s->count; i++) {
		if (element_of_source(
			    s->interface, s->addresses[i], &ret->e[1 + i]) == 0)
			continue;
		snprintf(reterr, size, "\"%s\" cannot be a sandbox's address",
			s->addresses[i]);
		return -EINVAL;
	}
	ret->count = 1 + s->count;
	qsort(ret->e, ret->count, sizeof(ret->e[0]), element_compare);
	return 0;
}

/* Sorted: the same address twice stands side by side. */
static bool
is_new(const struct nft *nft, const struct sandbox *s)
{
	for (size_t i = 1; i < s->count; i++) {
		if (ledger_has(&nft->ledger, &s->e[i]) ||
			element_compare(&s->e[i - 1], &s->e[i]) == 0)
			return false;
	}
	return true;
}

int
nft_add_sandbox(struct nft *nft, const struct nft_sandbox *sandbox,
	char *reterr, size_t size)
{
	uint32_t ifindex = if_nametoindex(sandbox->interface);
	struct sandbox s;
	int r = sandbox_parse(sandbox, &s, reterr, size);

	if (r < 0)
		return r;
	if (!is_new(nft, &s)) {
		snprintf(reterr, size,
			"an address is given twice, or another sandbox on %s "
			"has it",
			sandbox->interface);
		return -EEXIST;
	}
	r = ledger_reserve(&nft->ledger, s.count - 1);
	if (r < 0) {
		snprintf(reterr, size, "no room for another sandbox: %s",
			strerror(-r));
		return r;
	}
	r = iprule_guard(nft->rtnl, sandbox->interface, true, reterr, size);
	if (ifindex != 0)
		element_of_index(ifindex, &s.e[s.count]);
	if (r == 0)
		r = commit_elements(nft, BATCH_ADD, s.e,
			s.count + (ifindex != 0), reterr, size);
	if (r < 0) {
		char ignored[1];

		if (ledger_cage(&nft->ledger, &s.e[0]) == NULL)
			iprule_guard(nft->rtnl, sandbox->interface, false,
				ignored, sizeof(ignored));
		return r;
	}
	for (size_t i = 1; i < s.count; i++)
		ledger_add(&nft->ledger, &s.e[i]);
	ledger_number(&nft->ledger, &s.e[0], ifindex);
	return 0;
}

bool
nft_is_caged(const struct nft *nft, const char *interface)
{
	struct element e;

	return element_of_interface(interface, &e) == 0 &&
	       ledger_cage(&nft->ledger, &e) != NULL;
}

/* Of a cage that opens; nobody minds if it is not there. */
static int
uncage_index(struct nft *nft, uint32_t ifindex, char *reterr, size_t size)
{
	struct element e;
	int r;

	if (ifindex == 0)
		return 0;
	element_of_index(ifindex, &e);
	r = commit_elements(nft, BATCH_DELETE, &e, 1, reterr, size);
	return r == -ENOENT ? 0 : r;
}

int
nft_remove_sandbox(struct nft *nft, const struct nft_sandbox *sandbox,
	char *reterr, size_t size)
{
	struct sandbox s;
	int r = sandbox_parse(sandbox, &s, reterr, size);

	if (r < 0)
		return r;
	for (size_t i = 1; i < s.count; i++) {
		if (ledger_has(&nft->ledger, &s.e[i]))
			continue;
		snprintf(reterr, size, "no such sandbox on %s",
			sandbox->interface);
		return -ENOENT;
	}
	r = commit_elements(
		nft, BATCH_DELETE, s.e + 1, s.count - 1, reterr, size);
	if (r < 0 && r != -ENOENT)
		return r;
	for (size_t i = 1; i < s.count; i++)
		ledger_remove(&nft->ledger, &s.e[i]);
	if (r == -ENOENT) {
		/* Somebody took some or all of them away: the rest goes now. */
		r = nft_sync(nft, reterr, size);
		return r == -ENOENT ? 0 : r;
	}
	if (ledger_cage(&nft->ledger, &s.e[0])->sources == 0 &&
		if_nametoindex(sandbox->interface) == 0)
		return nft_release(nft, sandbox->interface, reterr, size);
	return 0;
}

int
nft_cage(struct nft *nft, const char *interface, bool held, char *reterr,
	size_t size)
{
	uint32_t ifindex = if_nametoindex(interface);
	const struct ledger_cage *cage;
	struct element e[2];
	char name[IF_NAMESIZE];
	uint32_t before;
	int r;

	if (element_of_interface(interface, &e[0]) < 0) {
		snprintf(reterr, size, "\"%s\" cannot be an interface's name",
			interface);
		return -EINVAL;
	}
	r = ledger_reserve(&nft->ledger, 0);
	if (r < 0) {
		snprintf(reterr, size, "no room for another cage: %s",
			strerror(-r));
		return r;
	}
	r = iprule_guard(nft->rtnl, interface, true, reterr, size);
	if (r < 0)
		return r;
	/* From here on it is put back by each nft_sync(). */
	ledger_adopt(&nft->ledger, &e[0]);
	cage = ledger_cage(&nft->ledger, &e[0]);
	before = cage->ifindex;
	ledger_number(&nft->ledger, &e[0], ifindex);
	if (held && cage->sources == 0)
		ledger_hold(&nft->ledger, &e[0], true);
	if (ifindex != 0)
		element_of_index(ifindex, &e[1]);
	r = commit_elements(
		nft, BATCH_ADD, e, 1 + (ifindex != 0), reterr, size);
	/* The one that had the name before: deleted, not renamed. */
	if (r == 0 && before != ifindex && before != 0 &&
		if_indextoname(before, name) == NULL)
		r = uncage_index(nft, before, reterr, size);
	return r;
}

void
nft_let_go(struct nft *nft, const char *interface)
{
	struct element e;

	if (element_of_interface(interface, &e) == 0 &&
		ledger_cage(&nft->ledger, &e) != NULL)
		ledger_hold(&nft->ledger, &e, false);
}

int
nft_release(struct nft *nft, const char *interface, char *reterr, size_t size)
{
	const struct ledger_cage *cage;
	struct element e;
	int r;

	if (element_of_interface(interface, &e) < 0) {
		snprintf(reterr, size, "\"%s\" cannot be an interface's name",
			interface);
		return -EINVAL;
	}
	cage = ledger_cage(&nft->ledger, &e);
	if (cage != NULL && cage->sources > 0) {
		snprintf(reterr, size, "%s has %zu addresses of sandboxes",
			interface, cage->sources);
		return -EBUSY;
	}
	r = commit_elements(nft, BATCH_DELETE, &e, 1, reterr, size);
	if (r < 0 && r != -ENOENT)
		return r;
	r = uncage_index(nft, cage != NULL ? cage->ifindex : 0, reterr, size);
	if (r < 0)
		return r;
	r = iprule_guard(nft->rtnl, interface, false, reterr, size);
	if (r < 0)
		return r;
	if (cage != NULL)
		ledger_drop_cage(&nft->ledger, &e);
	return 0;
}

/* Elements of the exempt sets, in the order in which they are sent. */
static int
exempt_elements(const struct nft_exempt *x, struct element_range *ranges,
	struct element *e, size_t *ret_count, char *reterr, size_t size)
{
	size_t n = 0, kept;

	for (size_t i = 0; i < x->range_count; i++) {
		if (element_range_parse(x->ranges[i], &ranges[i]) == 0)
			continue;
		snprintf(reterr, size, "\"%s\" is not a range of addresses",
			x->ranges[i]);
		return -EINVAL;
	}
	kept = element_ranges_join(ranges, x->range_count);
	for (size_t i = 0; i < kept; i++)
		n += element_of_range(&ranges[i], &e[n]);
	for (size_t i = 0; i < x->resolver_count; i++) {
		const struct nft_resolver *s = &x->resolvers[i];

		if (element_of_resolver(s->address, s->port, &e[n]) == 0) {
			n++;
			continue;
		}
		snprintf(reterr, size, "\"%s\" port %u is not a resolver",
			s->address, s->port);
		return -EINVAL;
	}
	qsort(e, n, sizeof(*e), element_compare);
	*ret_count = n;
	return 0;
}

int
nft_put_exempt(struct batch *b, const struct element *e, size_t count)
{
	for (int set = SET_EXEMPT4; set <= SET_RESOLVER6; set++) {
		int r = batch_flush(b, set);

		if (r < 0)
			return r;
	}
	return batch_elements(b, BATCH_ADD, e, count);
}

/* Takes e over when the kernel took it, or has no table yet: then it goes in
 * with the next nft_sync(). */
static int
exempt_commit(struct nft *nft, struct element *e, size_t count, char *reterr,
	size_t size)
{
	struct batch *b = nft_begin(nft);
	int r = -ENOMEM;

	if (b != NULL)
		r = nft_put_exempt(b, e, count);
	if (r < 0) {
		snprintf(reterr, size, "%s", strerror(-r));
		batch_free(b);
		return r;
	}
	r = nft_commit(nft, b, reterr, size);
	if (r == 0 || r == -ENOENT) {
		free(nft->exempt);
		nft->exempt = e;
		nft->exempt_count = count;
	}
	return r;
}

int
nft_exempt(struct nft *nft, const struct nft_exempt *exempt, char *reterr,
	size_t size)
{
	size_t most = 2 * exempt->range_count + exempt->resolver_count + 1;
	struct element_range *ranges = NULL;
	struct element *e = NULL;
	size_t count = 0;
	int r = -ENOMEM;

	if (exempt->range_count > NFT_MAX_RANGES ||
		exempt->resolver_count > NFT_MAX_RESOLVERS) {
		snprintf(reterr, size, "more than %d ranges or %d resolvers",
			NFT_MAX_RANGES, NFT_MAX_RESOLVERS);
		return -E2BIG;
	}
	ranges = calloc(exempt->range_count + 1, sizeof(*ranges));
	e = calloc(most, sizeof(*e));
	if (ranges == NULL || e == NULL)
		snprintf(reterr, size, "%s", strerror(ENOMEM));
	else
		r = exempt_elements(exempt, ranges, e, &count, reterr, size);
	if (r == 0)
		r = exempt_commit(nft, e, count, reterr, size);
	free(ranges);
	if (r < 0 && r != -ENOENT)
		free(e);
	return r;
}
