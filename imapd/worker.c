#include "imapd/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "mail/charset.h"
#include "mail/date.h"
#include "proc/note.h"

enum {
	STOP_MS = 3000,
	FLUSH_MS = 1000 /* flags set in passing (\Seen) are on disk by then */
};

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct worker *w = arg;

	(void)name;
	if (what != GIVE_MAIL_ROOT || index > MAIL_ROOT_SYSTEM) {
		close(fd);
		return;
	}
	w->roots[index] = fd;
}

static void
on_changed(void *arg, struct str account, struct str mailbox)
{
	struct worker *w = arg;

	if (w->user != NULL && str_eq(account, str_c(w->user->name)))
		user_changed(w->user, mailbox);
}

void
worker_spread(struct worker *w)
{
	struct str mailbox;

	while (account_changed(w->user->store, &mailbox))
		proc_changed(&w->proc, str_c(w->user->name), mailbox);
	if (account_is_dirty(w->user->store) && !timer_is_set(&w->flush))
		timer_set(&w->flush, FLUSH_MS);
}

static void
on_flush(void *arg)
{
	struct worker *w = arg;

	if (account_flush(w->user->store) == -1)
		fatal_errno("the mailbox cannot be made durable");
}

/*
 * The first connection says whose mail this is; from then on nothing else
 * can be opened.
 */
static bool
open_user(struct worker *w, const struct msg_conn *c)
{
	int dirfd = account_folder(w->roots[c->root], c->path);

	if (dirfd != -1) {
		proc_confine_to(&w->proc, dirfd);
		w->user = user_open(dirfd, c->account, w->proc.epoch,
		    c->quota, &w->conf);
	}
	if (w->user == NULL) {
		note(NOTE_ERROR, "mailbox-unusable");
		note_str("account", c->account);
		note_errno(errno);
		note_end();
		return false;
	}
	for (size_t i = 0; i < 2; i++)
		if (w->roots[i] != -1)
			close(w->roots[i]);
	w->roots[0] = w->roots[1] = -1;
	return true;
}

static void
on_conn(void *arg, const struct msg_conn *c, int fd)
{
	struct worker *w = arg;

	timer_cancel(&w->idle);
	if (w->user == NULL && !open_user(w, c)) {
		close(fd);
		worker_left(w);
		return;
	}
	if (!str_eq(c->account, str_c(w->user->name)))
		fatal("a connection of another account");
	conn_new(w, fd);
}

static void
on_idle(void *arg)
{
	struct worker *w = arg;

	proc_exit_request(&w->proc);
}

/* What was said is kept: all is on disk before the end. */
static void
stop(struct worker *w)
{
	if (w->user != NULL)
		on_flush(w);
	proc_stop(&w->proc);
}

void
worker_left(struct worker *w)
{
	if (!TAILQ_EMPTY(&w->conns))
		return;
	if (w->proc.stopping)
		stop(w);
	else
		timer_set(&w->idle, w->idle_ms);
}

/* A connection that came meanwhile keeps us here. */
static void
on_exit_ok(void *arg)
{
	struct worker *w = arg;

	if (TAILQ_EMPTY(&w->conns))
		stop(w);
}

static void
on_stop_timer(void *arg)
{
	stop(arg);
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

const struct proc_desc imap_proc = {
	.role = ROLE_IMAP,
	.on_give = on_give,
	.on_conn = on_conn,
	.on_changed = on_changed,
	.on_exit_ok = on_exit_ok,
	.on_stop = on_stop,
};

void
worker_before(struct worker *w)
{
	w->roots[0] = w->roots[1] = -1;
	TAILQ_INIT(&w->conns);
}

static void
read_conf(struct worker *w)
{
	const struct conf_section *s = conf_daemon(w->proc.conf, "imap");
	const struct conf_section *imap =
	    conf_one(conf_root(w->proc.conf), "imap");

	w->conf = (struct user_conf){
		.line = (size_t)conf_size(s, "line"),
		.literal = (size_t)conf_size(s, "literal"),
		.message = conf_size(s, "message"),
		.errors = (unsigned)conf_u64(s, "errors"),
		.search_ms = conf_ms(s, "search_time"),
		.special_folders = conf_bool(imap, "special_folders"),
	};
	w->per_user = (size_t)conf_u64(s, "per_user");
	w->idle_ms = conf_ms(s, "idle");
	w->step_ms = conf_ms(s, "step");
	w->silence_ms = conf_ms(imap, "idle_timeout");
}

void
worker_init(struct worker *w)
{
	read_conf(w);
	timer_init(&w->idle, w->proc.loop, on_idle, w);
	timer_init(&w->flush, w->proc.loop, on_flush, w);
	timer_init(&w->stop, w->proc.loop, on_stop_timer, w);
	timer_set(&w->idle, w->idle_ms);
	charset_prepare();
	date_prepare();
}
