/* The self-check expects exactly the chains that sbx-net.nft makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/netfilter.h>

#include "nft_shape.h"

struct found {
	struct nft_chain chains[NFT_CHAINS + 1];
	char names[NFT_CHAINS + 1][64];
	int count;
};

static void
take_hook(struct nft_chain *c, const char *line)
{
	static const struct {
		const char *name;
		uint32_t hook;
	} hooks[] = {
		{"prerouting", NF_INET_PRE_ROUTING},
		{"input", NF_INET_LOCAL_IN},
		{"forward", NF_INET_FORWARD},
		{"output", NF_INET_LOCAL_OUT},
		{"postrouting", NF_INET_POST_ROUTING},
	};
	char hook[32], rest[64];

	assert_int_equal(sscanf(line, " type %*s hook %31s priority %63[^;]",
				 hook, rest),
		2);
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		if (strcmp(hooks[i].name, hook) == 0)
			c->hook = hooks[i].hook;
	}
	c->priority = strcmp(rest, "mangle - 10") == 0  ? -160
		      : strcmp(rest, "mangle - 9") == 0 ? -159
		      : strcmp(rest, "srcnat") == 0     ? 100
		      : strcmp(rest, "filter") == 0     ? 0
		      : strcmp(rest, "filter - 5") == 0 ? -5
							: INT32_MAX;
}

static void
take_line(struct found *f, struct nft_chain **chain, const char *line)
{
	char name[64], brace[2];

	line += strspn(line, " \t");
	if (*chain == NULL) {
		if (sscanf(line, "chain %63s %1[{]", name, brace) != 2)
			return;
		assert_in_range(f->count, 0, NFT_CHAINS - 1);
		snprintf(f->names[f->count], sizeof(name), "%s", name);
		*chain = &f->chains[f->count];
		**chain = (struct nft_chain){
			f->names[f->count], NFT_NO_HOOK, 0, 0};
		f->count++;
	} else if (line[0] == '}') {
		*chain = NULL;
	} else if (strncmp(line, "type ", 5) == 0) {
		take_hook(*chain, line);
	} else if (line[0] != '\n' && line[0] != '#') {
		(*chain)->rules++;
	}
}

static void
test_same_as_the_file(void **state)
{
	FILE *file = fopen("../nft/sbx-net.nft", "r");
	struct nft_chain *chain = NULL;
	struct found f = {.count = 0};
	char line[1024];
	(void)state;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		take_line(&f, &chain, line);
	fclose(file);
	assert_int_equal(f.count, NFT_CHAINS);
	for (int i = 0; i < NFT_CHAINS; i++) {
		assert_string_equal(f.chains[i].name, nft_shape[i].name);
		assert_int_equal(f.chains[i].hook, nft_shape[i].hook);
		assert_int_equal(f.chains[i].priority, nft_shape[i].priority);
		assert_int_equal(f.chains[i].rules, nft_shape[i].rules);
	}
	assert_null(nft_shape[NFT_CHAINS].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
