/*
 * own_config.c - a configuration for one command
 *
 * A policy file alone is a configuration as it is, and is given to the daemon
 * under its own name, so that every verdict names it.  Only settings from the
 * command line need a file of ours, with the policy file beside it; and a
 * document that is no file yet (an imported kit) becomes one there.
 */
#include "own_config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "own_daemon.h"

/* What a command without any policy gets: everything is refused, and the
 * summary at its end says what it would have needed. */
static const char nothing[] = "policies:\n"
			      "  run:\n"
			      "    default: deny\n"
			      "    allow: []\n";

/* As a YAML scalar in single quotes, in which only the quote is special. */
static void
print_quoted(FILE *file, const char *text)
{
	fputc('\'', file);
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputc('\'', file);
		fputc(*text, file);
	}
	fputc('\'', file);
}

static int
print_settings(const struct own_daemon_spec *spec, const char *path)
{
	FILE *file = fopen(path, "wxe");
	int e;

	if (file == NULL)
		return -errno;
	fputs("version: 1\n", file);
	if (spec->log != NULL) {
		fputs("log:\n  file: ", file);
		print_quoted(file, spec->log);
		fputc('\n', file);
	}
	if (spec->allow_address_count > 0)
		fputs("upstream:\n  allow_addresses:\n", file);
	for (size_t i = 0; i < spec->allow_address_count; i++) {
		fputs("    - ", file);
		print_quoted(file, spec->allow_addresses[i]);
		fputc('\n', file);
	}
	if (spec->policy_file == NULL && spec->policy_text == NULL)
		fputs(nothing, file);
	e = ferror(file) ? -EIO : 0;
	if (fclose(file) != 0 && e == 0)
		e = -errno;
	return e;
}

/* policies.d, made, and the path of a file in it. */
static int
make_policies(const char *dir, const char *name, char ret[PATH_MAX])
{
	if (snprintf(ret, PATH_MAX, "%s/policies.d", dir) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (mkdir(ret, 0700) < 0)
		return -errno;
	if (snprintf(ret, PATH_MAX, "%s/policies.d/%s", dir, name) >= PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* policies.d/NAME.yaml -> the file. */
static int
link_policy(const char *dir, const char *file)
{
	char link[PATH_MAX], target[PATH_MAX];
	int e;

	if (realpath(file, target) == NULL)
		return -errno;
	e = make_policies(dir, strrchr(target, '/') + 1, link);
	if (e < 0)
		return e;
	return symlink(target, link) < 0 ? -errno : 0;
}

static int
write_policy(const char *dir, const char *text)
{
	char path[PATH_MAX];
	int e = make_policies(dir, "kit.yaml", path);
	FILE *file;

	if (e < 0)
		return e;
	file = fopen(path, "wxe");
	if (file == NULL)
		return -errno;
	e = fputs(text, file) < 0 ? -EIO : 0;
	if (fclose(file) != 0 && e == 0)
		e = -errno;
	return e;
}

bool
own_config_is_needed(const struct own_daemon_spec *spec)
{
	return spec->policy_file == NULL || spec->allow_address_count > 0 ||
	       spec->log != NULL;
}

int
own_config_write(const struct own_daemon_spec *spec, char *reterr, size_t size)
{
	char path[PATH_MAX];
	int e;

	if (snprintf(path, sizeof(path), "%s/" OWN_CONFIG, spec->runtime_dir) >=
		(int)sizeof(path))
		return -ENAMETOOLONG;
	e = print_settings(spec, path);
	if (e == 0 && spec->policy_file != NULL)
		e = link_policy(spec->runtime_dir, spec->policy_file);
	else if (e == 0 && spec->policy_text != NULL)
		e = write_policy(spec->runtime_dir, spec->policy_text);
	if (e < 0)
		snprintf(reterr, size, "cannot write a configuration in %s: %s",
			spec->runtime_dir, strerror(-e));
	return e;
}
