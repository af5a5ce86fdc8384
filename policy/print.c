/*
 * print.c - a policy as canonical YAML
 *
 * Every default is written out (except ports that mean "any"), names are
 * normalised, and what YAML could misread is quoted: so the text compiles to
 * the same decisions, and two policies that say the same are the same text.
 */
#include "print.h"
#include "policy_packet.h"

#include "dns_type.h"
#include "limit_text.h"
#include "vault_word.h"
#include "yaml_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
put_texts(FILE *out, const char *const *items, size_t count)
{
	fputc('[', out);
	for (size_t i = 0; i < count; i++) {
		fputs(i > 0 ? ", " : "", out);
		yaml_put_text(out, items[i]);
	}
	fputs("]\n", out);
}

static void
put_hosts(FILE *out, const struct pattern_list *hosts)
{
	fputs("host: [", out);
	for (size_t i = 0; i < hosts->count; i++) {
		fputs(i > 0 ? ", " : "", out);
		yaml_put_text(out, hosts->items[i].text);
	}
	fputs("]\n", out);
}

static void
put_ports(FILE *out, int margin, const struct ports *ports)
{
	fprintf(out, "%*sport: [", margin, "");
	for (size_t i = 0; i < ports->count; i++) {
		const struct port_range *r = &ports->ranges[i];

		fputs(i > 0 ? ", " : "", out);
		if (r->first == r->last)
			fprintf(out, "%u", r->first);
		else
			fprintf(out, "%u-%u", r->first, r->last);
	}
	fputs("]\n", out);
}

/* ---- credentials -------------------------------------------------------- */

static void
put_vault(FILE *out, const char *const *words)
{
	static const struct {
		enum vault_word word;
		const char *key;
	} rows[] = {
		{VAULT_ADDRESS, "address"},
		{VAULT_MOUNT, "mount"},
		{VAULT_PATH, "path"},
		{VAULT_FIELD, "field"},
		{VAULT_VERSION, "version"},
		{VAULT_NAMESPACE, "namespace"},
		{VAULT_CA_FILE, "ca_file"},
		{VAULT_TOKEN_FILE, "auth:\n            token_file"},
		{VAULT_ROLE_ID, "auth:\n            approle:\n"
				"              role_id"},
		{VAULT_SECRET_ID_FILE, "    secret_id_file"},
		{VAULT_APPROLE_MOUNT, "    mount"},
	};

	fputc('\n', out);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *word = words[rows[i].word];

		if (*word == '\0')
			continue;
		fprintf(out, "          %s: ", rows[i].key);
		if (rows[i].word == VAULT_VERSION)
			fputs(word, out);
		else
			yaml_put_text(out, word);
		fputc('\n', out);
	}
	if (*words[VAULT_TOKEN_FILE] == '\0' && *words[VAULT_ROLE_ID] == '\0')
		fputs("          auth: none\n", out);
}

static void
put_source(FILE *out, const struct policy_source *s)
{
	static const char *const keys[] = {
		[POLICY_SOURCE_ENV] = "env",
		[POLICY_SOURCE_FILE] = "file",
		[POLICY_SOURCE_COMMAND] = "command",
		[POLICY_SOURCE_SYSTEMD] = "systemd",
		[POLICY_SOURCE_VAULT] = "vault",
	};
	static const char *const formats[] = {
		[POLICY_FORMAT_JSON] = "json",
		[POLICY_FORMAT_GIT] = "git-credential",
		[POLICY_FORMAT_DOCKER] = "docker-credential",
		[POLICY_FORMAT_AWS] = "aws-process",
	};

	fprintf(out, "      - %s:", keys[s->kind]);
	if (s->kind == POLICY_SOURCE_VAULT) {
		put_vault(out, s->words);
	} else {
		fputc(' ', out);
		put_texts(out, s->words, s->word_count);
	}
	if (s->format != POLICY_FORMAT_RAW) {
		fprintf(out, "        format: %s\n        field: ",
			formats[s->format]);
		yaml_put_text(out, s->field);
		fputc('\n', out);
	}
	if (s->input != NULL) {
		fputs("        input: ", out);
		yaml_put_text(out, s->input);
		fputc('\n', out);
	}
	if (s->kind == POLICY_SOURCE_COMMAND || s->kind == POLICY_SOURCE_VAULT)
		fprintf(out, "        ttl: %us\n        timeout: %us\n",
			s->ttl_seconds, s->timeout_seconds);
	if (s->refresh_seconds > 0)
		fprintf(out, "        refresh: %us\n", s->refresh_seconds);
	if (s->failure_ttl_seconds > 0)
		fprintf(out, "        failure_ttl: %us\n",
			s->failure_ttl_seconds);
}

static void
put_binding(FILE *out, const struct binding *b)
{
	fputs("      - ", out);
	put_hosts(out, &b->hosts);
	put_ports(out, 8, &b->ports);
}

static void
put_injection(FILE *out, const struct policy_injection *i)
{
	static const char *const modes[] = {
		[POLICY_INJECT_ALWAYS] = "always",
		[POLICY_INJECT_IF_ABSENT] = "if-absent",
		[POLICY_INJECT_IF_PLACEHOLDER] = "if-placeholder",
	};

	fputs("        header: ", out);
	yaml_put_text(out, i->header);
	fputs("\n        format: ", out);
	yaml_put_text(out, i->format);
	fprintf(out, "\n        mode: %s\n", modes[i->mode]);
	if (i->placeholder != NULL) {
		fputs("        placeholder: ", out);
		yaml_put_text(out, i->placeholder);
		fputc('\n', out);
	}
	if (i->plaintext)
		fputs("        plaintext: true\n", out);
}

static void
put_swap(FILE *out, const struct policy_swap *s)
{
	const char *comma = "";

	fputs("        in: [", out);
	for (unsigned i = 0; i < POLICY_PLACES; i++) {
		if ((s->places >> i & 1) == 0)
			continue;
		fprintf(out, "%s%s", comma, policy_place_name(i));
		comma = ", ";
	}
	fputs("]\n", out);
	if (s->plaintext)
		fputs("        plaintext: true\n", out);
}

static void
put_bindings(FILE *out, const struct credential *c)
{
	fputs(c->inject.count > 0 ? "    inject:\n" : "", out);
	for (size_t i = 0; i < c->inject.count; i++) {
		put_binding(out, &c->inject.items[i]);
		put_injection(out, &c->injections[i]);
	}
	fputs(c->swap.count > 0 ? "    swap:\n" : "", out);
	for (size_t i = 0; i < c->swap.count; i++) {
		put_binding(out, &c->swap.items[i]);
		put_swap(out, &c->swaps[i]);
	}
}

static void
put_credential(FILE *out, const struct credential *c)
{
	fputs("  ", out);
	yaml_put_text(out, c->face->name);
	fputs(":\n    source:\n", out);
	for (size_t i = 0; i < c->face->source_count; i++)
		put_source(out, &c->face->sources[i]);
	if (c->face->required)
		fputs("    required: true\n", out);
	if (c->face->environment_count > 0) {
		fputs("    environment: ", out);
		put_texts(
			out, c->face->environment, c->face->environment_count);
	}
	put_bindings(out, c);
}

/* ---- policies ----------------------------------------------------------- */

static void
put_addresses(FILE *out, const struct range_list *addresses)
{
	char text[ADDR_TEXT];

	fputs("address: [", out);
	for (size_t i = 0; i < addresses->count; i++) {
		fputs(i > 0 ? ", " : "", out);
		yaml_put_text(out, addr_text(&addresses->items[i], text));
	}
	fputs("]\n", out);
}

static void
put_values(
	FILE *out, int margin, const char *key, const struct value_list *values)
{
	if (values->count > 0)
		fprintf(out, "%*s%s:\n", margin, "", key);
	for (size_t i = 0; i < values->count; i++) {
		const struct value_match *m = &values->items[i];

		fprintf(out, "%*s", margin + 2, "");
		yaml_put_text(out, m->name);
		fputs(": ", out);
		put_texts(out, m->patterns.items, m->patterns.count);
	}
}

static void
put_limit(FILE *out, int margin, const struct policy_limit *limit)
{
	char text[LIMIT_AMOUNT];

	fprintf(out, "%*slimit:\n", margin, "");
	for (int i = 0; i < POLICY_BUDGETS; i++) {
		enum policy_budget b = (enum policy_budget)i;

		if (limit->amounts[i].amount > 0)
			fprintf(out, "%*s%s: %s\n", margin + 2, "",
				limit_key(b),
				limit_amount(b, &limit->amounts[i], text));
	}
}

static const char *const protocol_words[] = {
	[POLICY_TCP] = "tcp",
	[POLICY_UDP] = "udp",
	[POLICY_ICMP] = "icmp",
};

static void
put_rule(FILE *out, int margin, const struct rule *r)
{
	fprintf(out, "%*s- ", margin, "");
	margin += 2;
	if (r->hosts.count > 0)
		put_hosts(out, &r->hosts);
	else
		put_addresses(out, &r->addresses);
	if (r->protocol_given)
		fprintf(out, "%*sprotocol: %s\n", margin, "",
			protocol_words[r->protocol]);
	if (r->ports_given || (!r->deny && r->protocol != POLICY_ICMP))
		put_ports(out, margin, &r->ports);
	if (r->methods.count > 0) {
		fprintf(out, "%*smethod: ", margin, "");
		put_texts(out, r->methods.items, r->methods.count);
	}
	if (r->paths.count > 0) {
		fprintf(out, "%*spath: ", margin, "");
		put_texts(out, r->paths.items, r->paths.count);
	}
	put_values(out, margin, "query", &r->queries);
	put_values(out, margin, "header", &r->headers);
	if (r->via == POLICY_VIA_PASSTHROUGH)
		fprintf(out, "%*stls: passthrough\n", margin, "");
	if (r->types.count > 0) {
		fprintf(out, "%*sdns: ", margin, "");
		dns_types_put(out, r->types.items, r->types.count);
	}
	if (r->limit != NULL)
		put_limit(out, margin, r->limit);
	if (r->broad)
		fprintf(out, "%*sbroad: true\n", margin, "");
	if (r->audit)
		fprintf(out, "%*saudit: true\n", margin, "");
}

static void
put_rules(FILE *out, int margin, const char *key, const struct rule *rules,
	size_t count)
{
	if (count == 0)
		return;
	fprintf(out, "%*s%s:\n", margin, "", key);
	for (size_t i = 0; i < count; i++)
		put_rule(out, margin + 2, &rules[i]);
}

static void
put_both(FILE *out, int margin, const struct policy_set *set)
{
	put_rules(out, margin, "allow", set->rules + set->deny_count,
		set->rule_count - set->deny_count);
	put_rules(out, margin, "deny", set->rules, set->deny_count);
}

static void
put_overlay(FILE *out, int margin, const struct policy_set *set)
{
	fprintf(out, "%*smode: %s\n", margin, "",
		overlay_mode_words[set->mode]);
	put_both(out, margin, set);
}

static void
put_set(FILE *out, const struct policy_set *set)
{
	fputs("  ", out);
	yaml_put_text(out, set->name);
	fprintf(out, ":\n    default: %s\n",
		set->default_allow ? "allow" : "deny");
	if (set->audit)
		fputs("    audit: true\n", out);
	put_both(out, 4, set);
	if (set->credential_count > 0) {
		fputs("    credentials: ", out);
		put_texts(out, set->credential_names, set->credential_count);
	}
}

/* ---- sandboxes ---------------------------------------------------------- */

static void
put_sandbox(FILE *out, const struct policy_sandbox *s)
{
	char text[ADDR_TEXT];

	fputs("  ", out);
	yaml_put_text(out, s->name);
	fputs(":\n    interface: ", out);
	yaml_put_text(out, s->interface);
	fputs("\n    address: [", out);
	for (size_t i = 0; i < s->address_count; i++) {
		const struct policy_address *a = &s->addresses[i];
		struct addr_range range = {.family = a->family,
			.prefix = a->family == AF_INET ? 32 : 128};

		memcpy(range.bytes, a->bytes, sizeof(range.bytes));
		fputs(i > 0 ? ", " : "", out);
		yaml_put_text(out, addr_text(&range, text));
	}
	fputs("]\n    policy: ", out);
	yaml_put_text(out, s->set->name);
	fputc('\n', out);
	if (s->limit != NULL)
		put_limit(out, 4, s->limit);
	if (s->overlay != NULL) {
		fputs("    overlay:\n", out);
		put_overlay(out, 6, &s->overlay->set);
	}
	if (s->label_count > 0)
		fputs("    labels:\n", out);
	for (size_t i = 0; i < s->label_count; i++) {
		fputs("      ", out);
		yaml_put_text(out, s->labels[i].key);
		fputs(": ", out);
		yaml_put_text(out, s->labels[i].value);
		fputc('\n', out);
	}
}

static void
put_everything(FILE *out, const void *policy)
{
	const struct policy *p = policy;

	fputs("version: 1\n", out);
	fputs(p->credential_count > 0 ? "credentials:\n" : "", out);
	for (size_t i = 0; i < p->credential_count; i++)
		put_credential(out, &p->credentials[i]);
	fputs(p->set_count > 0 ? "policies:\n" : "", out);
	for (size_t i = 0; i < p->set_count; i++)
		put_set(out, &p->sets[i]);
	fputs(p->sandbox_count > 0 ? "sandboxes:\n" : "", out);
	for (size_t i = 0; i < p->sandbox_count; i++)
		put_sandbox(out, &p->sandboxes[i]);
}

/* What was written, or NULL if not all of it was. */
static char *
finish(FILE *out, char **text)
{
	bool bad = ferror(out) != 0;

	bad |= fclose(out) != 0;
	if (!bad)
		return *text;
	free(*text);
	return NULL;
}

char *
policy_print(const struct policy *p)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	put_everything(out, p);
	return finish(out, &text);
}

char *
print_policy(const struct policy_set *set)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fputs("version: 1\npolicies:\n", out);
	put_set(out, set);
	return finish(out, &text);
}

char *
print_credential(const struct credential *c)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fputs("version: 1\ncredentials:\n", out);
	put_credential(out, c);
	return finish(out, &text);
}

char *
print_overlay(const struct policy_set *set)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	put_overlay(out, 0, set);
	return finish(out, &text);
}

char *
print_rule(const struct rule *r)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	put_rule(out, 0, r);
	return finish(out, &text);
}
