/*
 * change.c - one change at a time
 *
 * Theory of operation
 *
 *	waiting   in the queue, nothing done yet
 *	held      its begin() waits for something, and all others for it
 *	flight    made in our own state and told to every worker
 *
 * The flight ends when all workers have committed its generation or a later
 * one.  A worker that dies meanwhile is started again and told everything, the
 * change included, so it only comes late.  One that does not answer in time is
 * killed, and so comes late too.  When a worker refuses the change, or dies of
 * it again and again, the change is taken back, and a flight of its own, that
 * tells everything as it was, puts right those workers that had taken it.
 */
#include "change.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "crew.h"
#include "keeper_state.h"
#include "log.h"

enum {
	WAITING_MAX = 4096,
	CRASHES_MAX = 3, /* while it is told: it is the change's fault */
	TEXT = 512,
	RECEIPT_MAX = 100,         /* entries; a worker's are added whole */
	RECEIPT_BYTES = 64 * 1024, /* of one worker */
};

static const double DEADLINE = 10;

static void change_pump(struct change_queue *q);

/* ---- how they end ----------------------------------------------------- */

void
change_free(struct change *c)
{
	if (c == NULL)
		return;
	free(c->name);
	free(c->entry);
	free(c->match);
	json_decref(c->receipt);
	free(c);
}

static void
finish(struct change *c, int status, const char *text)
{
	if (c->done != NULL)
		c->done(c->arg, status, text, c->receipt);
	else if (status < 0 && status != -ECANCELED)
		log_error("%s: %s", c->kind->name, text);
	change_free(c);
}

static struct change *
land(struct change_queue *q)
{
	struct change *c = q->flight;

	q->flight = NULL;
	ev_timer_stop(q->keeper->loop, &q->deadline);
	return c;
}

/* ---- the flight ------------------------------------------------------- */

static void
take_off(struct change_queue *q, struct change *c)
{
	q->flight = c;
	c->generation = ++q->keeper->generation;
	keeper_send_all(
		q->keeper, c->kind == &change_again ? BATCH_AGAIN : BATCH_NEWS);
	ev_timer_again(q->keeper->loop, &q->deadline);
}

static void
take_back(struct change_queue *q, int status, const char *text)
{
	struct change *c = land(q), *repair;

	if (q->keeper->documents == NULL) {
		/* The start: there is nothing to go back to. */
		finish(c, status, text);
		return;
	}
	log_error("%s: %s", c->kind->name, text);
	c->kind->undo(q->keeper, c);
	repair = calloc(1, sizeof(*repair));
	if (repair != NULL) {
		repair->kind = &change_again;
		take_off(q, repair);
	} else {
		/* Whoever starts anew is told everything too. */
		crew_kill_late(q->keeper->crew, UINT64_MAX);
	}
	finish(c, status, text);
}

/* A worker's, added to what others have sent. */
static void
add_receipt(struct change *c, const json_t *more)
{
	json_int_t closed =
		json_integer_value(json_object_get(c->receipt, "closed"));

	json_object_set_new(c->receipt, "closed",
		json_integer(closed + json_integer_value(json_object_get(
					      more, "closed"))));
	if (json_array_size(json_object_get(c->receipt, "list")) < RECEIPT_MAX)
		json_array_extend(json_object_get(c->receipt, "list"),
			json_object_get(more, "list"));
}

/* The worker is not trusted: what is no receipt is none. */
void
change_receipt(struct change_queue *q, uint64_t generation, const char *receipt)
{
	struct change *c = q->flight;
	json_t *more;

	if (c == NULL || c->generation != generation)
		return;
	if (c->receipt == NULL)
		c->receipt = json_pack("{s:I, s:i, s:[]}", "generation",
			(json_int_t)generation, "closed", 0, "list");
	if (c->receipt == NULL || strlen(receipt) > RECEIPT_BYTES)
		return;
	more = json_loads(receipt, 0, NULL);
	if (json_is_object(more))
		add_receipt(c, more);
	json_decref(more);
}

void
change_committed(struct change_queue *q)
{
	struct change *c = q->flight;
	char *text = NULL;
	int r;

	if (c == NULL || !crew_committed(q->keeper->crew, c->generation))
		return;
	r = c->kind->commit(q->keeper, c, &text);
	if (r < 0) {
		take_back(q, r, text != NULL ? text : strerror(-r));
	} else {
		land(q);
		finish(c, 0, c->note);
	}
	free(text);
	change_pump(q);
}

void
change_refused(struct change_queue *q, uint32_t index, uint64_t generation,
	const char *text)
{
	char line[TEXT];

	if (q->flight == NULL || q->flight->generation != generation)
		return;
	snprintf(line, sizeof(line), "%s %u refuses: %s",
		child_name(crew_child(q->keeper->crew, index)), index, text);
	take_back(q, -EINVAL, line);
}

void
change_crashed(struct change_queue *q, uint32_t index, const char *how)
{
	char line[TEXT];

	if (q->flight == NULL || ++q->flight->crashes < CRASHES_MAX)
		return;
	snprintf(line, sizeof(line), "%s %u dies of it: %s",
		child_name(crew_child(q->keeper->crew, index)), index, how);
	take_back(q, -EIO, line);
}

static void
on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct change_queue *q = w->data;

	(void)loop, (void)revents;
	crew_kill_late(q->keeper->crew, q->flight->generation);
}

/* ---- the queue -------------------------------------------------------- */

static struct change *
next_change(struct change_queue *q)
{
	struct change *c = q->held != NULL ? q->held : q->first;

	if (c == NULL || c == q->held) {
		q->held = NULL;
		return c;
	}
	q->first = c->next;
	if (q->first == NULL)
		q->end = &q->first;
	q->count--;
	return c;
}

/* done() may submit more, and that must not come back here below itself. */
static void
change_pump(struct change_queue *q)
{
	struct change *c;
	char *text;
	int r;

	if (q->pumping)
		return;
	q->pumping = true;
	while (q->flight == NULL && (c = next_change(q)) != NULL) {
		text = NULL;
		r = c->kind->begin(q->keeper, c, &text);
		if (r == 0) {
			take_off(q, c);
		} else if (r == -EAGAIN) {
			q->held = c;
			break;
		} else {
			finish(c, r, text != NULL ? text : strerror(-r));
		}
		free(text);
	}
	q->pumping = false;
}

void
change_resume(struct change_queue *q)
{
	if (q->held != NULL)
		ev_timer_start(q->keeper->loop, &q->resume);
}

static void
on_resume(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	change_pump(w->data);
}

void
change_submit(struct change_queue *q, struct change *c)
{
	if (q->count == WAITING_MAX || q->keeper->stopping) {
		finish(c, -EBUSY,
			q->keeper->stopping ? "the daemon stops"
					    : "too many changes at once");
		return;
	}
	c->next = NULL;
	*q->end = c;
	q->end = &c->next;
	q->count++;
	if (q->held == NULL)
		change_pump(q);
}

bool
change_is_waiting(const struct change_queue *q, const struct change_kind *kind)
{
	for (const struct change *c = q->first; c != NULL; c = c->next)
		if (c->kind == kind)
			return true;
	return false;
}

void
change_queue_init(struct change_queue *q, struct keeper *k)
{
	*q = (struct change_queue){.keeper = k};
	q->end = &q->first;
	ev_timer_init(&q->deadline, on_deadline, 0, DEADLINE);
	q->deadline.data = q;
	ev_timer_init(&q->resume, on_resume, 0, 0);
	q->resume.data = q;
}

void
change_queue_done(struct change_queue *q)
{
	struct change *c;

	if (q->flight != NULL) {
		c = land(q);
		c->kind->undo(q->keeper, c);
		finish(c, -ECANCELED, "the daemon stops");
	}
	ev_timer_stop(q->keeper->loop, &q->resume);
	if (q->held != NULL)
		q->held->kind->abandon(q->keeper, q->held);
	while ((c = next_change(q)) != NULL)
		finish(c, -ECANCELED, "the daemon stops");
}
