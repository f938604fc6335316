#include "helpers/routerd/routerd.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "conf/conf.h"
#include "helpers/routerd/aliasfile.h"
#include "helpers/routerd/name.h"
#include "proc/note.h"
#include "table/records.h"

enum { LOOK_MS = 5000 /* between two looks at the aliases file */ };

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct routerd *d = arg;
	char *copy;

	(void)index;
	if (what == GIVE_LIB) {
		d->lib = fd;
	} else if (what == GIVE_KEY_FILES) {
		d->aliases_dir = fd;
		copy = str_dup(name);
		d->aliases_name = xstrdup(basename(copy));
		free(copy);
	} else if (what == GIVE_FILE) {
		d->aliases_fd = fd;
	} else {
		close(fd);
	}
}

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct routerd *d = arg;

	(void)instance;
	(void)key;
	if (peer == ROLE_NSSD)
		users_on_peer(&d->users, fd);
	else
		serve_peer(d, peer, fd);
}

static void
on_control(void *arg, int fd, uid_t uid, uint32_t rights)
{
	verbs_open(arg, fd, uid, rights);
}

static void
on_stop(void *arg)
{
	struct routerd *d = arg;

	routerd_commit(d);
	directory_clear(&d->dir);
	proc_stop(&d->proc);
}

const struct proc_desc routerd_proc = {
	.role = ROLE_ROUTERD,
	.on_give = on_give,
	.on_peer = on_peer,
	.on_control = on_control,
	.on_stop = on_stop,
};

static void
tell_changed(struct routerd *d)
{
	if (d->told == d->dir.version)
		return;
	d->told = d->dir.version;
	serve_changed(d);
}

void
routerd_commit(struct routerd *d)
{
	if (directory_commit(&d->dir) == -1)
		fatal("directory.db: %s", records_error(d->dir.records));
	tell_changed(d);
	serve_dones(d);
}

static void
on_commit(void *arg)
{
	routerd_commit(arg);
}

void
routerd_commit_later(struct routerd *d)
{
	deferred_call(&d->commit);
}

static void
on_known(void *arg)
{
	serve_waiting(arg);
}

/* --- the configuration's domains and routes --------------------------- */

static void
load_domain(struct routerd *d, const struct conf_section *s)
{
	struct buf name;
	struct domain *m;
	struct str catch_all = conf_str(s, "catch_all");

	buf_init(&name, BUF_NO_MAX);
	if (name_domain(&name, conf_word(s, 0))) {
		m = directory_add_config_domain(&d->dir, buf_str(&name));
		free(m->plus);
		m->plus = str_dup(conf_str(s, "plus_addressing"));
		m->quota = conf_size(s, "quota");
		m->system_users = conf_bool(s, "system_users");
		buf_reset(&name);
		if (catch_all.n != 0 &&
		    name_address(&name, catch_all, conf_word(s, 0)))
			m->catch_all = str_dup(buf_str(&name));
	}
	buf_clear(&name);
}

static void
load_alias(struct routerd *d, const struct conf_section *s, struct str domain,
    struct str name)
{
	size_t n = conf_list(s, name.p), used = 0;
	struct str *to = xcalloc(n + 1, sizeof(*to)), from;
	struct pool pool;
	struct buf b;

	pool_init(&pool);
	buf_init(&b, BUF_NO_MAX);
	for (size_t i = 0; i < n; i++) {
		buf_reset(&b);
		if (name_address(&b, conf_item(s, name.p, i), domain))
			to[used++] = pool_str(&pool, buf_str(&b));
	}
	buf_reset(&b);
	if (name_address(&b, name, domain) && used != 0) {
		from = buf_str(&b);
		directory_add_other_alias(
		    &d->dir, SOURCE_CONFIG, from, to, used);
	}
	buf_clear(&b);
	pool_clear(&pool);
	free(to);
}

static void
load_aliases(struct routerd *d, const struct conf_section *domain)
{
	const struct conf_section *s = conf_one(domain, "aliases");
	struct str name;

	for (size_t i = 0; (name = conf_name(s, i)).n != 0; i++)
		load_alias(d, s, conf_word(domain, 0), name);
}

static void
load_routes(struct routerd *d, const struct conf_section *root)
{
	const struct conf_section *s = NULL;

	while ((s = conf_next(root, "route", s)) != NULL)
		d->resolver.nroutes++;
	d->routes = xcalloc(d->resolver.nroutes + 1, sizeof(*d->routes));
	for (size_t i = 0; i < d->resolver.nroutes; i++) {
		s = conf_next(root, "route", s);
		d->routes[i] = (struct route_rule){ conf_word(s, 0),
			conf_str(s, "via"), conf_choice(s, "tls") };
	}
	d->resolver.routes = d->routes;
}

/* --- the aliases file ------------------------------------------------- */

/* Its names are in the domain of system users. */
static struct str
aliases_domain(const struct routerd *d)
{
	struct domain *m;
	size_t pos = 0;
	struct str domain = resolver_default_domain(&d->resolver);

	while ((m = map_next(&d->dir.domains, &pos, NULL)) != NULL)
		if (m->system_users)
			return str_c(m->name);
	return domain.n != 0 ? domain : d->resolver.hostname;
}

struct reading {
	struct routerd *d;
	struct str domain;
	int64_t n;
};

static void
on_alias(void *arg, struct str name, const struct str *to, size_t n)
{
	struct reading *r = arg;
	struct str *list = xcalloc(n, sizeof(*list));
	struct pool pool;
	struct buf b;
	size_t used = 0;

	pool_init(&pool);
	buf_init(&b, BUF_NO_MAX);
	for (size_t i = 0; i < n; i++) {
		buf_reset(&b);
		if (name_address(&b, to[i], r->domain))
			list[used++] = pool_str(&pool, buf_str(&b));
	}
	buf_reset(&b);
	if (used != 0 && name_address(&b, name, r->domain)) {
		directory_add_other_alias(&r->d->dir, SOURCE_FILE,
		    buf_str(&b), list, used);
		r->n++;
	}
	buf_clear(&b);
	pool_clear(&pool);
	free(list);
}

static void
on_bad(void *arg, uint32_t line, const char *why, struct str what)
{
	(void)arg;
	note(NOTE_WARN, "alias-refused");
	note_u64("line", line);
	note_c("reason", why);
	note_str("text", what);
	note_end();
}

static int
read_file(int fd, struct buf *out)
{
	for (off_t at = 0;;) {
		char *room = buf_reserve(out, 65536);
		ssize_t n;

		if (room == NULL) {
			errno = EFBIG;
			return -1;
		}
		n = pread(fd, room, 65536, at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		buf_commit(out, (size_t)n);
		at += n;
	}
}

static int
open_aliases(struct routerd *d)
{
	int fd = d->aliases_dir == -1 ? -1
	    : openat(d->aliases_dir, d->aliases_name,
	          O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	/* Perhaps only master may open it: then as it was at the start. */
	if (fd == -1 && d->aliases_fd != -1)
		fd = fcntl(d->aliases_fd, F_DUPFD_CLOEXEC, 3);
	return fd;
}

int64_t
routerd_read_aliases(struct routerd *d)
{
	static const struct aliasfile_ops ops = { on_alias, on_bad };
	struct reading r = { .d = d, .domain = aliases_domain(d) };
	struct buf text;
	int fd = open_aliases(d);

	buf_init(&text, ALIASFILE_MAX);
	if (fd == -1 || fstat(fd, &d->aliases_stat) == -1 ||
	    read_file(fd, &text) == -1) {
		note(NOTE_ERROR, "aliases-unreadable");
		note_errno(errno);
		note_end();
		r.n = -1; /* what was read before stays */
	} else {
		directory_drop_others(&d->dir, SOURCE_FILE);
		aliasfile_read(buf_str(&text), &ops, &r);
		note(NOTE_INFO, "aliases-read");
		note_u64("aliases", (uint64_t)r.n);
		note_end();
		tell_changed(d);
	}
	if (fd != -1)
		close(fd);
	buf_clear(&text);
	return r.n;
}

static void
on_look(void *arg)
{
	struct routerd *d = arg;
	struct stat st;

	if (fstatat(d->aliases_dir, d->aliases_name, &st, 0) == 0 &&
	    (st.st_ino != d->aliases_stat.st_ino ||
	        st.st_size != d->aliases_stat.st_size ||
	        st.st_mtim.tv_sec != d->aliases_stat.st_mtim.tv_sec ||
	        st.st_mtim.tv_nsec != d->aliases_stat.st_mtim.tv_nsec))
		routerd_read_aliases(d);
	timer_set(&d->look, LOOK_MS);
}

/* --- the start ---------------------------------------------------------- */

static void
set_admin(struct routerd *d, const struct conf_section *root)
{
	struct pool pool;
	struct str name;

	pool_init(&pool);
	name = resolve_name(&d->resolver, &pool, conf_str(root, "admin"));
	d->resolver.admin = name.n == 0 ? STR_NONE : str_c(str_dup(name));
	pool_clear(&pool);
}

static void
open_database(struct routerd *d)
{
	char error[RECORDS_ERROR];
	struct records *r = records_open(d->lib, "directory.db", error);

	if (r == NULL)
		fatal("%s", error);
	if (directory_load(&d->dir, r) == -1)
		fatal("directory.db: %s", records_error(r)[0] != '\0'
		    ? records_error(r) : "a damaged record");
}

static void
load_conf(struct routerd *d)
{
	const struct conf_section *root = conf_root(d->proc.conf);
	const struct conf_section *own = conf_daemon(d->proc.conf, "routerd");
	const struct conf_section *s = NULL;

	d->resolver = (struct resolver){ .dir = &d->dir,
		.hostname = conf_str(root, "hostname"),
		.default_domain = conf_str(
		    conf_one(root, "accounts"), "default_domain"),
		.depth = (uint32_t)conf_u64(own, "depth"),
		.expansions = conf_u64(own, "expansions"),
		.user = users_get, .arg = &d->users };
	/* Domains first: the database's accounts are counted in them. */
	while ((s = conf_next(root, "domain", s)) != NULL)
		load_domain(d, s);
	open_database(d);
	while ((s = conf_next(root, "domain", s)) != NULL)
		load_aliases(d, s);
	load_routes(d, root);
	set_admin(d, root);
}

void
routerd_init(struct routerd *d)
{
	TAILQ_INIT(&d->peers);
	TAILQ_INIT(&d->waiting);
	TAILQ_INIT(&d->dones);
	directory_init(&d->dir);
	deferred_init(&d->commit, d->proc.loop, on_commit, d);
	timer_init(&d->look, d->proc.loop, on_look, d);
	users_init(&d->users, d->proc.loop, on_known, d);
	load_conf(d);
	if (d->aliases_dir != -1)
		timer_set(&d->look, LOOK_MS);
	if (d->aliases_dir != -1 || d->aliases_fd != -1)
		routerd_read_aliases(d);
}
