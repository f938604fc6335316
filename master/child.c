/* child -- one program that master started: its start, its end, its return. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "conf/conf.h"
#include "master/master.h"
#include "proc/note.h"

enum {
	BACKOFF_FIRST_MS = 250, /* then twice as long each time */
	STEADY_MS = 5000 /* who ran so long may come back at once */
};

static void on_timer(void *arg);

struct child *
child_new(struct master *m, const struct service *s, uint32_t instance)
{
	struct child *c = xcalloc(1, sizeof(*c));

	c->m = m;
	c->service = s;
	c->instance = instance;
	c->state = CHILD_WAITING;
	if (s->count != SERVICE_ON_DEMAND)
		c->uid = role_uid(m, s, &c->gid);
	timer_init(&c->timer, m->loop, on_timer, c);
	TAILQ_INSERT_TAIL(&m->children, c, entry);
	return c;
}

void
child_free(struct child *c)
{
	TAILQ_REMOVE(&c->m->children, c, entry);
	timer_clear(&c->timer);
	link_free(c->link);
	free(c->account);
	free(c);
}

struct child *
child_find(struct master *m, enum role r, uint32_t instance)
{
	struct child *c;

	TAILQ_FOREACH(c, &m->children, entry)
		if (c->service->role == r && c->instance == instance &&
		    c->link != NULL && !c->retire)
			return c;
	return NULL;
}

static void
give(struct child *c, uint32_t what, uint32_t index, const char *name, int fd)
{
	struct msg_give g = { what, index, str_c(name) };

	if (fd == -1)
		fatal_errno("%s: descriptor for %s", name,
		    role_name(c->service->role));
	link_send_fd(c->link, MSG_GIVE, 0, &msg_give_wire, &g, fd);
}

static int
again(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static bool
takes_listener(enum role r, const char *kind)
{
	static const struct {
		const char *kind;
		enum role role;
	} takers[] = {
		{ "smtp", ROLE_SMTPD }, { "submission", ROLE_SMTPD },
		{ "submissions", ROLE_SMTPD }, { "lmtp", ROLE_SMTPD },
		{ "local", ROLE_SMTPD }, { "imap", ROLE_IMAPD },
		{ "imaps", ROLE_IMAPD }, { "pop3", ROLE_POP3D },
		{ "pop3s", ROLE_POP3D },
	};

	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (takers[i].role == r && strcmp(takers[i].kind, kind) == 0)
			return true;
	return false;
}

static void
give_listeners(struct child *c)
{
	struct master *m = c->m;

	for (size_t i = 0; i < m->nlisteners; i++) {
		struct listener *l = &m->listeners[i];

		if (l->fd != -1 && takes_listener(c->service->role, l->kind))
			give(c, GIVE_LISTENER, l->index, l->kind, again(l->fd));
	}
}

/* The folder of a file that the configuration names, for keyd to re-read. */
static void
give_folder_of(struct child *c, struct str path, uint32_t index)
{
	char *name, *copy;
	int fd;

	if (path.n == 0)
		return;
	name = str_dup(path);
	copy = str_dup(path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1)
		give(c, GIVE_KEY_FILES, index, name, fd);
	/* Also the file itself: only root may be able to read it. */
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd != -1)
		give(c, GIVE_FILE, index, name, fd);
	free(name);
	free(copy);
}

static void
give_key_files(struct child *c)
{
	const struct conf_section *tls =
	    conf_one(conf_root(c->m->conf), "tls");

	give_folder_of(c, conf_str(tls, "cert"), 0);
	give_folder_of(c, conf_str(tls, "key"), 1);
}

/* routerd reads the aliases file again when it changes. */
static void
give_files(struct child *c)
{
	if (c->service->role == ROLE_ROUTERD)
		give_folder_of(c, conf_str(conf_daemon(c->m->conf, "routerd"),
		    "aliases_file"), 0);
}

static void
give_all(struct child *c)
{
	struct master *m = c->m;
	uint32_t gives = c->service->gives;

	if ((gives & 1u << GIVE_EMPTY) != 0 && m->as_root)
		give(c, GIVE_EMPTY, 0, "empty", again(m->empty));
	if ((gives & 1u << GIVE_LISTENER) != 0)
		give_listeners(c);
	if ((gives & 1u << GIVE_SPOOL) != 0)
		give(c, GIVE_SPOOL, 0, "spool", again(m->spool));
	if ((gives & 1u << GIVE_LIB) != 0)
		give(c, GIVE_LIB, 0, "lib", folders_lib(m, c->service));
	if ((gives & 1u << GIVE_LOG) != 0)
		give(c, GIVE_LOG, 0, "log", again(m->log));
	if ((gives & 1u << GIVE_DROP) != 0)
		give(c, GIVE_DROP, 0, "drop", again(m->drop));
	if ((gives & 1u << GIVE_MAIL_ROOT) != 0)
		give(c, GIVE_MAIL_ROOT, c->root, "mail",
		    again(c->root == MAIL_ROOT_SYSTEM ? m->rootdir : m->mail));
	if ((gives & 1u << GIVE_KEY_FILES) != 0)
		give_key_files(c);
	if ((gives & 1u << GIVE_FILE) != 0)
		give_files(c);
}

static void
wait_and_retry(struct child *c)
{
	int64_t most = conf_ms(conf_daemon(c->m->conf, "master"), "restart_max");

	c->state = CHILD_WAITING;
	if (c->service->count == SERVICE_ON_DEMAND)
		return;
	timer_set(&c->timer, c->backoff);
	c->backoff = c->backoff == 0 ? BACKOFF_FIRST_MS : c->backoff * 2;
	if (c->backoff > most)
		c->backoff = most;
}

void
child_start(struct child *c)
{
	struct master *m = c->m;
	struct msg_go go = { m->epoch, c->instance, c->service->fences };
	int pair[2], conf_fd;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		fatal_errno("socketpair");
	conf_fd = config_for(m, c->service->role);
	c->pid = spawn_program(m, c, pair[1], conf_fd);
	close(conf_fd);
	close(pair[1]);
	if (c->pid == -1) {
		note(NOTE_ERROR, "cannot-start");
		note_c("role", role_name(c->service->role));
		note_errno(errno);
		note_end();
		close(pair[0]);
		c->pid = 0;
		wait_and_retry(c);
		return;
	}
	c->state = CHILD_STARTING;
	c->exiting = c->lost = false;
	c->since = clock_wall_ms();
	c->mono_since = loop_now(m->loop);
	c->link = link_new(m->loop, pair[0], &child_link_ops, c);
	give_all(c);
	link_send(c->link, MSG_GO, 0, &msg_go_wire, &go);
	peers_link(c);
}

static void
on_timer(void *arg)
{
	struct child *c = arg;

	if (c->state == CHILD_WAITING) {
		child_start(c);
	} else if (c->pid != 0) {
		note(NOTE_WARN, "killed");
		note_c("role", role_name(c->service->role));
		note_c("why", "it did not stop in time");
		note_end();
		kill(c->pid, SIGKILL);
	}
}

void
child_stop(struct child *c)
{
	if (c->state == CHILD_WAITING || c->state == CHILD_STOPPING)
		return;
	c->state = CHILD_STOPPING;
	link_send_raw(c->link, MSG_STOP, 0, STR_NONE);
	timer_set(&c->timer,
	    conf_ms(conf_daemon(c->m->conf, "master"), "stop_timeout"));
}

void
children_start(struct master *m)
{
	for (size_t i = 0; i < services_count; i++) {
		uint32_t n = config_processes(m, &services[i]);

		for (uint32_t k = 0; k < n; k++)
			child_start(child_new(m, &services[i], k));
	}
}

bool
children_ready(struct master *m)
{
	struct child *c;

	TAILQ_FOREACH(c, &m->children, entry)
		if (c->service->count != SERVICE_ON_DEMAND && !c->retire &&
		    c->state != CHILD_READY)
			return false;
	return true;
}

static bool
any_left(struct master *m, bool last_too)
{
	struct child *c;

	TAILQ_FOREACH(c, &m->children, entry)
		if (c->pid != 0 && (last_too ||
		    (c->service->flags & SERVICE_LAST) == 0))
			return true;
	return false;
}

/* Those who hand mail over stop first, then who keeps it, then the log. */
void
children_stop(struct master *m)
{
	struct child *c;
	bool others;

	m->stopping = true;
	others = any_left(m, false);
	TAILQ_FOREACH(c, &m->children, entry) {
		bool last = (c->service->flags & SERVICE_LAST) != 0;

		if (c->state == CHILD_WAITING)
			timer_cancel(&c->timer);
		else if (!last || !others)
			child_stop(c);
	}
	if (!any_left(m, true)) {
		control_stopped(m);
		loop_stop(m->loop, 0);
	}
}

static void
note_end_of(const struct child *c, int status)
{
	bool orderly = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	note(orderly ? NOTE_INFO : NOTE_ERROR, "ended");
	note_c("role", role_name(c->service->role));
	note_u64("pid", (uint64_t)c->pid);
	if (WIFSIGNALED(status))
		note_u64("signal", (uint64_t)WTERMSIG(status));
	else
		note_u64("status", (uint64_t)WEXITSTATUS(status));
	note_end();
}

static void
ended(struct child *c, int status)
{
	struct master *m = c->m;

	bool asked = c->state == CHILD_STOPPING && !c->lost;

	if (!m->stopping && !asked && !c->exiting)
		note_end_of(c, status);
	timer_cancel(&c->timer);
	link_free(c->link);
	c->link = NULL;
	c->pid = 0;
	if (c->retire || c->service->count == SERVICE_ON_DEMAND) {
		child_free(c);
	} else if (m->stopping) {
		c->state = CHILD_WAITING;
	} else {
		if (asked || loop_now(m->loop) - c->mono_since >= STEADY_MS)
			c->backoff = 0;
		c->restarts += !asked;
		wait_and_retry(c);
	}
}

void
children_reap(struct master *m)
{
	struct child *c, *next;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		TAILQ_FOREACH_SAFE(c, &m->children, entry, next)
			if (c->pid == pid) {
				ended(c, status);
				break;
			}
	if (m->stopping)
		children_stop(m);
}
