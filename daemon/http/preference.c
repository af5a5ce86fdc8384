#include "preference.h"

#include <stdint.h>

#include "array.h"
#include "field.h"
#include "message.h"

enum {
	Q_ONE = 1000, /* a weight is read in thousandths */
};

/* How exactly a media range names a type; the most exact one decides. */
enum exactness {
	EXACT_NOT,
	EXACT_ANY,
	EXACT_TYPE,
	EXACT_SUBTYPE,
};

struct weight {
	enum exactness exactness;
	unsigned q;
};

static bool
ends_with(struct span s, struct span end)
{
	if (s.len < end.len)
		return false;
	s.ptr += s.len - end.len;
	s.len = end.len;
	return span_equals_nocase(s, end);
}

/* Cuts s at the first c: what is before it, trimmed; *rest is behind it. */
static struct span
cut(struct span s, char c, struct span *rest)
{
	const char *at = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;

	*rest = (struct span){"", 0};
	if (at == NULL)
		return http_trim(s);
	*rest = (struct span){at + 1, s.len - (size_t)(at - s.ptr) - 1};
	return http_trim((struct span){s.ptr, (size_t)(at - s.ptr)});
}

/* "0", "1", "0.25"; what is no weight counts as 1, as if it were not there. */
static unsigned
read_q(struct span s)
{
	unsigned unit = Q_ONE, q = 0;

	for (size_t i = 0; i < s.len && unit > 0; i++) {
		if (i == 1 && s.ptr[i] == '.')
			continue;
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return Q_ONE;
		q += (unsigned)(s.ptr[i] - '0') * unit;
		unit /= 10;
	}
	return q < Q_ONE ? q : Q_ONE;
}

static unsigned
weight_of(struct span parameters)
{
	while (parameters.len > 0) {
		struct span one = cut(parameters, ';', &parameters), value;
		struct span name = cut(one, '=', &value);

		if (span_equals_nocase(name, SPAN_LITERAL("q")))
			return read_q(http_trim(value));
	}
	return Q_ONE;
}

static enum exactness
match(struct span range, struct span type, struct span subtype)
{
	struct span behind, before = cut(range, '/', &behind);
	bool json = span_equals(subtype, SPAN_LITERAL("json"));

	if (span_equals(range, SPAN_LITERAL("*/*")) ||
		span_equals(range, SPAN_LITERAL("*")))
		return EXACT_ANY;
	if (!span_equals_nocase(before, type))
		return EXACT_NOT;
	if (span_equals(behind, SPAN_LITERAL("*")))
		return EXACT_TYPE;
	if (span_equals_nocase(behind, subtype) ||
		(json && ends_with(behind, SPAN_LITERAL("+json"))))
		return EXACT_SUBTYPE;
	return EXACT_NOT;
}

static void
weigh_list(struct span list, struct span type, struct span subtype,
	struct weight *best)
{
	struct span member, parameters;

	while (http_list_next(&list, &member)) {
		struct span range = cut(member, ';', &parameters);
		enum exactness exactness = match(range, type, subtype);
		unsigned q = weight_of(parameters);

		if (exactness < best->exactness || exactness == EXACT_NOT)
			continue;
		if (exactness > best->exactness || q > best->q)
			*best = (struct weight){exactness, q};
	}
}

static unsigned
weigh(const struct http_head *h, struct span type, struct span subtype)
{
	struct weight best = {EXACT_NOT, 0};

	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (f->known == HTTP_ACCEPT)
			weigh_list(http_head_value(h, f), type, subtype, &best);
	}
	return best.q;
}

bool
http_prefers_text(const struct http_head *request)
{
	static const struct span subtypes[] = {{"plain", 5}, {"html", 4}};
	unsigned json, text = 0;

	if (request == NULL || http_head_find(request, HTTP_ACCEPT) == NULL)
		return false;
	json = weigh(
		request, SPAN_LITERAL("application"), SPAN_LITERAL("json"));
	for (size_t i = 0; i < ARRAY_LEN(subtypes); i++) {
		unsigned q = weigh(request, SPAN_LITERAL("text"), subtypes[i]);

		if (q > text)
			text = q;
	}
	return json == 0 || text > json;
}
