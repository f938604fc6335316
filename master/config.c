/* config -- the one place that reads the configuration file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "conf/parse.h"
#include "master/master.h"

struct conf *
config_read(struct master *m, struct buf *problems)
{
	struct conf *c = conf_parse_file(m->conf_path, m->base);
	char *text = NULL;
	size_t n = 0;
	FILE *out;

	conf_check(c, CONF_CHECK_FILES);
	out = open_memstream(&text, &n);
	if (out == NULL)
		fatal("out of memory");
	conf_problems_print(c, out);
	fclose(out);
	buf_add(problems, str_n(text, n));
	free(text);
	if (conf_ok(c))
		return c;
	conf_free(c);
	return NULL;
}

static void
encode(const struct conf *c, enum role role, struct buf *out)
{
	buf_init(out, BUF_NO_MAX);
	conf_encode(c, str_c(role_name(role)), out);
}

int
config_for(struct master *m, enum role role)
{
	struct str left;
	struct buf octets;
	int fd = memfd_create("postern-conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		fatal_errno("memfd");
	encode(m->conf, role, &octets);
	left = buf_str(&octets);
	while (left.n != 0) {
		ssize_t n = write(fd, left.p, left.n);

		if (n == -1 && errno != EINTR)
			fatal_errno("memfd");
		if (n > 0)
			str_take(&left, (size_t)n);
	}
	buf_clear_secret(&octets);
	lseek(fd, 0, SEEK_SET);
	if (fcntl(fd, F_ADD_SEALS,
	    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1)
		fatal_errno("sealing a memfd");
	return fd;
}

static bool
role_changed(struct conf *was, struct conf *is, enum role role)
{
	struct buf a, b;
	bool changed;

	encode(was, role, &a);
	encode(is, role, &b);
	changed = !str_eq(buf_str(&a), buf_str(&b));
	buf_clear_secret(&a);
	buf_clear_secret(&b);
	return changed;
}

/* How many processes of a role the configuration wants. */
static uint32_t
wanted(const struct master *m, const struct service *s)
{
	return s->count == SERVICE_MANY
	    ? (uint32_t)conf_u64(
	          conf_daemon(m->conf, role_name(s->role)), "processes")
	    : 1;
}

uint32_t
config_processes(const struct master *m, const struct service *s)
{
	if (m->offline && (s->flags & SERVICE_OFFLINE) == 0)
		return 0;
	return s->count == SERVICE_ON_DEMAND ? 0 : wanted(m, s);
}

/* Old processes of the role finish what they have; new ones take over. */
static void
replace_role(struct master *m, const struct service *s)
{
	struct child *c, *next;
	uint32_t n = config_processes(m, s);

	TAILQ_FOREACH_SAFE(c, &m->children, entry, next) {
		if (c->service != s || c->retire)
			continue;
		if (s->count == SERVICE_ON_DEMAND)
			continue; /* ends with its last client */
		c->retire = c->instance >= n || s->count == SERVICE_MANY;
		child_stop(c);
	}
	if (s->count == SERVICE_MANY)
		for (uint32_t i = 0; i < n; i++)
			child_start(child_new(m, s, i));
}

int
config_reload(struct master *m, struct buf *text)
{
	struct buf problems;
	struct conf *was = m->conf, *is;
	size_t replaced = 0;

	buf_init(&problems, BUF_NO_MAX);
	is = config_read(m, &problems);
	if (is == NULL) {
		buf_add_c(text, "the running configuration stays: ");
		buf_add(text, str_first(buf_str(&problems), 3000));
		buf_clear(&problems);
		return 78;
	}
	buf_clear(&problems);
	m->conf = is;
	listen_update(m);
	for (size_t i = 0; i < services_count; i++) {
		const struct service *s = &services[i];

		if (!role_changed(was, is, s->role))
			continue;
		if (config_processes(m, s) == 0 && s->count != SERVICE_MANY)
			continue;
		buf_addf(text, "%s%s", replaced++ == 0 ? "" : ", ",
		    role_name(s->role));
		replace_role(m, s);
	}
	if (replaced == 0)
		buf_add_c(text, "nothing changed");
	else
		buf_add_c(text, " restarted; sessions under way go on");
	conf_free(was);
	return 0;
}
