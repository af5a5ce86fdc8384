/*
 * For tests of leases: a pool, an origin on loopback that speaks what the test
 * says, and users of leases who note when they are called.
 */
#ifndef SBX_TEST_CARRIER_SCENE_H
#define SBX_TEST_CARRIER_SCENE_H

#include "carrier.h"
#include "http_end.h"
#include "http_talk.h"
#include "pool.h"

enum { SCENE_ENDS = 40, SCENE_USERS = 12 };

struct scene;

struct user { /* of a lease */
	struct scene *scene;
	struct lease *lease;
	unsigned calls;
	void (*then)(struct user *u); /* inside changed() */
};

struct scene {
	struct upstream upstream;
	struct guard *guard;
	struct ca *ca;
	SSL_CTX *accept;
	struct pool *pool;
	int listener;
	struct origin_key key;
	/* The origin's ends, as they were accepted. */
	struct http_end ends[SCENE_ENDS];
	size_t end_count;
	struct user users[SCENE_USERS];
};

/* cmocka's; the key is a.test without TLS and credentials. */
int scene_set_up(void **state);
int scene_tear_down(void **state);

/* User i takes a lease. */
struct user *scene_lease(struct scene *s, int i, const struct lease_want *want);

/* … for the scene's key over HTTP/2. */
struct user *scene_lease_h2(struct scene *s, int i);

/* Ends it, if it is there. */
void scene_end(struct user *u);

const struct carrier *scene_carrier(const struct user *u);

/* The origin's end of the next connection, still silent. */
struct http_end *scene_accept(struct scene *s);

/* … speaking HTTP/2 without TLS; or with TLS, agreeing on that. */
struct http_end *scene_speak_h2(struct scene *s);
struct http_end *scene_secure(struct scene *s, enum tls_alpn answer);
void scene_agree(struct scene *s, struct http_end *e, enum tls_alpn answer);

/* Until it is that. */
void scene_until(struct user *u, enum lease_state state);

/* Until the origin's SETTINGS were read. */
void scene_until_heard(struct user *u);

/* A request for path goes out on the lease. */
struct http_stream *scene_ask(struct user *u, const char *path);

/* Until the answer is there: its status; 0: none will come. */
int scene_status(struct user *u);

/* Each number that the pool keeps is what there is. */
void scene_assert_counts(const struct scene *s);
size_t scene_carriers(const struct scene *s);

#endif
