#include "frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

int
frame_read_head(struct span data, struct frame_head *ret)
{
	struct frame_head head;

	if (data.len < FRAME_HEAD)
		return 0;
	memcpy(&head.length, data.ptr, 4);
	memcpy(&head.type, data.ptr + 4, 2);
	memcpy(&head.fds, data.ptr + 6, 2);
	memcpy(&head.generation, data.ptr + 8, 8);
	head.length = le32toh(head.length);
	head.type = le16toh(head.type);
	head.fds = le16toh(head.fds);
	head.generation = le64toh(head.generation);
	if (head.length < FRAME_HEAD || head.length > FRAME_MAX ||
		head.fds > FRAME_FDS)
		return -EPROTO;
	*ret = head;
	return 1;
}

void
frame_reader_init(struct frame_reader *r, struct span frame)
{
	*r = (struct frame_reader){
		frame.ptr + FRAME_HEAD, frame.len - FRAME_HEAD, false};
}

struct span
frame_take_span(struct frame_reader *r)
{
	struct span field = {"", 0};
	uint32_t len;

	if (r->bad || r->left < sizeof(len))
		goto bad;
	memcpy(&len, r->at, sizeof(len));
	len = le32toh(len);
	if (len >= r->left - sizeof(len))
		goto bad; /* its NUL counts too */
	field = (struct span){r->at + sizeof(len), len};
	if (field.ptr[len] != '\0')
		goto bad;
	r->at += sizeof(len) + len + 1;
	r->left -= sizeof(len) + len + 1;
	return field;
bad:
	r->bad = true;
	return SPAN_LITERAL("");
}

const char *
frame_take_text(struct frame_reader *r)
{
	struct span field = frame_take_span(r);

	if (strlen(field.ptr) == field.len)
		return field.ptr;
	r->bad = true;
	return "";
}

uint32_t
frame_take_u32(struct frame_reader *r)
{
	struct span field = frame_take_span(r);
	uint32_t value;

	if (field.len != sizeof(value)) {
		r->bad = true;
		return 0;
	}
	memcpy(&value, field.ptr, sizeof(value));
	return le32toh(value);
}

bool
frame_take_bool(struct frame_reader *r)
{
	return frame_take_count(r, 1) == 1;
}

size_t
frame_take_count(struct frame_reader *r, size_t max)
{
	uint32_t value = frame_take_u32(r);

	if (value <= max)
		return value;
	r->bad = true;
	return 0;
}

int
frame_end(const struct frame_reader *r)
{
	return r->bad || r->left > 0 ? -EPROTO : 0;
}

static void
put(struct frame_writer *w, const void *data, size_t len)
{
	if (w->at != NULL && len > 0)
		memcpy(w->at + w->len, data, len);
	w->len += len;
}

void
frame_put_head(struct frame_writer *w, const struct frame_head *head)
{
	uint64_t generation = htole64(head->generation);
	uint32_t length = htole32(head->length);
	uint16_t type = htole16(head->type);
	uint16_t fds = htole16(head->fds);

	put(w, &length, sizeof(length));
	put(w, &type, sizeof(type));
	put(w, &fds, sizeof(fds));
	put(w, &generation, sizeof(generation));
}

void
frame_put_span(struct frame_writer *w, struct span bytes)
{
	uint32_t len = htole32((uint32_t)bytes.len);

	put(w, &len, sizeof(len));
	put(w, bytes.ptr, bytes.len);
	put(w, "", 1);
}

void
frame_put_text(struct frame_writer *w, const char *text)
{
	frame_put_span(w, span_of(text));
}

void
frame_put_u32(struct frame_writer *w, uint32_t value)
{
	value = htole32(value);
	frame_put_span(w, (struct span){(const char *)&value, sizeof(value)});
}
