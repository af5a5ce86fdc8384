#include "service.h"

#include <ev.h>
#include <stdint.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

struct service {
	struct ev_loop *loop;
	ev_timer watchdog;
};

static void
on_watchdog(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)w, (void)revents;
	sd_notify(0, "WATCHDOG=1");
}

struct service *
service_new(struct ev_loop *loop)
{
	struct service *s = calloc(1, sizeof(*s));
	uint64_t interval;
	double half;

	if (s == NULL)
		return NULL;
	s->loop = loop;
	ev_timer_init(&s->watchdog, on_watchdog, 0, 0);
	if (sd_watchdog_enabled(0, &interval) > 0) {
		half = (double)interval / 1e6 / 2;
		ev_timer_set(&s->watchdog, half, half);
		ev_timer_start(loop, &s->watchdog);
	}
	return s;
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	ev_timer_stop(s->loop, &s->watchdog);
	free(s);
}

void
service_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
service_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reloading",
		(unsigned long long)now.tv_sec * 1000000U +
			(unsigned long long)now.tv_nsec / 1000U);
}

void
service_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}
