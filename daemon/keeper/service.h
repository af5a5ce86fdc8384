/*
 * What systemd hears of us (sd_notify(3)): silent without a NOTIFY_SOCKET.
 */
#ifndef SBX_SERVICE_H
#define SBX_SERVICE_H

struct ev_loop;
struct service;

/* Feeds the watchdog if the unit has one.  NULL: out of memory. */
struct service *service_new(struct ev_loop *loop);
void service_free(struct service *s); /* accepts NULL */

void service_ready(const char *status);
void service_reloading(void);
void service_stopping(void);

#endif
