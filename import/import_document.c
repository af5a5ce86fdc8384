/*
 * import_document.c - what was read, written as YAML
 *
 * One line for each entry of the other document, so that a comment beside it
 * is about that entry and no other.  What strangers wrote stands in comments
 * too, and YAML knows more line ends than \n (U+0085, U+2028): nothing but
 * ASCII is written, so that no comment ends before its line does.
 */
#include "import_document.h"

#include "intake.h"
#include "scalar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const titles[] = {
	[FOREIGN_KIT_V1] = "a Docker kit with schemaVersion \"1\"",
	[FOREIGN_KIT_V2] = "a Docker kit with schemaVersion \"2\"",
	[FOREIGN_PROXY_CONFIG] = "Docker's proxy-config.json",
	[FOREIGN_CLOUDFLARE] = "the hosts of a Cloudflare Container",
};

static void
put_ascii(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
}

static void
put_comment(FILE *out, const char *text)
{
	fputs("# ", out);
	put_ascii(out, text);
	fputc('\n', out);
}

/* Ends a line. */
static void
put_note(FILE *out, const char *text)
{
	if (text == NULL)
		fputc('\n', out);
	else {
		fputs("  ", out);
		put_comment(out, text);
	}
}

/* ASCII: plain where no reading of YAML could differ, else in quotes. */
void
import_put_word(FILE *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./-";

	if (text[strspn(text, plain)] == '\0' && text[0] != '-' &&
		scalar_surprise(text) == NULL) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* ---- a host ------------------------------------------------------------- */

static void
put_range(FILE *out, const struct port_range *r)
{
	if (r->first == r->last)
		fprintf(out, "%u", r->first);
	else
		fprintf(out, "\"%u-%u\"", r->first, r->last);
}

static void
put_ports(FILE *out, const struct foreign_host *h)
{
	if (h->port_count == 0)
		return;
	fputs(h->port_count > 1 ? ", port: [" : ", port: ", out);
	for (size_t i = 0; i < h->port_count; i++) {
		fputs(i > 0 ? ", " : "", out);
		put_range(out, &h->ports[i]);
	}
	fputs(h->port_count > 1 ? "]" : "", out);
}

void
import_put_host(FILE *out, const struct foreign_host *h)
{
	if (h->address != NULL) {
		fputs("address: ", out);
		import_put_word(out, h->address);
	} else {
		fputs(h->pattern_count > 1 ? "host: [" : "host: ", out);
		for (size_t i = 0; i < h->pattern_count; i++) {
			fputs(i > 0 ? ", " : "", out);
			import_put_word(out, h->patterns[i].text);
		}
		fputs(h->pattern_count > 1 ? "]" : "", out);
	}
	put_ports(out, h);
}

/* In the place where the entry would stand. */
static void
put_left_out(FILE *out, const char *text, const char *note)
{
	char quote[REPORT_QUOTE];

	fputs("      # ", out);
	put_ascii(out, report_quote(text, quote));
	fputs(": ", out);
	put_ascii(out, note != NULL ? note : "left out");
	fputc('\n', out);
}

/* ---- credentials -------------------------------------------------------- */

static void
put_credential_head(FILE *out, const struct intake_binding *b)
{
	fputs("  ", out);
	import_put_word(out, b->name);
	fputs(":\n    source: {env: [", out);
	for (size_t i = 0; i < b->env.count; i++) {
		fputs(i > 0 ? ", " : "", out);
		import_put_word(out, b->env.items[i]);
	}
	fputs("]}\n    inject:\n", out);
}

static void
put_binding(FILE *out, const struct intake_binding *b)
{
	if (b->left_out) {
		put_left_out(out, b->text, b->note);
		return;
	}
	if (b->first)
		put_credential_head(out, b);
	fputs("      - {", out);
	import_put_host(out, &b->host);
	fputs(", header: ", out);
	import_put_word(out, b->header);
	fputs(", format: ", out);
	import_put_word(out, b->format);
	fputc('}', out);
	put_note(out, b->note);
}

static bool
any_carried(const struct intake *in)
{
	for (const struct intake_binding *b = in->bindings; b != NULL;
		b = b->next) {
		if (!b->left_out)
			return true;
	}
	return false;
}

static void
put_credentials(FILE *out, const struct intake *in)
{
	if (in->bindings == NULL)
		return;
	fputs(any_carried(in) ? "credentials:\n" : "# credentials:\n", out);
	for (const struct intake_binding *b = in->bindings; b != NULL;
		b = b->next)
		put_binding(out, b);
}

static void
put_credential_names(FILE *out, const struct intake *in)
{
	const char *before = "    credentials: [";

	for (const struct intake_binding *b = in->bindings; b != NULL;
		b = b->next) {
		if (b->left_out || !b->first)
			continue;
		fputs(before, out);
		import_put_word(out, b->name);
		before = ", ";
	}
	fputs("]\n", out);
}

/* ---- rules -------------------------------------------------------------- */

static void
put_rule(FILE *out, const struct intake_rule *r)
{
	if (!foreign_host_is_said(&r->host)) {
		put_left_out(out, r->text, r->host.note);
		return;
	}
	fputs("      - {", out);
	import_put_host(out, &r->host);
	fputs(r->host.broad ? ", broad: true}" : "}", out);
	put_note(out, r->host.note);
}

static void
put_rules(FILE *out, const struct intake *in, bool deny)
{
	size_t said = 0;

	for (const struct intake_rule *r = in->rules; r != NULL; r = r->next)
		said += r->deny == deny && foreign_host_is_said(&r->host);
	if (said > 0)
		fputs(deny ? "    deny:\n" : "    allow:\n", out);
	else if (!deny && !in->default_allow)
		fputs("    allow: []\n", out);
	for (const struct intake_rule *r = in->rules; r != NULL; r = r->next) {
		if (r->deny == deny)
			put_rule(out, r);
	}
}

/* ---- the document ------------------------------------------------------- */

static void
put_head(FILE *out, const struct intake *in)
{
	fputs("# From ", out);
	put_ascii(out, in->source);
	fprintf(out, ": %s.\n", titles[in->style]);
	for (const struct intake_remark *r = in->remarks; r != NULL;
		r = r->next)
		put_comment(out, r->text != NULL ? r->text : "");
	fputs("version: 1\n", out);
}

static void
put_document(FILE *out, const struct intake *in, bool credentials)
{
	put_head(out, in);
	if (credentials)
		put_credentials(out, in);
	fputs("policies:\n  ", out);
	import_put_word(out, in->policy);
	fprintf(out, ":\n    default: %s\n",
		in->default_allow ? "allow" : "deny");
	put_rules(out, in, false);
	put_rules(out, in, true);
	if (credentials && any_carried(in))
		put_credential_names(out, in);
}

/* The text that was written to out; NULL when memory was short. */
static char *
close_text(FILE *out, char **text)
{
	bool bad = ferror(out) != 0;

	bad |= fclose(out) != 0;
	if (!bad)
		return *text;
	free(*text);
	return NULL;
}

char *
import_document_print(const struct intake *in, bool credentials)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	put_document(out, in, credentials);
	return close_text(out, &text);
}

/* ---- notes -------------------------------------------------------------- */

static void
put_place(FILE *out, const struct intake *in, struct report_mark at,
	const char *note)
{
	if (note != NULL)
		fprintf(out, "%s:%u:%u: note: %s\n", in->source, at.line,
			at.column, note);
}

char *
import_document_notes(const struct intake *in)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (const struct intake_remark *r = in->remarks; r != NULL;
		r = r->next)
		put_place(out, in, r->at, r->text);
	for (const struct intake_rule *r = in->rules; r != NULL; r = r->next)
		put_place(out, in, r->at, r->host.note);
	for (const struct intake_binding *b = in->bindings; b != NULL;
		b = b->next)
		put_place(out, in, b->at, b->note);
	return close_text(out, &text);
}
