#include "daybook.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "array.h"
#include "log.h"
#include "record.h"
#include "turn.h"
#include "writer.h"

struct daybook {
	struct turn *turn;
	struct writer *writer;
	struct turn_task flush;
	TAILQ_HEAD(, daybook_entry) waiting;
	uint64_t next_id;
	uint64_t batch; /* the one that is being filled */
	bool spoilt;    /* part of this batch could not be written */
	bool failing;   /* the last flush failed: said once */
};

/* Those who are told may add entries, which belong to the next batch. */
static void
tell(struct daybook *d, uint64_t batch, bool ok)
{
	struct daybook_entry *e;

	while ((e = TAILQ_FIRST(&d->waiting)) != NULL && e->batch == batch) {
		daybook_cancel(d, e);
		e->recorded(e, ok);
	}
}

static int
write_out(struct daybook *d)
{
	int r = writer_flush(d->writer);

	if (r < 0 && !d->failing)
		log_error("the decision log cannot be written: %s; every "
			  "request is refused until it can",
			strerror(-r));
	if (r == 0 && d->failing)
		log_notice("the decision log can be written again");
	d->failing = r < 0;
	return r;
}

static void
run_flush(struct turn_task *task)
{
	struct daybook *d = container_of(task, struct daybook, flush);
	bool ok = write_out(d) == 0 && !d->spoilt;

	d->spoilt = false;
	tell(d, d->batch++, ok);
}

struct daybook *
daybook_new(struct turn *turn, struct writer *writer)
{
	struct daybook *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->turn = turn;
	d->writer = writer;
	d->flush.run = run_flush;
	TAILQ_INIT(&d->waiting);
	if (getrandom(&d->next_id, sizeof(d->next_id), 0) !=
		sizeof(d->next_id)) {
		free(d);
		return NULL;
	}
	return d;
}

void
daybook_free(struct daybook *d)
{
	if (d == NULL)
		return;
	turn_cancel(d->turn, TURN_RECORD, &d->flush);
	writer_free(d->writer);
	free(d);
}

/*
 * A random start and steps of one: two processes would have to draw starts
 * within each other's few million decisions out of 2^64.
 */
uint64_t
daybook_id(struct daybook *d)
{
	return d->next_id++;
}

void
daybook_add(struct daybook *d, struct record *r, struct daybook_entry *entry)
{
	char line[RECORD_LINE_MAX];
	struct timespec now;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	r->ts_us =
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	len = record_format(r, line, sizeof(line));
	if (writer_add(d->writer, line, len) < 0) {
		d->spoilt |= write_out(d) < 0;
		d->spoilt |= writer_add(d->writer, line, len) < 0;
	}
	if (entry != NULL) {
		entry->waiting = true;
		entry->batch = d->batch;
		TAILQ_INSERT_TAIL(&d->waiting, entry, link);
	}
	turn_queue(d->turn, TURN_RECORD, &d->flush);
}

void
daybook_cancel(struct daybook *d, struct daybook_entry *entry)
{
	if (!entry->waiting)
		return;
	entry->waiting = false;
	TAILQ_REMOVE(&d->waiting, entry, link);
}

struct writer *
daybook_writer(struct daybook *d)
{
	return d->writer;
}
