#include "stand_ins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static int
read_all(struct stand_ins *s, const json_t *object)
{
	struct span texts[SWAP_MAX];
	const json_t *value;
	const char *key;

	json_object_foreach((json_t *)object, key, value)
	{
		if (!json_is_string(value) || s->count == SWAP_MAX)
			return -EINVAL;
		texts[s->count] = (struct span){
			json_string_value(value), json_string_length(value)};
		s->credentials[s->count] = strdup(key);
		if (s->credentials[s->count] == NULL)
			return -ENOMEM;
		s->count++;
	}
	return swap_set_new(texts, s->count, &s->set);
}

int
stand_ins_new(const char *json, struct stand_ins **ret)
{
	json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	struct stand_ins *s;
	int r;

	if (!json_is_object(object) || json_object_size(object) == 0) {
		r = json_is_object(object) ? 0 : -EINVAL;
		json_decref(object);
		*ret = NULL;
		return r;
	}
	s = calloc(1, sizeof(*s));
	r = s != NULL ? read_all(s, object) : -ENOMEM;
	json_decref(object);
	if (r < 0) {
		stand_ins_unref(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct stand_ins *
stand_ins_ref(struct stand_ins *s)
{
	if (s != NULL)
		s->others++;
	return s;
}

void
stand_ins_unref(struct stand_ins *s)
{
	if (s == NULL || s->others-- > 0)
		return;
	for (size_t i = 0; i < s->count; i++)
		free(s->credentials[i]);
	swap_set_unref(s->set);
	free(s);
}
