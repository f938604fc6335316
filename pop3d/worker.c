#include "pop3d/worker.h"

#include <errno.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "proc/note.h"

enum { STOP_MS = 3000 };

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct worker *w = arg;

	(void)name;
	if (what != GIVE_MAIL_ROOT || index > MAIL_ROOT_SYSTEM)
		close(fd);
	else
		w->roots[index] = fd;
}

/*
 * The first connection says whose mail this is; from then on nothing else
 * can be opened.
 */
static bool
open_account(struct worker *w, const struct msg_conn *c)
{
	int dirfd = -1;

	if (c->root > MAIL_ROOT_SYSTEM ||
	    !str_copy(w->name, sizeof(w->name), c->account))
		fatal("a connection without an account");
	if (w->roots[c->root] != -1)
		dirfd = account_folder(w->roots[c->root], c->path);
	if (dirfd == -1)
		return false;
	proc_confine_to(&w->proc, dirfd);
	w->account = account_open(dirfd, &w->store);
	if (w->account == NULL)
		return false;
	for (size_t i = 0; i < 2; i++) {
		if (w->roots[i] != -1)
			close(w->roots[i]);
		w->roots[i] = -1;
	}
	return true;
}

/* The client is told; its front passes on what it is told. */
static void
turn_away(const struct msg_conn *c, int fd)
{
	static const char sorry[] =
	    "-ERR [SYS/TEMP] The mailbox cannot be opened now\r\n";

	note(NOTE_ERROR, "mailbox-unusable");
	note_str("account", c->account);
	note_errno(errno);
	if (write(fd, sorry, sizeof(sorry) - 1) == -1)
		note_c("client", "gone");
	note_end();
	close(fd);
}

static void
on_conn(void *arg, const struct msg_conn *c, int fd)
{
	struct worker *w = arg;

	timer_cancel(&w->idle);
	if (w->account == NULL && !open_account(w, c)) {
		turn_away(c, fd);
		/* A fresh process tries again: this one is fenced in. */
		proc_stop(&w->proc);
		return;
	}
	if (!str_eq(c->account, str_c(w->name)))
		fatal("a connection of another account");
	account_set_quota(w->account, c->quota);
	conn_new(w, fd);
}

void
worker_flush(struct worker *w)
{
	struct str mailbox;

	/* After a failed flush nothing is known about what was done, and
	 * nothing may be said about it (store.h). */
	if (account_flush(w->account) == -1)
		fatal_errno("flush");
	while (account_changed(w->account, &mailbox))
		proc_changed(&w->proc, str_c(w->name), mailbox);
}

static void
on_idle(void *arg)
{
	struct worker *w = arg;

	proc_exit_request(&w->proc);
}

void
worker_left(struct worker *w)
{
	if (!TAILQ_EMPTY(&w->conns))
		return;
	if (w->proc.stopping)
		proc_stop(&w->proc);
	else
		timer_set(&w->idle, w->idle_ms);
}

/* A connection that came meanwhile keeps us here. */
static void
on_exit_ok(void *arg)
{
	struct worker *w = arg;

	if (TAILQ_EMPTY(&w->conns))
		proc_stop(&w->proc);
}

static void
on_stop_timer(void *arg)
{
	struct worker *w = arg;

	proc_stop(&w->proc);
}

static void
on_stop(void *arg)
{
	struct worker *w = arg;
	struct conn *c, *next;

	timer_set(&w->stop, TAILQ_EMPTY(&w->conns) ? 0 : STOP_MS);
	for (c = TAILQ_FIRST(&w->conns); c != NULL; c = next) {
		next = conn_next(c);
		conn_stop(c);
	}
}

const struct proc_desc pop3_proc = {
	.role = ROLE_POP3,
	.on_give = on_give,
	.on_conn = on_conn,
	.on_exit_ok = on_exit_ok,
	.on_stop = on_stop,
};

void
worker_before(struct worker *w)
{
	w->roots[0] = w->roots[1] = -1;
	TAILQ_INIT(&w->conns);
}

void
worker_init(struct worker *w)
{
	const struct conf_section *root = conf_root(w->proc.conf);
	const struct conf_section *s = conf_daemon(w->proc.conf, "pop3");

	w->store = (struct store_conf){ .epoch = w->proc.epoch,
		.shared = conf_bool(conf_one(root, "maildir"), "shared") };
	w->per_user = (size_t)conf_u64(s, "per_user");
	w->errors = (unsigned)conf_u64(s, "errors");
	w->idle_ms = conf_ms(s, "idle");
	w->silence_ms = conf_ms(conf_one(root, "pop3"), "idle_timeout");
	timer_init(&w->idle, w->proc.loop, on_idle, w);
	timer_init(&w->stop, w->proc.loop, on_stop_timer, w);
	timer_set(&w->idle, w->idle_ms);
}
