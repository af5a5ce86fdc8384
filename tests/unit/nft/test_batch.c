/*
 * golden/nft/NAME.plan says what is put into a transaction, NAME.rules what
 * the kernel would read from the bytes.
 */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "batch.h"

enum { FIRST_SEQ = 7, WORDS = 4, MANY = 2000 };

static struct element
parse_element(char *word[WORDS])
{
	struct element e = {0}, pair[2];
	struct element_range range;
	int r = -EINVAL;

	if (strcmp(word[1], "interface") == 0)
		r = element_of_interface(word[2], &e);
	else if (strcmp(word[1], "source") == 0)
		r = element_of_source(word[2], word[3], &e);
	else if (strcmp(word[1], "resolver") == 0)
		r = element_of_resolver(
			word[2], (uint16_t)strtoul(word[3], NULL, 10), &e);
	else if (strcmp(word[1], "first") == 0 || strcmp(word[1], "end") == 0) {
		r = element_range_parse(word[2], &range);
		assert_int_equal(element_of_range(&range, pair), 2);
		e = pair[word[1][0] == 'e'];
	}
	if (r < 0)
		fail_msg("cannot plan %s %s", word[1], word[2]);
	return e;
}

/* Lines that follow each other with the same verb are one call. */
struct plan {
	enum batch_op op;
	struct element e[64];
	size_t count;
};

static void
plan_put(struct plan *p, struct batch *b)
{
	assert_int_equal(batch_elements(b, p->op, p->e, p->count), 0);
	p->count = 0;
}

static void
plan_line(struct plan *p, struct batch *b, char *line)
{
	char none[1] = "";
	char *word[WORDS] = {none, none, none, none};
	enum batch_op op;
	int n = 0;

	for (char *w = strtok(line, " \n"); w != NULL && n < WORDS;
		w = strtok(NULL, " \n"))
		word[n++] = w;
	if (n == 0)
		return;
	op = strcmp(word[0], "delete") == 0 ? BATCH_DELETE : BATCH_ADD;
	if (p->count > 0 && (op != p->op || strcmp(word[0], "flush") == 0))
		plan_put(p, b);
	p->op = op;
	if (strcmp(word[0], "flush") != 0) {
		assert_in_range(p->count, 0, 63);
		p->e[p->count++] = parse_element(word);
		return;
	}
	for (int set = 0; set < SET_COUNT; set++) {
		if (strcmp(element_set_name(set), word[1]) == 0)
			assert_int_equal(batch_flush(b, set), 0);
	}
}

static void
show_element(FILE *out, const struct nlattr *elem)
{
	const struct nlattr *attr, *inner;
	uint32_t flags = 0;

	fputs("  ", out);
	mnl_attr_for_each_nested(attr, elem)
	{
		if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_FLAGS)
			flags = ntohl(mnl_attr_get_u32(attr));
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_KEY)
			continue;
		inner = mnl_attr_get_payload(attr);
		assert_int_equal(mnl_attr_get_type(inner), NFTA_DATA_VALUE);
		for (int i = 0; i < mnl_attr_get_payload_len(inner); i++)
			fprintf(out, "%02x",
				((uint8_t *)mnl_attr_get_payload(inner))[i]);
	}
	fprintf(out, "%s\n", flags & NFT_SET_ELEM_INTERVAL_END ? " end" : "");
}

static void
show_message(FILE *out, const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *elem;

	fprintf(out, "%u ", nlh->nlmsg_seq);
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE + 16) {
		fprintf(out, "%s of subsystem %u\n",
			nlh->nlmsg_type == NFNL_MSG_BATCH_BEGIN ? "begin"
								: "end",
			ntohs(head->res_id));
		return;
	}
	assert_int_equal(NFNL_SUBSYS_ID(nlh->nlmsg_type), NFNL_SUBSYS_NFTABLES);
	fprintf(out, "%s family %u%s%s%s",
		NFNL_MSG_TYPE(nlh->nlmsg_type) == NFT_MSG_NEWSETELEM ? "add"
								     : "delete",
		head->nfgen_family,
		nlh->nlmsg_flags & NLM_F_CREATE ? " create" : "",
		nlh->nlmsg_flags & NLM_F_EXCL ? " excl" : "",
		nlh->nlmsg_flags & NLM_F_ACK ? " ack" : "");
	mnl_attr_for_each(attr, nlh, sizeof(*head))
	{
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			fprintf(out, " %s", mnl_attr_get_str(attr));
	}
	fputc('\n', out);
	mnl_attr_for_each(attr, nlh, sizeof(*head))
	{
		if (mnl_attr_get_type(attr) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(elem, attr) show_element(out, elem);
	}
}

/* The caller frees it. */
static char *
batch_text(struct batch *b)
{
	char *text;
	size_t text_len, len;
	FILE *out = open_memstream(&text, &text_len);
	const struct nlmsghdr *nlh = batch_bytes(b, &len);
	int rest = (int)len;

	assert_non_null(out);
	for (; mnl_nlmsg_ok(nlh, rest); nlh = mnl_nlmsg_next(nlh, &rest))
		show_message(out, nlh);
	assert_int_equal(rest, 0);
	fprintf(out, "%u answers\n", batch_answers(b));
	fclose(out);
	return text;
}

static char *
read_file(const char *path)
{
	static char bytes[65536];
	FILE *f = fopen(path, "r");

	if (f == NULL)
		fail_msg("cannot open %s", path);
	bytes[fread(bytes, 1, sizeof(bytes) - 1, f)] = '\0';
	fclose(f);
	return bytes;
}

static char *
run_plan(const char *path)
{
	struct batch *b = batch_new(FIRST_SEQ);
	struct plan p = {.count = 0};
	FILE *f = fopen(path, "r");
	char line[256], *text;

	assert_non_null(b);
	if (f == NULL)
		fail_msg("cannot open %s", path);
	while (fgets(line, sizeof(line), f) != NULL)
		plan_line(&p, b, line);
	fclose(f);
	plan_put(&p, b);
	text = batch_text(b);
	batch_free(b);
	return text;
}

static void
test_golden(void **state)
{
	glob_t plans;
	(void)state;

	assert_int_equal(glob("golden/nft/*.plan", 0, NULL, &plans), 0);
	for (size_t i = 0; i < plans.gl_pathc; i++) {
		char want[512];
		char *text = run_plan(plans.gl_pathv[i]);

		snprintf(want, sizeof(want), "%.*s.rules",
			(int)(strlen(plans.gl_pathv[i]) - strlen(".plan")),
			plans.gl_pathv[i]);
		if (strcmp(text, read_file(want)) != 0)
			fail_msg("%s is now:\n%s", want, text);
		free(text);
	}
	globfree(&plans);
}

static void
test_ends_before_it_is_too_long(void **state)
{
	struct batch *b = batch_new(1);
	struct element e[MANY];
	size_t added = 0, len;
	(void)state;

	assert_non_null(b);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(element_of_source(
					 "sbx-0123456789a", "fd77:1::2", &e[i]),
			0);
	while (batch_elements(b, BATCH_ADD, e, 1) == 0)
		added++;
	/* Alone in its message each: the messages run out, or the bytes. */
	assert_in_range(added, 100, 2000);
	assert_int_equal(batch_elements(b, BATCH_ADD, e, 1), -ENOBUFS);
	assert_int_equal(batch_flush(b, SET_EXEMPT4), -ENOBUFS);
	assert_int_equal(batch_answers(b), added);
	assert_non_null(batch_bytes(b, &len));
	assert_in_range(len, 1, 128 * 1024);
	batch_free(b);

	b = batch_new(1);
	assert_non_null(b);
	assert_int_equal(batch_elements(b, BATCH_ADD, e, MANY), 0);
	assert_int_equal(batch_answers(b), (MANY + 63) / 64);
	batch_free(b);
}

static void
test_largest_exempt_fits(void **state)
{
	enum { RANGES = 512 };
	struct element e[4 * RANGES];
	struct batch *b = batch_new(1);
	struct element_range range;
	char text[64];
	size_t n = 0;
	(void)state;

	assert_non_null(b);
	for (int i = 0; i < RANGES; i++) {
		snprintf(text, sizeof(text), "10.%d.%d.0/24", i / 128,
			i % 128 * 2);
		assert_int_equal(element_range_parse(text, &range), 0);
		n += element_of_range(&range, &e[n]);
	}
	for (int i = 0; i < RANGES; i++) {
		snprintf(text, sizeof(text), "fd77:%x::/32", 2 * i);
		assert_int_equal(element_range_parse(text, &range), 0);
		n += element_of_range(&range, &e[n]);
	}
	for (int set = SET_EXEMPT4; set <= SET_RESOLVER6; set++)
		assert_int_equal(batch_flush(b, set), 0);
	assert_int_equal(batch_elements(b, BATCH_ADD, e, n), 0);
	batch_free(b);
}

static void
test_says_what_was_refused(void **state)
{
	struct batch *b = batch_new(40);
	struct element e;
	(void)state;

	assert_non_null(b);
	assert_int_equal(batch_flush(b, SET_EXEMPT6), 0);
	assert_int_equal(element_of_interface("v0", &e), 0);
	assert_int_equal(batch_elements(b, BATCH_ADD, &e, 1), 0);
	assert_string_equal(batch_subject(b, 40), "the transaction");
	assert_string_equal(batch_subject(b, 41), "exempt6");
	assert_string_equal(batch_subject(b, 42), "ifaces");
	assert_string_equal(batch_subject(b, 43), "the transaction");
	assert_string_equal(batch_subject(b, 39), "the transaction");
	batch_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_ends_before_it_is_too_long),
		cmocka_unit_test(test_largest_exempt_fits),
		cmocka_unit_test(test_says_what_was_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
