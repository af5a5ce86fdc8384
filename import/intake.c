#include "intake.h"

#include "credential.h"
#include "region.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	RULES_MAX = 4096,
	NAME_LONGEST = 63, /* bytes, of a policy or a credential */
	REMARK_MAX = 512,  /* bytes */
};

void
intake_init(struct intake *in, struct report *report, struct region *region)
{
	*in = (struct intake){
		.schema = {.report = report, .region = region, .arg = in}};
	in->rules_end = &in->rules;
	in->bindings_end = &in->bindings;
	in->remarks_end = &in->remarks;
}

const char *
intake_name(struct intake *in, const char *text)
{
	char name[NAME_LONGEST + 1];
	size_t len = 0;

	for (; *text != '\0' && len < NAME_LONGEST; text++) {
		char c = (char)tolower((unsigned char)*text);
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (plain || (len > 0 && (c == '_' || c == '.')))
			name[len++] = c;
		else if (len > 0 && name[len - 1] != '-')
			name[len++] = '-';
	}
	while (len > 0 && name[len - 1] == '-')
		len--;
	return len > 0 ? region_copy(in->schema.region, name, len) : "imported";
}

/* ---- remarks ------------------------------------------------------------ */

static const char *format_text(struct intake *in, const char *format,
	va_list args) __attribute__((format(printf, 2, 0)));

static const char *
format_text(struct intake *in, const char *format, va_list args)
{
	char text[REMARK_MAX];
	int len = vsnprintf(text, sizeof(text), format, args);

	if (len < 0)
		return NULL;
	if (len >= (int)sizeof(text))
		len = (int)sizeof(text) - 1;
	return region_copy(in->schema.region, text, (size_t)len);
}

void
intake_remark(struct intake *in, struct report_mark at, const char *format, ...)
{
	struct intake_remark *r =
		region_alloc(in->schema.region, 1, sizeof(*r));
	va_list args;

	if (r == NULL)
		return;
	va_start(args, format);
	*r = (struct intake_remark){
		.at = at, .text = format_text(in, format, args)};
	va_end(args);
	*in->remarks_end = r;
	in->remarks_end = &r->next;
}

void
intake_leave_out(
	struct intake *in, struct intake_binding *b, const char *format, ...)
{
	va_list args;

	if (b->left_out)
		return;
	b->left_out = true;
	va_start(args, format);
	b->note = format_text(in, format, args);
	va_end(args);
}

/* Variables that say who and where a program is: none can be a stand-in. */
static bool
is_reserved(const char *variable)
{
	static const char *const names[] = {"HOME", "USER", "LOGNAME", "SHELL",
		"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH"};
	static const char *const prefixes[] = {"DASH_", "SBX_", "DOCKER_"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(variable, names[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

/* Whether it is new. */
static bool
add_variable(struct intake *in, struct report_mark at, const char *variable,
	struct intake_variables *all)
{
	for (size_t i = 0; i < all->count; i++) {
		if (strcmp(all->names[i], variable) == 0)
			return false;
	}
	if (all->count == INTAKE_MAP_MAX) {
		report_add(in->schema.report, at,
			"there are more than %d variables", INTAKE_MAP_MAX);
		return false;
	}
	all->names[all->count++] = variable;
	return true;
}

void
intake_secret(struct intake *in, struct report_mark at, const char *variable)
{
	(void)add_variable(in, at, variable, &in->secrets);
}

void
intake_stand_in(struct intake *in, struct report_mark at, const char *variable)
{
	if (is_reserved(variable))
		intake_remark(in, at, "%s is not set: the name is reserved",
			variable);
	else if (add_variable(in, at, variable, &in->stand_ins))
		intake_remark(in, at,
			"%s: a policy sets no variables; \"sbx-netctl run "
			"--kit\" sets it to \"proxy-managed\", and the header "
			"is set in any case",
			variable);
}

/* ---- hosts -------------------------------------------------------------- */

static bool
read_host(struct schema *s, const struct schema_field *f,
	const struct tree_node *e, enum foreign_side side,
	struct foreign_host *ret)
{
	struct intake *in = s->arg;
	struct foreign_entry entry = {
		.region = s->region, .style = in->style, .side = side};
	char expected[FOREIGN_ERROR];
	int r;

	entry.text = schema_text(s, f, e, "a host");
	if (entry.text == NULL)
		return false;
	r = foreign_host_read(&entry, ret, expected);
	if (r == -EINVAL)
		schema_expects(s, f, e, expected);
	else if (r == -ENOMEM)
		region_fail(s->region);
	return r == 0;
}

static void
add_rule(struct schema *s, const struct schema_field *f,
	const struct tree_node *e, enum foreign_side side)
{
	struct intake_rule *rule = region_alloc(s->region, 1, sizeof(*rule));
	struct intake *in = s->arg;

	if (rule == NULL || !read_host(s, f, e, side, &rule->host))
		return;
	if (++in->rule_count > RULES_MAX) {
		/* Once. */
		if (in->rule_count == RULES_MAX + 1)
			report_add(s->report, e->at,
				"there are more than %d hosts", RULES_MAX);
		return;
	}
	rule->at = e->at;
	rule->text = region_copy(s->region, e->text, strlen(e->text));
	rule->deny = side == FOREIGN_DENY;
	*in->rules_end = rule;
	in->rules_end = &rule->next;
}

static void
read_hosts(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, enum foreign_side side)
{
	if (!schema_is(s, f, value, TREE_LIST, "a list of hosts"))
		return;
	for (const struct tree_node *e = value->first; e != NULL; e = e->next)
		add_rule(s, f, e, side);
}

void
intake_read_allow(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)ret;
	read_hosts(s, f, value, FOREIGN_ALLOW);
}

void
intake_read_deny(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)ret;
	read_hosts(s, f, value, FOREIGN_DENY);
}

struct intake_binding *
intake_bind(struct schema *s, const struct schema_field *f,
	const struct tree_node *value)
{
	struct intake_binding *b = region_alloc(s->region, 1, sizeof(*b));
	struct intake *in = s->arg;

	if (b == NULL || !read_host(s, f, value, FOREIGN_BIND, &b->host))
		return NULL;
	if (in->binding_count == INTAKE_MAP_MAX) {
		report_add(s->report, value->at,
			"there are more than %d places for credentials",
			INTAKE_MAP_MAX);
		return NULL;
	}
	in->binding_count++;
	b->at = value->at;
	b->text = region_copy(s->region, value->text, strlen(value->text));
	b->note = b->host.note;
	b->left_out = !foreign_host_is_said(&b->host);
	*in->bindings_end = b;
	in->bindings_end = &b->next;
	return b;
}

void
intake_set_variable(
	struct intake *in, struct intake_binding *b, const char *variable)
{
	const char **items = region_alloc(in->schema.region, 1, sizeof(*items));

	if (items == NULL)
		return;
	items[0] = variable;
	b->env = (struct schema_strings){items, 1};
}

/* ---- other readers ------------------------------------------------------ */

void
intake_read_name(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const char *text = schema_text(s, f, value, "a name");

	if (text != NULL)
		*(const char **)ret = intake_name(s->arg, text);
}

/* A text of which check() says nothing, copied; or NULL after a report. */
static const char *
read_checked(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, const char *(*check)(const char *))
{
	const char *text = schema_text(s, f, value, "a text");
	const char *expected = text != NULL ? check(text) : NULL;

	if (expected != NULL)
		schema_expects(s, f, value, expected);
	return text == NULL || expected != NULL
		       ? NULL
		       : region_copy(s->region, text, strlen(text));
}

void
intake_read_env(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const char *text = read_checked(s, f, value, credential_env_error);

	if (text != NULL)
		*(const char **)ret = text;
}

void
intake_read_header(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const char *text = read_checked(s, f, value, credential_header_error);

	if (text != NULL)
		*(const char **)ret = text;
}

void
intake_read_percent(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	const char *text = schema_text(s, f, value, "a text");
	const char *place = text != NULL ? strstr(text, "%s") : NULL;
	const char *ours;

	if (text == NULL)
		return;
	if (place == NULL || strchr(text, '%') != place ||
		strchr(place + 1, '%') != NULL || strstr(text, "${") != NULL) {
		schema_expects(s, f, value,
			"%s in it exactly once, and no other % or ${");
		return;
	}
	ours = region_format(s->region, "%.*s${value}%s", (int)(place - text),
		text, place + 2);
	if (ours != NULL && credential_format_error(ours) != NULL)
		schema_expects(s, f, value, credential_format_error(ours));
	else if (ours != NULL)
		*(const char **)ret = ours;
}

void
intake_ignore(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)s, (void)f, (void)value, (void)ret;
}

void
intake_keep(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)s, (void)f;
	*(const struct tree_node **)ret = value;
}

void
intake_skip(struct schema *s, const struct schema_field *f,
	const struct tree_node *value, void *ret)
{
	(void)ret;
	intake_remark(
		s->arg, value->key->at, "\"%s\" is not carried over", f->key);
}
