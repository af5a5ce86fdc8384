#include "control_condition.h"

#include <stdio.h>

const char *
control_condition_tag(struct span field, char ret[CONTROL_VALUE_MAX])
{
	if (field.len == 0)
		return NULL;
	if (field.len >= 2 && field.ptr[0] == '"' &&
		field.ptr[field.len - 1] == '"')
		field = (struct span){field.ptr + 1, field.len - 2};
	snprintf(ret, CONTROL_VALUE_MAX, "%.*s", (int)field.len, field.ptr);
	return ret;
}
