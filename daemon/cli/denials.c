/*
 * denials.c - what was refused, and what would allow it
 *
 * Theory of operation
 *
 * Lines are read from where the log ended at the start; those that refuse
 * something to our sandbox are counted in a bounded table, one row for each
 * (host, port, reason), which is also the order of the output.  Everything
 * in a line may have been chosen by the sandbox: it is printed with its
 * unprintable bytes replaced.
 */
#include "denials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "logline.h"
#include "record.h"
#include "rule_line.h"
#include "span.h"
#include "yaml_text.h"

enum {
	ROWS = 64,                     /* different refusals that are shown */
	TEXT = 256,                    /* of a host or a path */
	LOG_BYTES = 256 * 1024 * 1024, /* read of the log at most */
};

struct row {
	char host[TEXT], method[32], path[TEXT], rule[TEXT], source[TEXT];
	uint64_t port;
	int reason;
	uint64_t count;
};

struct denials {
	int fd;
	char *sandbox;
	struct row rows[ROWS];
	size_t row_count;
	uint64_t more;    /* refusals that found no row */
	uint64_t audited; /* passed, but would be refused */
};

int
denials_open(const char *log_path, const char *sandbox, struct denials **ret)
{
	struct denials *d = calloc(1, sizeof(*d));
	int e;

	if (d == NULL)
		return -ENOMEM;
	d->sandbox = strdup(sandbox);
	d->fd = open(log_path, O_RDONLY | O_CLOEXEC);
	if (d->fd < 0 || lseek(d->fd, 0, SEEK_END) < 0 || d->sandbox == NULL) {
		e = d->sandbox == NULL ? -ENOMEM : -errno;
		denials_free(d);
		return e;
	}
	*ret = d;
	return 0;
}

void
denials_free(struct denials *d)
{
	if (d == NULL)
		return;
	if (d->fd >= 0)
		close(d->fd);
	free(d->sandbox);
	free(d);
}

static void
copy_printable(char *ret, size_t size, const char *text)
{
	size_t i;

	for (i = 0; i + 1 < size && text[i] != '\0'; i++)
		ret[i] = text[i] > ' ' && text[i] < 0x7f ? text[i] : '?';
	ret[i] = '\0';
}

static void
read_row(const struct logline *line, struct row *ret)
{
	const char *host = logline_text(line, "host");

	if (host[0] == '\0')
		host = logline_text(line, "dst");
	copy_printable(ret->host, sizeof(ret->host), host);
	copy_printable(
		ret->method, sizeof(ret->method), logline_text(line, "method"));
	copy_printable(
		ret->path, sizeof(ret->path), logline_text(line, "path"));
	copy_printable(
		ret->rule, sizeof(ret->rule), logline_text(line, "rule"));
	copy_printable(
		ret->source, sizeof(ret->source), logline_text(line, "source"));
	ret->port = logline_number(line, "dport");
	/* A name that was asked for has no port of its own. */
	if (strcmp(logline_text(line, "kind"), "dns") == 0)
		ret->port = 0;
	ret->reason = logline_reason(line);
	ret->count = logline_number(line, "count");
	if (ret->count == 0)
		ret->count = 1;
}

static void
count(struct denials *d, const struct row *row)
{
	for (size_t i = 0; i < d->row_count; i++) {
		struct row *have = &d->rows[i];

		if (have->port == row->port && have->reason == row->reason &&
			strcmp(have->host, row->host) == 0 &&
			strcmp(have->method, row->method) == 0) {
			have->count += row->count;
			return;
		}
	}
	if (d->row_count == ROWS)
		d->more += row->count;
	else
		d->rows[d->row_count++] = *row;
}

static bool
is_audited(const struct logline *line)
{
	return strcmp(logline_text(line, "verdict"),
		       record_verdict_name(RECORD_AUDITED)) == 0;
}

static void
read_decision(struct denials *d, const struct logline *line)
{
	struct row row;

	if (is_audited(line)) {
		d->audited++;
	} else if (!logline_passed(line)) {
		read_row(line, &row);
		count(d, &row);
	}
}

static void
read_line(struct denials *d, struct span text)
{
	struct logline line;

	if (logline_parse(text, &line) < 0)
		return;
	if (!logline_is_outcome(&line) &&
		strcmp(logline_text(&line, "sandbox"), d->sandbox) == 0)
		read_decision(d, &line);
	logline_done(&line);
}

static void
read_log(struct denials *d)
{
	size_t size = 0, read_so_far = 0;
	FILE *file = fdopen(d->fd, "r");
	char *line = NULL;
	ssize_t n;

	if (file == NULL)
		return;
	while (read_so_far < LOG_BYTES &&
		(n = getline(&line, &size, file)) > 0) {
		read_so_far += (size_t)n;
		if (line[n - 1] == '\n')
			n--;
		read_line(d, (struct span){line, (size_t)n});
	}
	free(line);
	fclose(file);
	d->fd = -1;
}

static bool
is_usual(uint64_t port)
{
	return port == 80 || port == 443 || port == 0;
}

/* The narrowest rule that would have allowed it; or why none would. */
static void
print_hint(const struct row *row, FILE *to)
{
	char port[32] = "";

	if (!is_usual(row->port))
		snprintf(port, sizeof(port), ", port: %u", (unsigned)row->port);
	switch (row->reason) {
	case RECORD_NO_RULE:
	case RECORD_PORT:
		fprintf(to, "allow it with: - {host: %s%s}", row->host, port);
		break;
	case RECORD_METHOD:
		fprintf(to, "allow it with: - {host: %s%s, method: [",
			row->host, port);
		yaml_put_text(to, row->method);
		fputs("]}", to);
		break;
	case RECORD_PATH:
		fprintf(to, "allow it with: - {host: %s%s, path: \"", row->host,
			port);
		rule_line_put_pattern(to, row->path, strlen(row->path));
		fputs("\"}", to);
		break;
	case RECORD_NO_NAME:
		fprintf(to, "allow it with: - {address: %s, port: %u}",
			row->host, (unsigned)row->port);
		break;
	case RECORD_RULE_DENY:
		fprintf(to, "refused by %s at %s", row->rule, row->source);
		break;
	case RECORD_ADDRESS_REFUSED:
		fprintf(to, "its address is refused: see upstream."
			    "allow_addresses, or --allow-address");
		break;
	default:
		if (row->reason >= 0)
			fputs(record_reason_text(
				      (enum record_reason)row->reason),
				to);
		break;
	}
}

static void
print_row(const struct row *row, FILE *to)
{
	char place[TEXT + 8];

	if (row->port == 0)
		snprintf(place, sizeof(place), "%s", row->host);
	else
		snprintf(place, sizeof(place),
			strchr(row->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
			row->host, (unsigned)row->port);
	fprintf(to, "  %-36s %-16s %4llux  ", place,
		row->reason >= 0
			? record_reason_name((enum record_reason)row->reason)
			: "refused",
		(unsigned long long)row->count);
	print_hint(row, to);
	fputc('\n', to);
}

void
denials_print(struct denials *d, FILE *to)
{
	read_log(d);
	if (d->audited > 0)
		fprintf(to,
			"\nsbx-net let %llu pass that it would refuse without "
			"audit: see sbx-netlog --sandbox %s --verdict %s\n",
			(unsigned long long)d->audited, d->sandbox,
			record_verdict_name(RECORD_AUDITED));
	if (d->row_count == 0)
		return;
	fprintf(to, "\nsbx-net refused %s:\n", d->sandbox);
	for (size_t i = 0; i < d->row_count; i++)
		print_row(&d->rows[i], to);
	if (d->more > 0)
		fprintf(to, "  and %llu more: see sbx-netlog --sandbox %s\n",
			(unsigned long long)d->more, d->sandbox);
}
