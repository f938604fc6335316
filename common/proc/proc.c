#include "proc/proc.h"

#include <sys/socket.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "proc/confine.h"
#include "proc/note.h"

enum {
	FD_MASTER = 3,
	FD_CONF = 4,
	DIRS_MAX = 64
};

/* What master handed over and confinement needs to know of. */
static struct {
	int empty;
	struct confine_dir dirs[DIRS_MAX];
	size_t ndirs;
	struct link *eventd;
} held = { .empty = -1 };

static void
keep_dir(int fd, bool writable)
{
	if (held.ndirs == DIRS_MAX)
		fatal("more than %d folders", DIRS_MAX);
	held.dirs[held.ndirs++] = (struct confine_dir){ fd, writable };
}

void
proc_allow_read(int fd)
{
	keep_dir(fd, false);
}

static void
on_give(void *arg, struct link *l, struct link_msg *m)
{
	struct proc *p = arg;
	const struct msg_give *g = m->body;
	int fd = m->fds[0];

	(void)l;
	m->fds[0] = -1;
	switch (g->what) {
	case GIVE_EMPTY:
		held.empty = fd;
		return;
	case GIVE_SPOOL:
	case GIVE_LIB:
	case GIVE_LOG:
	case GIVE_DROP:
	case GIVE_MAIL_ROOT:
		keep_dir(fd, true);
		break;
	case GIVE_KEY_FILES:
		keep_dir(fd, false);
		break;
	default:
		break;
	}
	if (p->desc->on_give == NULL)
		fatal("given %u, which this role does not take", g->what);
	p->desc->on_give(p->arg, g->what, g->index, g->name, fd);
}

/* What comes after GO waits until the program is confined and runs. */
static void
on_go(void *arg, struct link *l, struct link_msg *m)
{
	struct proc *p = arg;
	const struct msg_go *go = m->body;

	p->epoch = go->epoch;
	p->instance = go->instance;
	p->fences = go->fences;
	note_open(role_name(p->desc->role), p->instance);
	link_pause(l);
	loop_stop(p->loop, 0);
}

static void
on_eventd_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)why;
	if (held.eventd == l) {
		held.eventd = NULL;
		note_link(NULL);
	}
	link_free(l);
}

/* Nothing ever comes from eventd. */
static const struct link_ops eventd_ops = { .on_close = on_eventd_close };

static void
on_peer(void *arg, struct link *l, struct link_msg *m)
{
	struct proc *p = arg;
	const struct msg_peer *peer = m->body;
	int fd = m->fds[0];

	(void)l;
	if (peer->role == ROLE_EVENTD && p->desc->role != ROLE_EVENTD) {
		m->fds[0] = -1;
		if (held.eventd != NULL)
			link_free(held.eventd);
		held.eventd = link_new(p->loop, fd, &eventd_ops, p);
		note_link(held.eventd);
		return;
	}
	if (p->desc->on_peer == NULL)
		return;
	m->fds[0] = -1;
	p->desc->on_peer(p->arg, (enum role)peer->role, peer->instance,
	    peer->key, fd);
}

static void
on_control(void *arg, struct link *l, struct link_msg *m)
{
	struct proc *p = arg;
	const struct msg_control_open *c = m->body;
	int fd = m->fds[0];

	(void)l;
	if (p->desc->on_control == NULL)
		return;
	m->fds[0] = -1;
	p->desc->on_control(p->arg, fd, (uid_t)c->uid, c->rights);
}

static void
on_conn(void *arg, struct link *l, struct link_msg *m)
{
	struct proc *p = arg;
	int fd = m->fds[0];

	(void)l;
	if (p->desc->on_conn == NULL)
		return;
	m->fds[0] = -1;
	p->desc->on_conn(p->arg, m->body, fd);
}

static void
on_changed(void *arg, struct link *l, struct link_msg *m)
{
	struct proc *p = arg;
	const struct msg_changed *c = m->body;

	(void)l;
	if (p->desc->on_changed != NULL)
		p->desc->on_changed(p->arg, c->account, c->mailbox);
}

static void
on_exit_ok(void *arg, struct link *l, struct link_msg *m)
{
	struct proc *p = arg;

	(void)l;
	(void)m;
	if (p->desc->on_exit_ok != NULL)
		p->desc->on_exit_ok(p->arg);
}

static void
on_open_failed(void *arg, struct link *l, struct link_msg *m)
{
	struct proc *p = arg;

	(void)l;
	if (p->desc->on_open_failed != NULL)
		p->desc->on_open_failed(p->arg, m->cookie);
}

static void
on_stop(void *arg, struct link *l, struct link_msg *m)
{
	struct proc *p = arg;

	(void)l;
	(void)m;
	if (p->stopping)
		return;
	p->stopping = true;
	if (p->desc->on_stop != NULL)
		p->desc->on_stop(p->arg);
	else
		proc_stop(p);
}

static const struct link_rule rules[] = {
	LINK_RULE_FD(MSG_GIVE, &msg_give_wire, 1, on_give),
	LINK_RULE(MSG_GO, &msg_go_wire, on_go),
	LINK_RULE_FD(MSG_PEER, &msg_peer_wire, 1, on_peer),
	LINK_RULE_RAW(MSG_STOP, 0, on_stop),
	LINK_RULE_FD(MSG_CONTROL, &msg_control_open_wire, 1, on_control),
	LINK_RULE_FD(MSG_CONN, &msg_conn_wire, 1, on_conn),
	LINK_RULE(MSG_CHANGED, &msg_changed_wire, on_changed),
	LINK_RULE_RAW(MSG_EXIT_OK, 0, on_exit_ok),
	LINK_RULE_RAW(MSG_OPEN_FAILED, 0, on_open_failed),
};

/* Without master there is nothing to serve for. */
static void
on_master_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)l;
	(void)why;
	exit(0);
}

static const struct link_ops master_ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_master_close,
};

static void
on_fatal(const char *text)
{
	note(NOTE_ERROR, "fatal");
	note_c("text", text);
	note_end();
	if (held.eventd != NULL)
		link_flush(held.eventd, true);
}

static void
check_started_by_master(const char *program)
{
	if (fcntl(FD_MASTER, F_GETFD) == -1 || fcntl(FD_CONF, F_GETFD) == -1) {
		dprintf(STDERR_FILENO,
		    "%s: is started by master, not by hand; see postern(8)\n",
		    program);
		exit(64);
	}
	fcntl(FD_MASTER, F_SETFD, FD_CLOEXEC);
}

/* Who makes a pair of sockets is the peer of both. */
static bool
is_made_by_root(int fd)
{
	struct ucred maker;
	socklen_t n = sizeof(maker);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &maker, &n) == 0 &&
	    maker.uid == 0;
}

void
proc_start(struct proc *p, const struct proc_desc *desc, void *arg, int argc,
    char *argv[])
{
	(void)argc;
	(void)argv;
	fatal_name(role_name(desc->role));
	check_started_by_master(role_name(desc->role));
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	*p = (struct proc){ .desc = desc, .arg = arg,
		.as_root = is_made_by_root(FD_MASTER) };
	note_open(role_name(desc->role), 0);
	fatal_hook(on_fatal);
	p->conf = conf_load(FD_CONF);
	close(FD_CONF);
	p->loop = loop_new();
	p->master = link_new(p->loop, FD_MASTER, &master_ops, p);
	loop_run(p->loop);
}

void
proc_confine(struct proc *p)
{
	confine_process(p->fences, held.empty, held.dirs, held.ndirs);
	held.empty = -1;
}

void
proc_confine_to(struct proc *p, int dirfd)
{
	struct confine_dir dirs[DIRS_MAX + 1] = { { dirfd, true } };
	size_t n = 1;

	(void)p;
	for (size_t i = 0; i < held.ndirs; i++)
		if (!held.dirs[i].writable)
			dirs[n++] = held.dirs[i];
	confine_files(dirs, n);
}

int
proc_run(struct proc *p)
{
	link_send_raw(p->master, MSG_READY, 0, STR_NONE);
	link_resume(p->master);
	return loop_run(p->loop);
}

void
proc_stop(struct proc *p)
{
	if (held.eventd != NULL)
		link_flush(held.eventd, true);
	link_flush(p->master, true);
	loop_stop(p->loop, 0);
}

void
proc_open_worker(struct proc *p, const struct msg_open *open, uint64_t cookie)
{
	link_send(p->master, MSG_OPEN, cookie, &msg_open_wire, open);
}

void
proc_open_deliver(struct proc *p, uid_t uid, gid_t gid, uint32_t root)
{
	struct msg_open_deliver o = { uid, gid, root };

	link_send(p->master, MSG_OPEN_DELIVER, 0, &msg_open_deliver_wire, &o);
}

void
proc_changed(struct proc *p, struct str account, struct str mailbox)
{
	struct msg_changed c = { account, mailbox };

	link_send_lazy(p->master, MSG_CHANGED, 0, &msg_changed_wire, &c);
}

void
proc_exit_request(struct proc *p)
{
	link_send_raw(p->master, MSG_EXIT_REQ, 0, STR_NONE);
}
