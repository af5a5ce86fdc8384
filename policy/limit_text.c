#include "limit_text.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *key, *words;
} budgets[POLICY_BUDGETS] = {
	[POLICY_REQUESTS] = {"requests", ""},
	[POLICY_UP] = {"up", " to the origin"},
	[POLICY_DOWN] = {"down", " from the origin"},
};

static const struct period {
	unsigned seconds;
	const char *letter, *words;
} periods[] = {
	{1, "s", "a second"},
	{60, "m", "a minute"},
	{3600, "h", "an hour"},
	{86400, "d", "a day"},
};

static const struct unit {
	uint64_t value;
	const char *name;
} units[] = {{UINT64_C(1000000000000), "TB"}, {1000000000, "GB"},
	{1000000, "MB"}, {1000, "kB"}, {1, "B"}};

static const struct period *
period_of(const struct policy_amount *amount)
{
	size_t i = sizeof(periods) / sizeof(periods[0]) - 1;

	while (i > 0 && periods[i].seconds > amount->seconds)
		i--;
	return &periods[i];
}

/* The largest that it is a multiple of. */
static const struct unit *
unit_of(const struct policy_amount *amount)
{
	const struct unit *unit = units;

	while (amount->amount % unit->value != 0)
		unit++;
	return unit;
}

const char *
limit_key(enum policy_budget budget)
{
	return budgets[budget].key;
}

const char *
limit_amount(enum policy_budget budget, const struct policy_amount *amount,
	char ret[LIMIT_AMOUNT])
{
	const struct unit *unit = unit_of(amount);
	const char *letter = period_of(amount)->letter;

	if (budget == POLICY_REQUESTS)
		snprintf(ret, LIMIT_AMOUNT, "%llu/%s",
			(unsigned long long)amount->amount, letter);
	else
		snprintf(ret, LIMIT_AMOUNT, "%llu%s/%s",
			(unsigned long long)(amount->amount / unit->value),
			unit->name, letter);
	return ret;
}

static void
add_words(enum policy_budget budget, const struct policy_amount *amount,
	char ret[LIMIT_WORDS])
{
	size_t len = strlen(ret);
	const struct unit *unit = unit_of(amount);
	uint64_t n = amount->amount;
	const char *name = n == 1 ? "request" : "requests";

	if (budget != POLICY_REQUESTS) {
		n /= unit->value;
		name = unit->name;
	}
	snprintf(ret + len, LIMIT_WORDS - len, "%s%llu %s %s%s",
		len > 0 ? ", " : "", (unsigned long long)n, name,
		period_of(amount)->words, budgets[budget].words);
}

const char *
limit_words(const struct policy_limit *limit, char ret[LIMIT_WORDS])
{
	ret[0] = '\0';
	for (int i = 0; i < POLICY_BUDGETS; i++) {
		if (limit->amounts[i].amount > 0)
			add_words(
				(enum policy_budget)i, &limit->amounts[i], ret);
	}
	return ret;
}
