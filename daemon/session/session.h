/*
 * One intercepted connection, from the accepted socket to its close.
 */
#ifndef SBX_SESSION_H
#define SBX_SESSION_H

struct arrival;
struct sandbox;
struct services;
struct session;

/*
 * Begins a session for what the listener accepted; owns a->fd from then on,
 * and itself: it ends when either side, a deadline or policy ends it.
 * Refuses, with a record, whoever is nobody's sandbox or over a limit.
 */
void session_start(struct services *services, const struct arrival *a);

/* Ends all sessions of a sandbox that is going. */
void session_close_all(struct sandbox *sandbox);

/* The worker stops: ends those that wait for a request, and the others after
 * the one they are at. */
void session_finish_all(struct sandbox *sandbox);

/* Policy has changed: ends those unopened flows that it no longer allows. */
void session_recheck_all(struct sandbox *sandbox);

/* A credential was withdrawn: the requests that it went out with end. */
void session_revoke_all(struct sandbox *sandbox, const char *credential);

#endif
