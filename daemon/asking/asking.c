#include "asking.h"

#include "message.h"
#include "rules.h"

bool
asking_find_field(const void *head, const char *name, size_t *next,
	struct policy_field *ret)
{
	const struct http_field *f = http_rules_find(head, span_of(name), next);
	struct span value;

	if (f == NULL)
		return false;
	value = http_head_value(head, f);
	*ret = (struct policy_field){
		.value = value.ptr,
		.len = value.len,
		.alike = !span_equals_nocase(
			http_head_name(head, f), span_of(name)),
	};
	return true;
}
