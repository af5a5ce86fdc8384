#include "run_secrets.h"

#include <errno.h>
#include <stdio.h>

#include "cli_ask.h"
#include "import.h"

static int
add(struct run_secrets *s, const char *name)
{
	if (s->count == RUN_SECRETS_MAX)
		return -E2BIG;
	s->names[s->count++] = name;
	return 0;
}

static int
add_kit(struct run_secrets *s, const struct import *kit)
{
	const char *const *names;
	size_t count = import_secrets(kit, &names);
	int e = 0;

	for (size_t i = 0; i < count && e == 0; i++)
		e = add(s, names[i]);
	return e;
}

static int
add_credential(struct run_secrets *s, const json_t *credential)
{
	const json_t *name;
	size_t i;
	int e = 0;

	json_array_foreach(json_object_get(credential, "env"), i, name)
	{
		if (e == 0 && json_is_string(name))
			e = add(s, json_string_value(name));
	}
	return e;
}

int
run_secrets_learn(struct run_secrets *s, struct control_client *client,
	const struct import *kit, char *reterr, size_t size)
{
	const json_t *credential;
	size_t i;
	int e = cli_get_json(
		client, "/v1/credentials", &s->credentials, reterr, size);

	if (e < 0)
		return e;
	if (kit != NULL)
		e = add_kit(s, kit);
	json_array_foreach(s->credentials, i, credential)
	{
		if (e == 0)
			e = add_credential(s, credential);
	}
	if (e < 0)
		snprintf(reterr, size, "too many credentials");
	return e;
}

void
run_secrets_done(struct run_secrets *s)
{
	json_decref(s->credentials);
	s->credentials = NULL;
	s->count = 0;
}
