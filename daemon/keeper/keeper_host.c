/*
 * keeper_host.c - what happens on the host
 *
 * Its addresses come and go, which workers must never dial; its interfaces,
 * behind which sandboxes are; and its rules, which somebody may take away.
 */
#include <string.h>

#include "crew.h"
#include "decision_log.h"
#include "hostnet.h"
#include "keeper_state.h"
#include "kernel_side.h"
#include "link_message.h"
#include "registry.h"
#include "selfcheck.h"

static void
on_address(void *arg, bool added, int family, const uint8_t *address)
{
	struct keeper *k = arg;
	struct link_message m = {
		.type = LINK_SELF,
		.self = {.added = added, .family = family},
	};

	memcpy(m.self.address, address, family == AF_INET6 ? 16 : 4);
	if (k->crew != NULL)
		crew_broadcast(k->crew, &m);
}

const struct hostnet_events keeper_hostnet_events = {
	.address = on_address,
	.link = keeper_on_link,
	.unlink = keeper_on_unlink,
};

static void
on_settled(void *arg)
{
	struct keeper *k = arg;

	k->kernel_settled = true;
	keeper_check_ready(k);
}

static void
on_gone(void *arg, const char *what)
{
	struct keeper *k = arg;
	struct decision_event event = {
		.reason = RECORD_KERNEL_SIDE,
		.detail = what,
		.generation = k->generation,
	};

	k->kernel_trouble = decision_log_add(k->log, &event);
}

static void
on_mended(void *arg, const char *how)
{
	struct keeper *k = arg;
	struct decision_event event = {
		.reason = RECORD_COMPLETE,
		.detail = how,
		.generation = k->generation,
	};

	keeper_fill_kernel(k);
	if (k->kernel_trouble != 0)
		decision_log_end(k->log, k->kernel_trouble, &event);
	k->kernel_trouble = 0;
	selfcheck_now(k->selfcheck);
}

const struct kernel_side_events keeper_kernel_events = {
	.settled = on_settled,
	.gone = on_gone,
	.mended = on_mended,
};
