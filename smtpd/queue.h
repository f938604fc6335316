/*
 * queue -- messages on their way from clients to qmgr (msg/submit.h).
 * A message that was open when qmgr went away is refused with 451: whether
 * it was taken is not known, and the client will ask again.
 */
#ifndef POSTERN_SMTPD_QUEUE_H
#define POSTERN_SMTPD_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "event/loop.h"
#include "msg/submit.h"
#include "proc/link.h"

struct queue {
	struct loop *loop;
	struct link *link; /* NULL while qmgr is away */
	uint64_t next;     /* cookie */
	struct map open;   /* cookie -> struct queue_msg */
	/* There is room again after queue_is_full(). */
	void (*on_room)(void *arg);
	void *arg;
};

/* One message; embedded in its sender. */
struct queue_msg {
	struct queue *queue; /* NULL: none is open */
	uint64_t cookie;
	uint64_t size;       /* octets of body sent */
	uint32_t crc;        /* over them */
	void (*on_done)(void *arg, const struct msg_submit_done *done);
	void *arg;
};

void queue_init(struct queue *q, struct loop *loop, uint64_t cookie0,
    void (*on_room)(void *arg), void *arg);
void queue_clear(struct queue *q);
/* proc_desc.on_peer for ROLE_QMGR.  Takes over fd. */
void queue_on_peer(struct queue *q, int fd);
/* Hold clients back. */
bool queue_is_full(const struct queue *q);

/* on_done and arg are set.  false: qmgr is away.  on_done comes once, from
 * the loop, at the end or earlier; not after queue_cancel. */
bool queue_open(
    struct queue *q, struct queue_msg *m, const struct msg_submit *head);
void queue_rcpt(struct queue_msg *m, const struct env_rcpt *rcpt);
void queue_prefix(struct queue_msg *m, const struct msg_submit_prefix *prefix);
void queue_body(struct queue_msg *m, struct str text);
void queue_end(struct queue_msg *m);
/* No-op when none is open. */
void queue_cancel(struct queue_msg *m);
/* There will be no file of this token; to nobody while qmgr is away. */
void queue_gone(struct queue *q, struct str token);

#endif
