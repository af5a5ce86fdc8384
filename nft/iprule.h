/*
 * ip rules of ours: the `prohibit` of each sandbox interface, which is what
 * still holds when somebody flushes the whole ruleset; and whether the rules
 * and routes of sbx-net-setup stand.  Pure but for the socket it is given.
 */
#ifndef SBX_IPRULE_H
#define SBX_IPRULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;
struct nlsock;

enum { IPRULE_MESSAGE_SIZE = 256, IPRULE_NAME_SIZE = 16 };

enum iprule_kind {
	IPRULE_OTHER,
	IPRULE_MAIN,    /* iif lo, marked: table main */
	IPRULE_MARK,    /* marked: our table */
	IPRULE_GATE,    /* passed by the gate: table main */
	IPRULE_PROHIBIT /* iif `interface`: prohibit */
};

/* What our rules are made of. */
struct iprule_names {
	uint32_t mark;
	uint32_t mask;
	uint32_t gate_mark;
	uint32_t route_table;
};

struct iprule {
	enum iprule_kind kind;
	char interface[IPRULE_NAME_SIZE];
};

/*
 * The request that adds (or deletes) the prohibit rule of an interface into
 * bytes.  Without flags and seq: those are the socket's.
 */
struct nlmsghdr *iprule_prohibit(char bytes[static IPRULE_MESSAGE_SIZE],
	int family, const char *interface, bool add);

/* Which rule of ours a RTM_NEWRULE or RTM_DELRULE message is about. */
struct iprule iprule_parse(
	const struct nlmsghdr *nlh, const struct iprule_names *names);

/*
 * Adds or deletes both prohibit rules, v4 and v6; what is so already is fine,
 * and a kernel without IPv6 too.  0, or -errno with reterr.
 */
int iprule_guard(struct nlsock *s, const char *interface, bool add,
	char *reterr, size_t size);

/* The rules of a family, of ours those only.  found() as in nlsock_dump(). */
int iprule_dump(struct nlsock *s, int family, const struct iprule_names *names,
	int (*found)(const struct iprule *rule, void *arg), void *arg);

/* Is it about a local default route of the table, whatever it leads to? */
bool iprule_is_route(const struct nlmsghdr *nlh, uint32_t table);

/* Is there a local default route to lo in the table?  1, 0, or -errno. */
int iprule_has_route(struct nlsock *s, int family, uint32_t table);

/* Whether the kernel speaks IPv6 at all, and on lo. */
bool iprule_has_v6(void);

#endif
