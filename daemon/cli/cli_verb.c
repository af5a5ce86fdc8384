#include "cli_verb.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_talk.h"

int
cli_run_verb(const struct cli *cli, const struct cli_verb *verbs, size_t count,
	int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < count; i++) {
		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		if (argc - 2 < verbs[i].least || argc - 2 > verbs[i].most)
			return cli_complain(CLI_USAGE, "usage: %s %s %s",
				argv[0], verbs[i].name, verbs[i].args);
		return verbs[i].run(cli, argc - 1, argv + 1);
	}
	cli_complain(CLI_USAGE, "%s what?  One of:", argv[0]);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "  %s %s %s\n", argv[0], verbs[i].name,
			verbs[i].args);
	return CLI_USAGE;
}
