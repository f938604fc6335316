/* workers -- what children ask of master: links with their peers, workers for
 * mailboxes, notices of change. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "master/master.h"
#include "proc/note.h"

enum {
	LOST_MS = 1000,      /* for a process to end that closed its link */
	FULL_TELL_MS = 10000 /* between two notes of too many workers */
};

static void
tell_peer(struct child *to, const struct child *peer, uint64_t key, int fd)
{
	struct msg_peer p = { peer->service->role, peer->instance, key };

	/* A deliver worker is known by its owner: instance is the root. */
	if (peer->service->role == ROLE_DELIVER)
		p.instance = peer->root;
	link_send_fd(to->link, MSG_PEER, 0, &msg_peer_wire, &p, fd);
}

static void
join(struct child *a, struct child *b, uint64_t key_a, uint64_t key_b)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	        pair) == -1)
		fatal_errno("socketpair");
	tell_peer(a, b, key_b, pair[0]);
	tell_peer(b, a, key_a, pair[1]);
}

static uint64_t
key_of(const struct child *c, uint64_t channel)
{
	return c->service->role == ROLE_DELIVER ? c->key : channel;
}

static bool
is_many(const struct child *c)
{
	return c->service->count == SERVICE_MANY;
}

/* Between two kinds that both run many times, each front has one partner. */
static bool
partners(const struct master *m, const struct child *a, const struct child *b)
{
	uint32_t n = config_processes(m, b->service);

	return !is_many(a) || !is_many(b) || n == 0 ||
	    a->instance % n == b->instance;
}

static void
link_pair(struct child *a, struct child *b, uint32_t channels)
{
	if (!partners(a->m, a, b))
		return;
	for (uint32_t k = 0; k < channels; k++)
		join(a, b, key_of(a, k), key_of(b, k));
}

static bool
can_link(const struct child *a, const struct child *b)
{
	return a != b && b->link != NULL && !b->retire;
}

static void
on_eventd_close(void *arg, struct link *l, const char *why)
{
	struct master *m = arg;

	(void)why;
	if (m->eventd == l) {
		m->eventd = NULL;
		note_link(NULL);
	}
	link_free(l);
}

static const struct link_ops eventd_ops = { .on_close = on_eventd_close };

/* Master's own notes go the way of all others. */
static void
link_notes(struct master *m, struct child *eventd)
{
	struct msg_peer p = { ROLE_MASTER, 0, 0 };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	        pair) == -1)
		fatal_errno("socketpair");
	link_send_fd(eventd->link, MSG_PEER, 0, &msg_peer_wire, &p, pair[0]);
	if (m->eventd != NULL)
		link_free(m->eventd);
	m->eventd = link_new(m->loop, pair[1], &eventd_ops, m);
	note_link(m->eventd);
}

void
peers_link(struct child *c)
{
	enum role r = c->service->role;
	struct child *other;

	if (r == ROLE_EVENTD)
		link_notes(c->m, c);
	TAILQ_FOREACH(other, &c->m->children, entry) {
		enum role o = other->service->role;

		if (!can_link(c, other))
			continue;
		if (o == ROLE_EVENTD || r == ROLE_EVENTD)
			join(c, other, 0, 0);
		for (size_t i = 0; i < service_pairs_count; i++) {
			const struct service_pair *p = &service_pairs[i];

			if (p->a == r && p->b == o)
				link_pair(c, other, p->channels);
			else if (p->a == o && p->b == r)
				link_pair(other, c, p->channels);
		}
	}
}

static void
on_ready(void *arg, struct link *l, struct link_msg *msg)
{
	struct child *c = arg;

	(void)l;
	(void)msg;
	if (c->state == CHILD_STARTING)
		c->state = CHILD_READY;
}

/* Who owns what is below this root; false when it may not be opened. */
static bool
owner(const struct child *c, uint32_t root, uid_t *uid, gid_t *gid)
{
	struct master *m = c->m;

	if (!m->as_root) {
		*uid = geteuid();
		*gid = getegid();
		return true;
	}
	if (root == MAIL_ROOT_VIRTUAL) {
		*uid = m->mail_uid;
		*gid = m->mail_gid;
		return true;
	}
	return *uid >= conf_u64(
	    conf_one(conf_root(m->conf), "accounts"), "first_uid");
}

/* One that was killed a moment ago is no worker, though not yet reaped. */
static struct child *
find_worker(struct master *m, enum role r, uint32_t root, struct str account,
    uint64_t key)
{
	struct child *c;

	TAILQ_FOREACH(c, &m->children, entry)
		if (c->service->role == r && c->link != NULL && !c->retire &&
		    c->root == root && c->key == key && !c->exiting &&
		    (c->account == NULL ||
		        str_eq(str_c(c->account), account)) &&
		    !link_is_over(c->link))
			return c;
	return NULL;
}

/* daemon NAME { processes }: those who are going do not count. */
static bool
has_room(struct master *m, enum role r)
{
	const uint64_t most =
	    conf_u64(conf_daemon(m->conf, role_name(r)), "processes");
	const struct child *c;
	uint64_t n = 0;

	TAILQ_FOREACH(c, &m->children, entry)
		n += c->service->role == r && !c->exiting;
	if (n < most)
		return true;
	if (m->full_told != 0 && loop_now(m->loop) - m->full_told < FULL_TELL_MS)
		return false;
	m->full_told = loop_now(m->loop);
	note(NOTE_WARN, "too-many-workers");
	note_c("role", role_name(r));
	note_u64("processes", most);
	note_end();
	return false;
}

/* key: the owner as it was asked for; uid and gid: as it runs.  NULL when it
 * cannot be started, or there are too many. */
static struct child *
worker(struct master *m, enum role r, uint32_t root, struct str account,
    uint64_t key, uid_t uid, gid_t gid)
{
	struct child *c = find_worker(m, r, root, account, key);

	if (c != NULL)
		return c;
	if (!has_room(m, r))
		return NULL;
	c = child_new(m, service_of(r), 0);
	c->root = root;
	c->key = key;
	c->uid = uid;
	c->gid = gid;
	c->account = account.n != 0 ? str_dup(account) : NULL;
	child_start(c);
	if (c->link != NULL)
		return c;
	child_free(c);
	return NULL;
}

static void
on_open(void *arg, struct link *l, struct link_msg *msg)
{
	struct child *asker = arg, *front, *w = NULL;
	struct master *m = asker->m;
	const struct msg_open *o = msg->body;
	enum role r = o->front == ROLE_IMAPD ? ROLE_IMAP : ROLE_POP3;
	struct msg_conn c = { msg->cookie, o->root, o->quota, o->account,
		o->path };
	uid_t uid = o->uid;
	gid_t gid = o->gid;
	int pair[2];

	front = child_find(m, (enum role)o->front, o->instance);
	if (asker->service->role == ROLE_AUTHD && front != NULL &&
	    (o->front == ROLE_IMAPD || o->front == ROLE_POP3D) &&
	    !m->stopping && owner(asker, o->root, &uid, &gid))
		w = worker(m, r, o->root, o->account, o->uid, uid, gid);
	if (w == NULL || socketpair(AF_UNIX,
	        SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == -1) {
		link_send_raw(l, MSG_OPEN_FAILED, msg->cookie, STR_NONE);
		return;
	}
	link_send_fd(w->link, MSG_CONN, 0, &msg_conn_wire, &c, pair[0]);
	link_send_fd(front->link, MSG_CONN, 0, &msg_conn_wire, &c, pair[1]);
}

static void
on_open_deliver(void *arg, struct link *l, struct link_msg *msg)
{
	struct child *asker = arg;
	const struct msg_open_deliver *o = msg->body;
	struct master *m = asker->m;
	struct child *c;
	uid_t uid = o->uid;
	gid_t gid = o->gid;

	(void)l;
	if (asker->service->role != ROLE_QMGR || m->stopping ||
	    !owner(asker, o->root, &uid, &gid))
		return;
	c = find_worker(m, ROLE_DELIVER, o->root, STR_NONE, o->uid);
	/* Asked for one that seems to be there: qmgr knows before us that it
	 * died, or lost its link.  A dead one's end closes, and qmgr asks
	 * again. */
	if (c != NULL)
		link_pair(asker, c, 1);
	else
		worker(m, ROLE_DELIVER, o->root, STR_NONE, o->uid, uid, gid);
}

static void
on_changed(void *arg, struct link *l, struct link_msg *msg)
{
	struct child *from = arg, *c;
	const struct msg_changed *ch = msg->body;

	(void)l;
	TAILQ_FOREACH(c, &from->m->children, entry)
		if (c != from && c->account != NULL && c->link != NULL &&
		    str_eq(str_c(c->account), ch->account))
			link_send(c->link, MSG_CHANGED, 0, &msg_changed_wire, ch);
}

/* A connection given meanwhile would be lost: EXIT_OK is the last frame, and
 * the worker does not leave with a connection that came before it. */
static void
on_exit_req(void *arg, struct link *l, struct link_msg *msg)
{
	struct child *c = arg;

	(void)msg;
	if (c->service->count != SERVICE_ON_DEMAND)
		return;
	c->exiting = true;
	link_send_raw(l, MSG_EXIT_OK, 0, STR_NONE);
}

static const struct link_rule rules[] = {
	LINK_RULE_RAW(MSG_READY, 0, on_ready),
	LINK_RULE(MSG_OPEN, &msg_open_wire, on_open),
	LINK_RULE(MSG_OPEN_DELIVER, &msg_open_deliver_wire, on_open_deliver),
	LINK_RULE(MSG_CHANGED, &msg_changed_wire, on_changed),
	LINK_RULE_RAW(MSG_EXIT_REQ, 0, on_exit_req),
};

/* The process is gone or broke a rule; waitpid tells, after a kill if need
 * be. */
static void
on_close(void *arg, struct link *l, const char *why)
{
	struct child *c = arg;

	if (c->state == CHILD_READY && !c->m->stopping && !c->exiting) {
		note(NOTE_DEBUG, "link-closed");
		note_c("role", role_name(c->service->role));
		note_c("why", why);
		note_end();
	}
	c->link = NULL;
	link_free(l);
	c->lost = c->state != CHILD_STOPPING;
	c->state = CHILD_STOPPING;
	timer_set(&c->timer, LOST_MS);
}

const struct link_ops child_link_ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};
