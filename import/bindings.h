/*
 * Which bindings of an intake can be carried over, and as which credentials.
 * Pure.
 */
#ifndef SBX_BINDINGS_H
#define SBX_BINDINGS_H

struct intake;
struct policy_set;

/*
 * Leaves out, with a note, what our documents cannot hold: bindings that could
 * never fire under set (the intake's own rules, compiled) and such that are in
 * each other's way.  What is left is grouped into credentials with names of
 * their own.  0; or -EINVAL after a report, when there are too many of them.
 */
int bindings_settle(struct intake *in, const struct policy_set *set);

#endif
