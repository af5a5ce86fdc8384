/*
 * What somebody else's document says, in our words: the rules, the bindings
 * of credentials and the remarks, in its order.  Filled by the readers of the
 * dialects, settled by bindings.h, printed by import_document.h.  Pure.
 *
 * Everything lives in the region, except marks, which live as long as the
 * tree that is being read.
 */
#ifndef SBX_INTAKE_H
#define SBX_INTAKE_H

#include "foreign_host.h"
#include "schema.h"

enum { INTAKE_MAP_MAX = 512 /* entries of a map or list that we look up */ };

struct intake_rule { /* one entry of a list of hosts */
	struct intake_rule *next;
	struct report_mark at;
	const char *text;         /* as written there */
	struct foreign_host host; /* nothing said: left out */
	bool deny;
};

struct intake_binding { /* a credential and one place where it may go */
	struct intake_binding *next;
	struct report_mark at;
	const char *text; /* the host, as written there */
	const char *name; /* of the credential: intake_name() */
	struct foreign_host host;
	struct schema_strings env; /* where its value is */
	const char *header, *format;
	bool first;  /* of its credential: set by bindings_settle() */
	bool shared; /* another's header goes to the same hosts; likewise */
	bool left_out;
	const char *note; /* or NULL */
};

struct intake_remark { /* about the document as a whole */
	struct intake_remark *next;
	struct report_mark at;
	const char *text;
};

struct intake_variables { /* each once */
	const char *names[INTAKE_MAP_MAX];
	size_t count;
};

struct intake {
	struct schema schema; /* its arg points back here */
	enum foreign_style style;
	const char *source; /* what the document is called */
	const char *policy; /* its name: intake_name() */
	bool default_allow;
	struct intake_rule *rules, **rules_end;
	struct intake_binding *bindings, **bindings_end;
	struct intake_remark *remarks, **remarks_end;
	struct intake_variables secrets;   /* which hold values */
	struct intake_variables stand_ins; /* which programs inside want set */
	size_t rule_count, binding_count;
};

void intake_init(
	struct intake *in, struct report *report, struct region *region);

/* The name of a policy or credential that comes nearest to text. */
const char *intake_name(struct intake *in, const char *text);

void intake_remark(struct intake *in, struct report_mark at, const char *format,
	...) __attribute__((format(printf, 3, 4)));

/* Leaves a binding out, unless it is already, and says why. */
void intake_leave_out(struct intake *in, struct intake_binding *b,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A variable that holds the value of a credential, carried over or not. */
void intake_secret(
	struct intake *in, struct report_mark at, const char *variable);

/* A variable that programs inside want set, though the value is elsewhere. */
void intake_stand_in(
	struct intake *in, struct report_mark at, const char *variable);

/*
 * A place for a credential: reads value as the host that f is about, or
 * reports.  NULL after a report.  The caller fills in the rest.
 */
struct intake_binding *intake_bind(struct schema *s,
	const struct schema_field *f, const struct tree_node *value);

/* Its value is in one variable. */
void intake_set_variable(
	struct intake *in, struct intake_binding *b, const char *variable);

/* ---- readers for the tables of the dialects --------------------------------
 */

schema_reader intake_read_allow; /* a list of hosts; nothing is written */
schema_reader intake_read_deny;
schema_reader intake_read_name;   /* const char *: intake_name() of the value */
schema_reader intake_read_env;    /* const char *: a variable */
schema_reader intake_read_header; /* const char * */
schema_reader intake_read_percent; /* const char *: "Bearer %s", as ours */
schema_reader intake_ignore;       /* says nothing about the network */
schema_reader intake_keep;         /* const struct tree_node *: as it is */
schema_reader intake_skip;         /* remarks that it is not carried over */

#endif
