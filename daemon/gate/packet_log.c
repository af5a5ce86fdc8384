#include "packet_log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "judge.h"
#include "packet.h"
#include "record.h"
#include "resident.h"
#include "writer.h"

struct packet_log {
	struct writer *writer;
	uint64_t next_id, generation;
	int error; /* of what is written next */
};

struct packet_log *
packet_log_new(int fd)
{
	struct packet_log *log = calloc(1, sizeof(*log));

	/* A random start, as in a worker: unique among all processes. */
	if (log == NULL || getrandom(&log->next_id, sizeof(log->next_id), 0) !=
				   (ssize_t)sizeof(log->next_id)) {
		close(fd);
		free(log);
		return NULL;
	}
	log->writer = writer_new(fd);
	if (log->writer == NULL) {
		free(log);
		return NULL;
	}
	return log;
}

void
packet_log_free(struct packet_log *log)
{
	if (log == NULL)
		return;
	writer_free(log->writer);
	free(log);
}

void
packet_log_reopen(struct packet_log *log, int fd)
{
	writer_reopen(log->writer, fd);
}

void
packet_log_generation(struct packet_log *log, uint64_t generation)
{
	log->generation = generation;
}

static const char *
protocol(const struct packet_note *note)
{
	const char *name;

	if (note->is_quic)
		return "quic";
	if (note->packet->family == AF_UNSPEC)
		return "ip";
	name = packet_protocol_name(note->packet->protocol);
	return name != NULL ? name : "ip";
}

uint64_t
packet_log_add(struct packet_log *log, const struct packet_note *note)
{
	const struct judgement *j = note->judgement;
	const struct packet *p = note->packet;
	struct sockaddr_storage src, dst;
	struct record r = {
		.id = log->next_id++,
		.event = RECORD_DECISION,
		.kind = RECORD_PACKET,
		.verdict = j->said,
		.reason = j->reason,
		.proto = protocol(note),
		.host = note->host,
		.rule = j->rule,
		.source = j->source,
		.generation = log->generation,
		.detail = note->detail != NULL ? note->detail : j->detail,
		.count = note->count,
	};
	char line[RECORD_LINE_MAX];
	struct timespec now;
	size_t len;

	if (note->resident != NULL) {
		r.sandbox = note->resident->name;
		r.labels = note->resident->labels;
		r.policy = note->resident->policy_name;
	}
	if (p->family != AF_UNSPEC) {
		judge_source(p, &src);
		judge_destination(p, &dst);
		r.src = (const struct sockaddr *)&src;
		r.dst = (const struct sockaddr *)&dst;
		r.dport = p->has_ports ? p->destination_port : 0;
	}
	if (j->said != RECORD_DENIED)
		r.via = "address";
	clock_gettime(CLOCK_REALTIME, &now);
	r.ts_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	len = record_format(&r, line, sizeof(line));
	if (writer_add(log->writer, line, len) < 0) {
		int e = writer_flush(log->writer);

		if (e == 0)
			e = writer_add(log->writer, line, len);
		if (e < 0)
			log->error = e;
	}
	return r.id;
}

int
packet_log_write(struct packet_log *log)
{
	int r = writer_flush(log->writer), e = log->error;

	log->error = 0;
	return r < 0 ? r : e;
}
