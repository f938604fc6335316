#include "smtpd/queue.h"

#include "base/crc32c.h"
#include "proc/note.h"

static void
forget(struct queue_msg *m)
{
	map_del_id(&m->queue->open, m->cookie);
	m->queue = NULL;
}

static void
on_done(void *arg, struct link *l, struct link_msg *frame)
{
	struct queue *q = arg;
	struct queue_msg *m = map_get_id(&q->open, frame->cookie);

	(void)l;
	if (m == NULL)
		return; /* cancelled meanwhile */
	forget(m);
	m->on_done(m->arg, frame->body);
}

static void
fail_all(struct queue *q)
{
	static const struct msg_submit_done gone = { .code = 451,
		.text = STR_INIT("4.3.0 the queue went away, try again") };
	struct queue_msg *m;
	size_t pos = 0;

	while ((m = map_next(&q->open, &pos, NULL)) != NULL) {
		forget(m);
		m->on_done(m->arg, &gone);
	}
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct queue *q = arg;

	if (q->link == l) {
		q->link = NULL;
		note(NOTE_WARN, "peer-gone");
		note_c("peer", "qmgr");
		note_c("reason", why);
		note_end();
		fail_all(q);
		q->on_room(q->arg);
	}
	link_free(l);
}

static void
on_drained(void *arg, struct link *l)
{
	struct queue *q = arg;

	(void)l;
	q->on_room(q->arg);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_SUBMIT_DONE, &msg_submit_done_wire, on_done),
};
static const struct link_ops ops = { .rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
	.on_drained = on_drained };

void
queue_init(struct queue *q, struct loop *loop, uint64_t cookie0,
    void (*on_room)(void *arg), void *arg)
{
	*q = (struct queue){ .loop = loop, .next = cookie0,
		.on_room = on_room, .arg = arg };
	map_init(&q->open);
}

void
queue_clear(struct queue *q)
{
	link_free(q->link);
	map_clear(&q->open);
}

void
queue_on_peer(struct queue *q, int fd)
{
	struct link *old = q->link;

	q->link = link_new(q->loop, fd, &ops, q);
	if (old != NULL) {
		link_free(old);
		fail_all(q);
	}
	q->on_room(q->arg);
}

bool
queue_is_full(const struct queue *q)
{
	return q->link != NULL && link_pending(q->link) > LINK_WINDOW;
}

bool
queue_open(struct queue *q, struct queue_msg *m, const struct msg_submit *head)
{
	if (q->link == NULL)
		return false;
	m->queue = q;
	m->cookie = ++q->next;
	m->size = 0;
	m->crc = 0;
	map_set_id(&q->open, m->cookie, m);
	link_send(q->link, MSG_SUBMIT, m->cookie, &msg_submit_wire, head);
	return true;
}

void
queue_rcpt(struct queue_msg *m, const struct env_rcpt *rcpt)
{
	link_send(m->queue->link, MSG_SUBMIT_RCPT, m->cookie, &env_rcpt_wire,
	    rcpt);
}

void
queue_prefix(struct queue_msg *m, const struct msg_submit_prefix *prefix)
{
	link_send(m->queue->link, MSG_SUBMIT_PREFIX, m->cookie,
	    &msg_submit_prefix_wire, prefix);
}

void
queue_body(struct queue_msg *m, struct str text)
{
	m->size += text.n;
	m->crc = crc32c(m->crc, text.p, text.n);
	while (text.n != 0)
		link_send_raw(m->queue->link, MSG_SUBMIT_BODY, m->cookie,
		    str_take(&text, LINK_BODY_MAX));
}

void
queue_end(struct queue_msg *m)
{
	struct msg_submit_end end = { .size = m->size, .crc = m->crc };

	link_send(m->queue->link, MSG_SUBMIT_END, m->cookie,
	    &msg_submit_end_wire, &end);
}

void
queue_gone(struct queue *q, struct str token)
{
	if (q->link != NULL)
		link_send_raw(q->link, MSG_SUBMIT_GONE, 0, token);
}

void
queue_cancel(struct queue_msg *m)
{
	if (m->queue == NULL)
		return;
	link_send_raw(m->queue->link, MSG_SUBMIT_CANCEL, m->cookie, STR_NONE);
	forget(m);
}
