#include "rule_line.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "path.h"
#include "token.h"
#include "yaml_text.h"

enum { METHOD_MAX = 32 }; /* as parse_match.c takes them */

static const char unreserved[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-._~/@:!$&'()+,=";

static void
put_list(FILE *out, const char *key, const char *const *items, size_t count)
{
	if (count == 0)
		return;
	fprintf(out, ", %s: %s", key, count > 1 ? "[" : "");
	for (size_t i = 0; i < count; i++) {
		fputs(i > 0 ? ", " : "", out);
		yaml_put_text(out, items[i]);
	}
	fputs(count > 1 ? "]" : "", out);
}

void
rule_line_put(FILE *out, const struct rule_line *line)
{
	fputs(line->host != NULL ? "- {host: " : "- {address: ", out);
	yaml_put_text(out, line->host != NULL ? line->host : line->address);
	if (line->port != 0)
		fprintf(out, ", port: %u", line->port);
	put_list(out, "method", line->methods, line->method_count);
	put_list(out, "path", line->paths, line->path_count);
	if (line->protocol != NULL)
		fprintf(out, ", protocol: %s", line->protocol);
	fputc('}', out);
}

bool
rule_line_takes_method(const char *method)
{
	return token_is_valid(method, METHOD_MAX) &&
	       strpbrk(method, "abcdefghijklmnopqrstuvwxyz") == NULL;
}

bool
rule_line_takes_path(const char *path)
{
	return !path_is_ambiguous(path);
}

bool
rule_line_takes_host(const char *host)
{
	char normal[HOST_MAX + 1];

	return host_normalise(host, strlen(host), normal) == 0 &&
	       strcmp(host, normal) == 0;
}

void
rule_line_put_pattern(FILE *out, const char *path, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		/* An escape stays one: it stands for the same byte. */
		if (path[i] == '%' || strchr(unreserved, path[i]) != NULL)
			fputc(path[i], out);
		else
			fprintf(out, "%%%02X", (unsigned char)path[i]);
	}
}

char *
rule_line_pattern(const char *path)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	rule_line_put_pattern(out, path, strlen(path));
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
