/* control -- control.sock: who asks, and to whom the connection goes.  Master
 * reads 16 octets of fixed form and the caller's uid, nothing else; for
 * itself it answers status, stop and reload. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/json.h"
#include "conf/conf.h"
#include "conf/parse.h"
#include "master/master.h"
#include "msg/control.h"
#include "proc/note.h"

enum { HELLO_MS = 5000, CALLERS_MAX = 64 };

/* A connection whose hello has not come yet. */
struct caller {
	struct master *m;
	int fd;
	struct watch watch;
	struct timer timer;
	struct deferred reap;
};

static unsigned callers;

static void
on_reap(void *arg)
{
	struct caller *c = arg;

	watch_clear(&c->watch);
	timer_clear(&c->timer);
	if (c->fd != -1)
		close(c->fd);
	callers--;
	free(c);
}

static void
on_late(void *arg)
{
	struct caller *c = arg;

	deferred_call(&c->reap);
}

static void
end(struct link *l, uint32_t exit_code, const char *text, const char *fix)
{
	struct msg_control_end e = { exit_code, str_c(text), str_c(fix) };

	link_send(l, MSG_CONTROL_END, 0, &msg_control_end_wire, &e);
}

static void
rows(struct link *l, struct buf *b)
{
	struct str all = buf_str(b);

	while (all.n != 0)
		link_send_raw(l, MSG_CONTROL_ROWS, 0,
		    str_take(&all, LINK_BODY_MAX));
}

static void
process_row(struct buf *b, const struct child *c)
{
	static const char *const states[] = { "starting", "ready", "stopping",
		"backoff" };

	json_open(b);
	json_c(b, "kind", "process");
	json_c(b, "role", role_name(c->service->role));
	json_u64(b, "instance", c->instance);
	json_u64(b, "pid", (uint64_t)c->pid);
	json_c(b, "state", states[c->state]);
	json_time(b, "since", c->since);
	json_u64(b, "restarts", c->restarts);
	json_u64(b, "uid", c->uid);
	if (c->account != NULL)
		json_c(b, "account", c->account);
	json_close(b);
	buf_add_c(b, "\n");
}

static void
server_row(struct buf *b, struct master *m)
{
	char epoch[17];

	snprintf(epoch, sizeof(epoch), "%016llx", (unsigned long long)m->epoch);
	json_open(b);
	json_c(b, "kind", "server");
	json_c(b, "version", POSTERN_VERSION);
	json_u64(b, "pid", (uint64_t)getpid());
	json_time(b, "since", m->since);
	json_bool(b, "ready", children_ready(m));
	json_c(b, "base", m->base != NULL ? m->base : "");
	json_str(b, "config", conf_file(m->conf, 0));
	/* As text: a number of 64 bits is more than readers of JSON take. */
	json_c(b, "epoch", epoch);
	json_close(b);
	buf_add_c(b, "\n");
}

static void
status(struct master *m, struct link *l)
{
	struct buf b;
	struct child *c;

	buf_init(&b, BUF_NO_MAX);
	TAILQ_FOREACH(c, &m->children, entry) {
		process_row(&b, c);
		rows(l, &b);
		buf_reset(&b);
	}
	for (size_t i = 0; i < m->nlisteners; i++) {
		if (m->listeners[i].fd == -1)
			continue;
		json_open(&b);
		json_c(&b, "kind", "listener");
		json_c(&b, "service", m->listeners[i].kind);
		json_c(&b, "address", m->listeners[i].bound);
		json_close(&b);
		buf_add_c(&b, "\n");
	}
	server_row(&b, m);
	rows(l, &b);
	buf_clear(&b);
	end(l, 0, "", "");
}

static void
on_ask(void *arg, struct link *l, struct link_msg *msg)
{
	struct master *m = arg;
	struct str words[CONTROL_WORDS_MAX];
	int n = control_words(msg->raw, words);
	struct buf text;

	if (n != 2 || !str_eq(words[0], STR("server"))) {
		end(l, 64, "master knows: server status, stop, reload", "");
	} else if (str_eq(words[1], STR("status"))) {
		status(m, l);
	} else if (str_eq(words[1], STR("stop"))) {
		m->stopper = l;
		children_stop(m);
	} else if (str_eq(words[1], STR("reload"))) {
		uint32_t code;

		buf_init(&text, BUF_NO_MAX);
		code = (uint32_t)config_reload(m, &text);
		end(l, code, buf_cstr(&text), "");
		buf_clear(&text);
	} else {
		end(l, 64, "master knows: server status, stop, reload", "");
	}
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct master *m = arg;

	(void)why;
	if (m->stopper == l)
		m->stopper = NULL;
	link_free(l);
}

static const struct link_rule rules[] = {
	LINK_RULE_RAW(MSG_CONTROL_ASK, LINK_BODY_MAX, on_ask),
};
static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
control_stopped(struct master *m)
{
	if (m->stopper == NULL)
		return;
	end(m->stopper, 0, "", "");
	link_flush(m->stopper, true);
	m->stopper = NULL;
}

/* Says no over a connection that nobody serves. */
static void
refuse(struct master *m, int fd, uint32_t code, const char *text,
    const char *fix)
{
	struct link *l = link_new(m->loop, fd, &ops, m);

	end(l, code, text, fix);
	link_flush(l, true);
	link_free(l);
}

static void
hand_over(struct caller *c, const struct control_hello *h, uid_t uid)
{
	struct master *m = c->m;
	bool admin = uid == 0 || uid == geteuid();
	struct msg_control_open o = { uid, admin ? CONTROL_ADMIN : 0 };
	struct child *to;
	int fd = c->fd;

	c->fd = -1;
	if (!admin && h->target != ROLE_QMGR) {
		refuse(m, fd, 77, "only root may do that", "");
		return;
	}
	if (h->target == ROLE_MASTER) {
		link_new(m->loop, fd, &ops, m);
		return;
	}
	to = child_find(m, (enum role)h->target, 0);
	if (to == NULL || (to->service->flags & SERVICE_CONTROL) == 0) {
		refuse(m, fd, 69, "that program is not running",
		    "postern status");
		return;
	}
	link_send_fd(to->link, MSG_CONTROL, 0, &msg_control_open_wire, &o, fd);
}

static void
on_hello(void *arg, unsigned what)
{
	struct caller *c = arg;
	struct control_hello h;
	struct ucred peer;
	socklen_t n = sizeof(peer);
	ssize_t got = recv(c->fd, &h, sizeof(h), MSG_DONTWAIT);

	(void)what;
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	/* One write of 16 octets on a local socket comes in one piece. */
	if (got == (ssize_t)sizeof(h) && h.magic == CONTROL_MAGIC &&
	    h.version == 1 && h.target < ROLE_COUNT &&
	    getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0)
		hand_over(c, &h, peer.uid);
	watch_want(&c->watch, 0);
	deferred_call(&c->reap);
}

static void
on_accept(void *arg, unsigned what)
{
	struct master *m = arg;
	struct caller *c;
	int fd = accept4(m->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (fd == -1)
		return;
	if (callers == CALLERS_MAX) {
		close(fd);
		return;
	}
	callers++;
	c = xcalloc(1, sizeof(*c));
	c->m = m;
	c->fd = fd;
	watch_init(&c->watch, m->loop, fd, on_hello, c);
	timer_init(&c->timer, m->loop, on_late, c);
	deferred_init(&c->reap, m->loop, on_reap, c);
	watch_want(&c->watch, WATCH_READ);
	timer_set(&c->timer, HELLO_MS);
}

void
control_open(struct master *m)
{
	watch_init(&m->control_watch, m->loop, m->control_fd, on_accept, m);
	watch_want(&m->control_watch, WATCH_READ);
}
