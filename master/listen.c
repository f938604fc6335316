/* listen -- the sockets that clients and postern(8) connect to.  Bound here,
 * accepted from elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/json.h"
#include "conf/conf.h"
#include "conf/parse.h"
#include "master/master.h"
#include "proc/note.h"

enum { BACKLOG = 4096 };

static _Noreturn void
cannot_listen(const char *kind, const char *address, int error)
{
	fprintf(stderr, "postern: cannot listen on %s for %s: %s\n", address,
	    kind, strerror(error));
	if (error == EADDRINUSE)
		fprintf(stderr, "fix: stop what uses it (ss -ltnp), or choose "
		    "another port in `listen %s`\n", kind);
	exit(75);
}

static int
bind_unix(int dirfd, const char *path, mode_t mode)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *name = strrchr(path, '/');
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int dir = -1;

	/* By way of the folder's descriptor: the path may be long. */
	if (name != NULL) {
		char *parent = str_dup(str_n(path, (size_t)(name - path) + 1));

		dir = openat(dirfd, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
		free(parent);
		name++;
	} else {
		dir = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
		name = path;
	}
	if (fd == -1 || dir == -1 ||
	    snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/%s",
	        dir, name) >= (int)sizeof(sun.sun_path))
		goto undo;
	unlinkat(dir, name, 0);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    fchmodat(dir, name, mode, 0) == -1 || listen(fd, BACKLOG) == -1)
		goto undo;
	close(dir);
	return fd;
undo:
	if (dir != -1)
		close(dir);
	if (fd != -1)
		close(fd);
	return -1;
}

static int
bind_tcp(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found;
	int on = 1, fd;

	if (getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	fd = socket(found->ai_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd != -1) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (found->ai_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		if (bind(fd, found->ai_addr, found->ai_addrlen) == -1 ||
		    listen(fd, BACKLOG) == -1) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	return fd;
}

/* "127.0.0.1:43210", "[::1]:43210", or the path. */
static char *
bound_text(int fd, const char *configured)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	char host[64], port[8], text[80];

	if (getsockname(fd, (struct sockaddr *)&sa, &n) == -1 ||
	    sa.ss_family == AF_UNIX ||
	    getnameinfo((struct sockaddr *)&sa, n, host, sizeof(host), port,
	        sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return xstrdup(configured);
	snprintf(text, sizeof(text),
	    sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	return xstrdup(text);
}

static int
bind_address(const char *kind, const char *address, mode_t mode)
{
	struct str host, port;
	char *h, *p;
	int fd;

	if (!conf_split_address(str_c(address), &host, &port))
		cannot_listen(kind, address, EINVAL);
	if (port.n == 0)
		return bind_unix(AT_FDCWD, address, mode);
	h = str_dup(host);
	p = str_dup(port);
	fd = bind_tcp(h, p);
	free(h);
	free(p);
	return fd;
}

static struct listener *
find(struct master *m, const char *kind, const char *address)
{
	for (size_t i = 0; i < m->nlisteners; i++)
		if (m->listeners[i].fd != -1 &&
		    strcmp(m->listeners[i].kind, kind) == 0 &&
		    strcmp(m->listeners[i].address, address) == 0)
			return &m->listeners[i];
	return NULL;
}

static struct listener *
add(struct master *m, const char *kind, const char *address, int fd)
{
	struct listener *l;

	if (m->nlisteners == LISTENERS_MAX)
		fatal("more than %d listeners", LISTENERS_MAX);
	l = &m->listeners[m->nlisteners];
	*l = (struct listener){ .kind = xstrdup(kind),
		.address = xstrdup(address), .fd = fd, .wanted = true,
		.bound = bound_text(fd, address),
		.index = (uint32_t)m->nlisteners };
	m->nlisteners++;
	return l;
}

/* One `listen` section: kept when it is there, else bound. */
static int
want(struct master *m, const struct conf_section *s)
{
	char *kind = str_dup(conf_word(s, 0));
	char *address = str_dup(conf_word(s, 1));
	char *mode = str_dup(conf_str(s, "mode"));
	struct listener *l = find(m, kind, address);
	int fd = -1;

	if (l != NULL) {
		l->wanted = true;
	} else {
		fd = bind_address(kind, address,
		    (mode_t)strtoul(mode, NULL, 8) & 0777);
		if (fd != -1)
			add(m, kind, address, fd);
		else if (m->loop == NULL)
			cannot_listen(kind, address, errno);
	}
	if (l == NULL && fd == -1) {
		note(NOTE_ERROR, "cannot-listen");
		note_c("address", address);
		note_errno(errno);
		note_end();
	}
	free(kind);
	free(address);
	free(mode);
	return 0;
}

void
listen_update(struct master *m)
{
	const struct conf_section *s = NULL;

	if (m->offline)
		return;
	for (size_t i = 0; i < m->nlisteners; i++)
		m->listeners[i].wanted = strcmp(m->listeners[i].kind, "local") == 0;
	while ((s = conf_next(conf_root(m->conf), "listen", s)) != NULL)
		want(m, s);
	for (size_t i = 0; i < m->nlisteners; i++) {
		struct listener *l = &m->listeners[i];

		if (!l->wanted && l->fd != -1) {
			close(l->fd);
			l->fd = -1;
		}
	}
	if (m->loop != NULL)
		listen_write(m);
}

void
listen_open(struct master *m)
{
	int fd;

	m->control_fd = bind_unix(m->run, "control.sock", 0666);
	if (m->control_fd == -1)
		fatal_errno("run/control.sock");
	if (m->offline)
		return;
	fd = bind_unix(m->run, "submit.sock", 0666);
	if (fd == -1)
		fatal_errno("run/submit.sock");
	add(m, "local", "submit.sock", fd);
	listen_update(m);
}

/* run/listen.json: who looks for a port that was given as 0 finds it here. */
void
listen_write(struct master *m)
{
	struct buf b;
	int fd;

	buf_init(&b, BUF_NO_MAX);
	buf_add_c(&b, "[");
	for (size_t i = 0; i < m->nlisteners; i++) {
		struct listener *l = &m->listeners[i];

		if (l->fd == -1)
			continue;
		json_open(&b);
		json_c(&b, "service", l->kind);
		json_c(&b, "address", l->bound);
		json_close(&b);
	}
	buf_add_c(&b, "]\n");
	fd = openat(m->run, "listen.json.tmp",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd == -1 ||
	    write(fd, buf_str(&b).p, buf_len(&b)) != (ssize_t)buf_len(&b) ||
	    renameat(m->run, "listen.json.tmp", m->run, "listen.json") == -1)
		note(NOTE_ERROR, "listen-json"), note_errno(errno), note_end();
	if (fd != -1)
		close(fd);
	buf_clear(&b);
}
