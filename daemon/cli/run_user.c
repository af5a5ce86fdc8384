#include "run_user.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "trust.h"

/*
 * Not for the command: proxies it cannot reach and does not need; doors of the
 * service manager and of the desktop that lead around the network; what sudo
 * says about a caller who the command is now anyway.
 */
static const char *const never[] = {"http_proxy", "https_proxy", "ftp_proxy",
	"all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY",
	"ALL_PROXY", "NO_PROXY", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID",
	"LISTEN_FDNAMES", "DBUS_SESSION_BUS_ADDRESS", "CREDENTIALS_DIRECTORY",
	"SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_COMMAND",
	"SBX_NET_RUNTIME_DIR"};

/* A number that sudo put there; or -1. */
static long
sudo_number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	n = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' && n <= (long)UINT32_MAX - 1 ? n : -1;
}

int
run_user_find(struct run_user *ret, char *reterr, size_t size)
{
	struct run_user u = {.who = {getuid(), getgid(), NULL}};
	long uid = sudo_number("SUDO_UID");
	const struct passwd *p;

	/* Only root's own environment is believed. */
	if (u.who.uid == 0 && uid > 0) {
		errno = 0;
		p = getpwuid((uid_t)uid);
		if (p == NULL) {
			snprintf(reterr, size,
				"SUDO_UID is %ld, and there is no such user",
				uid);
			return -EINVAL;
		}
		u.who.uid = p->pw_uid;
		u.who.gid = p->pw_gid;
		snprintf(u.name, sizeof(u.name), "%s", p->pw_name);
		snprintf(u.home, sizeof(u.home), "%s", p->pw_dir);
		snprintf(u.shell, sizeof(u.shell), "%s", p->pw_shell);
	}
	*ret = u;
	/* Points into *ret, where the caller keeps it. */
	if (ret->name[0] != '\0')
		ret->who.name = ret->name;
	return 0;
}

const char *
run_user_home(const struct run_user *u)
{
	return u->name[0] != '\0' ? u->home : getenv("HOME");
}

static bool
is_named(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool
is_any(const char *entry, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_named(entry, names[i]))
			return true;
	}
	return false;
}

struct environment {
	char **entries;
	size_t count, size;
	bool failed;
};

static void
set(struct environment *e, const char *name, const char *value)
{
	char *entry;
	size_t i;

	if (e->failed || asprintf(&entry, "%s=%s", name, value) < 0) {
		e->failed = true;
		return;
	}
	for (i = 0; i < e->count; i++) {
		if (is_named(e->entries[i], name))
			break;
	}
	if (i == e->count) {
		/* One place stays free for the end. */
		if (e->count + 1 >= e->size) {
			free(entry);
			e->failed = true;
			return;
		}
		e->count++;
	}
	free(e->entries[i]);
	e->entries[i] = entry;
}

static void
copy_ours(struct environment *e, const struct run_variables *v)
{
	char name[512];

	for (char **p = environ; *p != NULL; p++) {
		const char *equals = strchr(*p, '=');
		size_t len = equals == NULL ? 0 : (size_t)(equals - *p);

		if (len == 0 || len >= sizeof(name) ||
			is_any(*p, never, ARRAY_LEN(never)) ||
			is_any(*p, v->withheld, v->withheld_count))
			continue;
		memcpy(name, *p, len);
		name[len] = '\0';
		set(e, name, equals + 1);
	}
}

static bool
is_never(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		if (strcmp(name, never[i]) == 0)
			return true;
	}
	return false;
}

static void
set_stand_ins(struct environment *e, const struct run_variables *v)
{
	const json_t *value;
	const char *name;

	for (size_t i = 0; i < v->stand_in_count; i++) {
		if (!is_never(v->stand_ins[i]))
			set(e, v->stand_ins[i], v->stand_in);
	}
	/* What the daemon swaps is worth more than a word that says so. */
	json_object_foreach((json_t *)v->environment, name, value)
	{
		if (!is_never(name))
			set(e, name, json_string_value(value));
	}
}

/* Java reads options, among them ours: those of the user stay. */
static void
set_java(struct environment *e, const char *name, const char *value)
{
	const char *have = getenv(name);
	char *both;

	if (have == NULL || have[0] == '\0') {
		set(e, name, value);
		return;
	}
	if (asprintf(&both, "%s %s", have, value) < 0) {
		e->failed = true;
		return;
	}
	set(e, name, both);
	free(both);
}

static void
set_trust(struct environment *e)
{
	for (size_t i = 0; i < trust_variable_count(); i++) {
		struct trust_variable v = trust_variable_get(i, JAIL_TRUST_DIR);

		if (strcmp(v.name, "JAVA_TOOL_OPTIONS") == 0)
			set_java(e, v.name, v.value);
		else
			set(e, v.name, v.value);
	}
}

char **
run_environment(
	const struct run_user *user, const struct run_variables *variables)
{
	enum { OURS = 16 };
	struct environment e = {
		.size = OURS + trust_variable_count() +
			variables->stand_in_count +
			json_object_size(variables->environment)};

	for (char **p = environ; *p != NULL; p++)
		e.size++;
	e.entries = calloc(e.size, sizeof(*e.entries));
	if (e.entries == NULL)
		return NULL;
	copy_ours(&e, variables);
	set_stand_ins(&e, variables);
	if (user->name[0] != '\0') {
		set(&e, "HOME", user->home);
		set(&e, "USER", user->name);
		set(&e, "LOGNAME", user->name);
		set(&e, "SHELL", user->shell);
	}
	set(&e, "SBX_NET_SANDBOX", variables->sandbox);
	set_trust(&e);
	if (!e.failed)
		return e.entries;
	run_environment_free(e.entries);
	return NULL;
}

void
run_environment_free(char **environment)
{
	if (environment == NULL)
		return;
	for (char **p = environment; *p != NULL; p++)
		free(*p);
	free(environment);
}
