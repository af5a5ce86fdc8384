#include "setup_program.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"

/* Relative ones: to the folder of this program. */
static const char *const places[] = {
	"../scripts/sbx-net-setup",
	"../../scripts/sbx-net-setup",
	"../lib/sbx-net/sbx-net-setup",
	"/usr/lib/sbx-net/sbx-net-setup",
	"/usr/sbin/sbx-net-setup",
};

char *
setup_program_find(const char *wish)
{
	char self[PATH_MAX], *path;
	ssize_t len;

	if (wish != NULL)
		return strdup(wish);
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[len > 0 ? len : 0] = '\0';
	if (strrchr(self, '/') != NULL)
		*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		bool relative = places[i][0] != '/';

		if (asprintf(&path, "%s%s%s", relative ? self : "",
			    relative ? "/" : "", places[i]) < 0)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}
