#include "message.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "field.h"
#include "head_build.h"

enum {
	TEXT_FIRST_SIZE = 1024,
	FIELDS_FIRST_SIZE = 16,
};

void
http_head_init(struct http_head *h)
{
	*h = (struct http_head){.minor = 1};
}

static bool
holds_secret(const struct http_head *h)
{
	for (int i = 0; i < h->field_count; i++) {
		if (h->fields[i].secret)
			return true;
	}
	return h->secret_target;
}

void
http_head_clear(struct http_head *h)
{
	if (holds_secret(h))
		explicit_bzero(h->text, h->text_size);
	*h = (struct http_head){
		.text = h->text,
		.text_size = h->text_size,
		.fields = h->fields,
		.field_size = h->field_size,
		.minor = 1,
	};
}

void
http_head_done(struct http_head *h)
{
	http_head_clear(h);
	free(h->text);
	free(h->fields);
	http_head_init(h);
}

/* By hand instead of realloc(), which would leave a secret in freed memory. */
static int
grow_text(struct http_head *h, uint32_t need)
{
	uint32_t size = h->text_size > 0 ? h->text_size : TEXT_FIRST_SIZE;
	char *text;

	while (size < need)
		size *= 2;
	text = malloc(size);
	if (text == NULL)
		return -ENOMEM;
	if (h->text != NULL)
		memcpy(text, h->text, h->text_len);
	if (h->text != NULL && holds_secret(h))
		explicit_bzero(h->text, h->text_size);
	free(h->text);
	h->text = text;
	h->text_size = size;
	return 0;
}

int
http_head_append(struct http_head *h, struct span text, uint32_t *ret)
{
	bool own = h->text != NULL && text.ptr >= h->text &&
		   text.ptr < h->text + h->text_size;
	size_t at = own ? (size_t)(text.ptr - h->text) : 0;

	if (text.len > HTTP_HEAD_MAX - h->text_len)
		return -E2BIG;
	if (h->text_len + text.len > h->text_size &&
		grow_text(h, h->text_len + (uint32_t)text.len) < 0)
		return -ENOMEM;
	if (text.len > 0) {
		assert(h->text != NULL);
		memcpy(h->text + h->text_len, own ? h->text + at : text.ptr,
			text.len);
	}
	if (ret != NULL)
		*ret = h->text_len;
	h->text_len += (uint32_t)text.len;
	return 0;
}

int
http_head_push(struct http_head *h, struct http_field field)
{
	if (h->field_count >= HTTP_FIELDS_MAX)
		return -E2BIG;
	if (h->field_count == h->field_size) {
		uint16_t size = h->field_size > 0 ? h->field_size * 2
						  : FIELDS_FIRST_SIZE;
		struct http_field *fields =
			reallocarray(h->fields, size, sizeof(*fields));

		if (fields == NULL)
			return -ENOMEM;
		h->fields = fields;
		h->field_size = size;
	}
	field.known = (uint8_t)http_known_of(http_head_name(h, &field));
	h->fields[h->field_count++] = field;
	return 0;
}

static int
add_text(struct http_head *h, struct span name, struct span value, bool secret)
{
	struct http_field f = {
		.name_len = (uint32_t)name.len,
		.value_len = (uint32_t)value.len,
		.secret = secret,
	};
	uint32_t before = h->text_len;
	int r;

	r = http_head_append(h, name, &f.name);
	if (r == 0)
		r = http_head_append(h, value, &f.value);
	if (r == 0)
		r = http_head_push(h, f);
	if (r < 0) {
		if (secret && h->text_len > before)
			explicit_bzero(h->text + before, h->text_len - before);
		h->text_len = before;
	}
	return r;
}

int
http_head_add(
	struct http_head *h, struct span name, struct span value, bool secret)
{
	if (!http_is_token(name) || !http_is_value(value))
		return -EINVAL;
	return add_text(h, name, http_trim(value), secret);
}

int
http_head_replace(struct http_head *h, size_t field, struct span value)
{
	struct http_field *f = &h->fields[field];
	uint32_t at;
	int r;

	assert(field < h->field_count);
	if (!http_is_value(value))
		return -EINVAL;
	value = http_trim(value);
	r = http_head_append(h, value, &at);
	if (r < 0)
		return r;
	f->value = at;
	f->value_len = (uint32_t)value.len;
	f->secret = true;
	return 0;
}

int
http_head_copy_field(struct http_head *h, const struct http_head *from,
	const struct http_field *f)
{
	return add_text(h, http_head_name(from, f), http_head_value(from, f),
		f->secret);
}

int
http_head_set_method(struct http_head *h, struct span method)
{
	int r;

	if (!http_is_token(method))
		return -EINVAL;
	r = http_head_append(h, method, &h->method);
	if (r == 0)
		h->method_len = (uint32_t)method.len;
	return r;
}

int
http_head_set_authority(struct http_head *h, struct span authority)
{
	int r;

	if (!http_is_visible(authority))
		return -EINVAL;
	r = http_head_append(h, authority, &h->authority);
	if (r == 0)
		h->authority_len = (uint32_t)authority.len;
	return r;
}

int
http_head_set_target(struct http_head *h, struct span target)
{
	const char *query;
	int r;

	if (!http_is_visible(target) || memchr(target.ptr, '#', target.len))
		return -EINVAL;
	r = http_head_append(h, target, &h->target);
	if (r < 0)
		return r;
	h->target_len = (uint32_t)target.len;
	query = memchr(h->text + h->target, '?', target.len);
	h->path_len = query ? (uint32_t)(query - (h->text + h->target))
			    : h->target_len;
	return 0;
}

int
http_head_set_protocol(struct http_head *h, struct span protocol)
{
	int r;

	if (!http_is_token(protocol))
		return -EINVAL;
	r = http_head_append(h, protocol, &h->protocol);
	if (r == 0)
		h->protocol_len = (uint32_t)protocol.len;
	return r;
}

size_t
http_head_remove(struct http_head *h, struct span name)
{
	uint16_t kept = 0, before = h->field_count;

	for (uint16_t i = 0; i < before; i++) {
		const struct http_field *f = &h->fields[i];

		if (!http_names_alike(http_head_name(h, f), name)) {
			h->fields[kept++] = *f;
			continue;
		}
		if (f->secret)
			explicit_bzero(h->text + f->value, f->value_len);
	}
	h->field_count = kept;
	return (size_t)(before - kept);
}

static struct span
text_at(const struct http_head *h, uint32_t at, uint32_t len)
{
	return (struct span){h->text != NULL ? h->text + at : "", len};
}

struct span
http_head_name(const struct http_head *h, const struct http_field *f)
{
	return text_at(h, f->name, f->name_len);
}

struct span
http_head_value(const struct http_head *h, const struct http_field *f)
{
	return text_at(h, f->value, f->value_len);
}

struct span
http_head_method(const struct http_head *h)
{
	return text_at(h, h->method, h->method_len);
}

struct span
http_head_authority(const struct http_head *h)
{
	return text_at(h, h->authority, h->authority_len);
}

struct span
http_head_target(const struct http_head *h)
{
	return text_at(h, h->target, h->target_len);
}

struct span
http_head_path(const struct http_head *h)
{
	return text_at(h, h->target, h->path_len);
}

struct span
http_head_query(const struct http_head *h)
{
	uint32_t skip =
		h->path_len < h->target_len ? h->path_len + 1 : h->target_len;

	return text_at(h, h->target + skip, h->target_len - skip);
}

struct span
http_head_protocol(const struct http_head *h)
{
	return text_at(h, h->protocol, h->protocol_len);
}

const struct http_field *
http_head_find(const struct http_head *h, enum http_known known)
{
	for (int i = 0; i < h->field_count; i++) {
		if (h->fields[i].known == known)
			return &h->fields[i];
	}
	return NULL;
}

const struct http_field *
http_head_find_name(const struct http_head *h, struct span name)
{
	for (int i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (span_equals_nocase(http_head_name(h, f), name))
			return f;
	}
	return NULL;
}
