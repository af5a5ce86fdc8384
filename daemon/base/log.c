#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum {
	LOG_LINE = 1024, /* a longer message is cut */
};

static const char *process = "sbx-net";
static enum log_level limit = LOG_LEVEL_NOTICE;
static bool terminal;

void
log_open(const char *name, enum log_level most)
{
	process = name;
	limit = most;
	terminal = isatty(STDERR_FILENO);
}

void
log_at(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE];
	size_t len;
	va_list ap;
	int n;

	if (level > limit)
		return;
	n = terminal ? snprintf(line, sizeof(line), "%s: ", process)
		     : snprintf(line, sizeof(line), "<%d>%s: ", (int)level,
			       process);
	len = (size_t)n;
	va_start(ap, format);
	n = vsnprintf(line + len, sizeof(line) - len - 1, format, ap);
	va_end(ap);
	if (n < 0)
		return;
	len += (size_t)n;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	/* A log that cannot be written must not stop the daemon. */
	(void)!write(STDERR_FILENO, line, len);
}
