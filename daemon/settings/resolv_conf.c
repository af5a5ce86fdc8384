#include "resolv_conf.h"

#include <string.h>

#include "settings.h"

static const char word[] = "nameserver";

size_t
resolv_conf_servers(
	const char *text, char ret[][RESOLV_CONF_SERVER], size_t max)
{
	size_t count = 0, len;

	for (const char *line = text; *line != '\0' && count < max;
		line += strcspn(line, "\n"), line += *line == '\n') {
		const char *at = line + sizeof(word) - 1;

		if (strncmp(line, word, sizeof(word) - 1) != 0 ||
			strspn(at, " \t") == 0)
			continue;
		at += strspn(at, " \t");
		len = strcspn(at, " \t\r\n#;");
		if (len >= RESOLV_CONF_SERVER)
			continue;
		memcpy(ret[count], at, len);
		ret[count][len] = '\0';
		count += settings_is_address(ret[count]);
	}
	return count;
}
