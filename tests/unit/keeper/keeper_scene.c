#include "keeper_scene.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "keeper.h"
#include "keeper_lab.h"
#include "steer.h"

/* The source of the credential, and more documents. */
static const char base[] =
	"version: 1\n"
	"workers: 2\n"
	"resolver: 192.0.2.53\n"
	"credentials:\n"
	"  github:\n"
	"    source: {%s}\n"
	"    inject: [{host: api.example.org, header: Authorization, "
	"format: \"Bearer ${value}\"}]\n"
	"policies:\n"
	"  agent: {allow: [{host: api.example.org}], credentials: [github]}\n"
	"  plain: {allow: [{host: www.example.org}]}\n"
	"%s";

void
scene_write_source(struct lab *l, const char *source, const char *more)
{
	char text[4096];

	snprintf(text, sizeof(text), base, source, more);
	lab_write(l, "sbx-netd.yaml", text);
}

void
scene_write(struct lab *l, const char *more)
{
	char source[128];

	snprintf(source, sizeof(source), "file: %s/token", l->dir);
	scene_write_source(l, source, more);
}

void
scene_open(struct lab *l, const char *more)
{
	lab_open(l);
	lab_write(l, "token", "s3cret\n");
	scene_write(l, more);
	lab_start(l);
}

unsigned
scene_worker_of(const char *text)
{
	uint8_t address[4] = {10, 77, 1, (uint8_t)atoi(strrchr(text, '.') + 1)};

	return steer_index(2, address, 2);
}

pid_t
scene_pid_of(struct lab *l, unsigned worker)
{
	json_t *status = keeper_status(l->keeper);
	pid_t pid = (pid_t)json_integer_value(json_object_get(
		json_array_get(json_object_get(status, "workers"), worker),
		"pid"));

	json_decref(status);
	return pid;
}

const char *
scene_line(unsigned worker, const char *what)
{
	static char lines[16][128];
	static unsigned next;
	char *ret = lines[next++ % 16];

	snprintf(ret, sizeof(lines[0]), "double %u: %s", worker, what);
	return ret;
}

bool
scene_set_has(const char *set, const char *element)
{
	char command[256];

	snprintf(command, sizeof(command),
		"nft list set inet sbx_net %s | grep -qF '%s'", set, element);
	return system(command) == 0;
}

bool
scene_has(const char *address)
{
	return scene_set_has("source4", address);
}
