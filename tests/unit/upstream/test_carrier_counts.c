/*
 * The pool's account of its connections: many leases and origins, each doing
 * this and that in an order that is the same in each run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "carrier_scene.h"
#include "loop_until.h"

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void
take_some(struct scene *s, int i, uint32_t how)
{
	static const char *const credentials[] = {"", "x", "y", NULL};
	struct lease_want want = {
		.key = s->key,
		.wish = how & 1 ? HTTP_2 : HTTP_1,
		.fresh = (how & 2) != 0,
		.anew = (how & 0x1c) == 0,
		.upgrade = (how & 0xe0) == 0,
	};

	want.key.credentials = credentials[(how >> 8) % 4];
	scene_lease(s, i, &want);
}

/* It may be refused: the connection is lost, or has no stream left. */
static void
ask_some(struct user *u)
{
	if (lease_state(u->lease) != LEASE_READY || u->lease->stream != NULL ||
		u->lease->want.upgrade)
		return;
	if (scene_ask(u, "/") == NULL)
		assert_int_equal(errno, EBUSY);
}

static void
accept_some(struct scene *s, uint32_t how)
{
	struct http_end *e = scene_accept(s);

	switch (how % 4) {
	case 0:
		http_end_close(e);
		break;
	case 1:
		http_end_say(e, "what?", 5);
		break;
	default:
		http_end_speak(e, HTTP_2);
		break;
	}
}

static void
disturb_some(struct scene *s, uint32_t how)
{
	struct http_end *e;

	if (s->end_count == 0)
		return;
	e = &s->ends[how % s->end_count];
	if (!e->open || e->http == NULL)
		return;
	if (how & 0x100)
		http_conn_set_close(e->http);
	if (how & 0x200)
		http_end_close(e);
	else
		http_end_push(e);
}

static size_t
waiting_connections(const struct scene *s)
{
	const struct carrier *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &s->pool->carriers, link)
		n += c->begun;
	return n;
}

/* Whatever happens, in whatever order, each number is what there is. */
static void
test_counts_hold(void **state)
{
	struct scene *s = *state;

	for (uint32_t round = 1; round <= 12; round++) {
		uint32_t seed = round;

		for (int step = 0; step < 150; step++) {
			uint32_t what = next_random(&seed);
			int i = (int)(what % SCENE_USERS);
			struct user *u = &s->users[i];

			what >>= 4;
			switch (what % 8) {
			case 0:
			case 1:
			case 2:
				if (u->lease == NULL)
					take_some(s, i, next_random(&seed));
				break;
			case 3:
				scene_end(u);
				break;
			case 4:
				if (u->lease != NULL)
					ask_some(u);
				break;
			case 5:
				disturb_some(s, next_random(&seed));
				break;
			case 6:
				if (s->end_count < 8 &&
					waiting_connections(s) > s->end_count)
					accept_some(s, next_random(&seed));
				break;
			case 7:
				if (what % 128 == 7)
					pool_revoke(s->pool, "x");
				else
					loop_once(s->upstream.loop);
				break;
			}
			scene_assert_counts(s);
		}
		scene_tear_down(state);
		scene_set_up(state);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_counts_hold, scene_set_up, scene_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
