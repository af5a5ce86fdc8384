/*
 * Words for humans, on standard error, one line a message, with the level as
 * the <N> prefix that journald understands when there is no terminal.
 *
 * Not the decision record (record/).  Never given a secret: there is no type
 * of ours that holds one and can be printed.
 */
#ifndef SBX_LOG_H
#define SBX_LOG_H

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* name: the process, "sbx-netd" or "worker 1".  Borrowed for ever. */
void log_open(const char *name, enum log_level most);

void log_at(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
