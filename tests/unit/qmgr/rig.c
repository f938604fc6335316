#include "tests/unit/qmgr/rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/id.h"
#include "qmgr/audit.h"
#include "qmgr/via.h"

static const uint32_t seed = 0x5eed;

static void
on_dirty(void *arg)
{
	(void)arg;
}

static void
on_failed(void *arg, int error)
{
	struct rig *r = arg;

	r->failed = error;
}

static void
on_full(void *arg, int error)
{
	struct rig *r = arg;

	r->full = error;
	r->fulls++;
}

static void
on_segment(void *arg)
{
	(void)arg;
}

static const struct qlog_ops ops = { on_dirty, on_failed, on_full,
	on_segment };

static void
on_state(void *arg, int error)
{
	struct rig *r = arg;

	if (error != 0)
		return;
	r->states++;
	qlog_release(&r->q.log, r->state.head.lsn);
}

void
rig_init(struct rig *r)
{
	*r = (struct rig){ .path = "/tmp/postern-queue.XXXXXX" };
	if (mkdtemp(r->path) == NULL)
		fatal_errno("mkdtemp");
	r->dirfd = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(r->dirfd, "corrupt", 0700);
	r->corruptfd = openat(r->dirfd, "corrupt", O_RDONLY | O_DIRECTORY);
}

int
rig_try_load(struct rig *r, uint64_t segment)
{
	static const struct sched_options o = { 5, 20, 100, 1000, 60000 };
	int error;

	r->syncer = syncer_new(NULL);
	r->failed = 0;
	queue_init(&r->q, &o, 7);
	qlog_init(&r->q.log, r->dirfd, segment, seed, r->syncer, &ops, r);
	if (queue_load(&r->q, r->corruptfd, &r->report) == -1) {
		error = errno;
		queue_clear(&r->q);
		qlog_clear(&r->q.log);
		syncer_free(r->syncer);
		errno = error;
		return -1;
	}
	r->q.now = r->report.clock;
	qlog_start(&r->q.log, 0, r->q.log.next_lsn);
	state_writer_init(
	    &r->state, &r->q, r->report.state_number, on_state, r);
	r->loaded = true;
	return 0;
}

void
rig_load(struct rig *r, uint64_t segment)
{
	if (rig_try_load(r, segment) == -1)
		fatal_errno("load");
}

void
rig_unload(struct rig *r)
{
	if (!r->loaded)
		return;
	r->loaded = false;
	state_writer_clear(&r->state);
	queue_clear(&r->q);
	qlog_clear(&r->q.log);
	syncer_free(r->syncer);
}

static void
remove_all(int dirfd)
{
	DIR *d = fdopendir(dup(dirfd));
	const struct dirent *e;

	rewinddir(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			unlinkat(dirfd, e->d_name, 0);
	closedir(d);
}

void
rig_clear(struct rig *r)
{
	rig_unload(r);
	remove_all(r->corruptfd);
	close(r->corruptfd);
	unlinkat(r->dirfd, "corrupt", AT_REMOVEDIR);
	remove_all(r->dirfd);
	close(r->dirfd);
	rmdir(r->path);
}

struct message *
rig_accept(
    struct rig *r, uint32_t nrcpts, const char *body, const struct settle *s)
{
	static const struct settle none;
	const struct envelope env = { .sender = STR("a@example.org"),
		.client = STR("192.0.2.1"), .login = STR("a") };
	struct rcpt_init *inits = xcalloc(nrcpts, sizeof(*inits));
	char(*names)[32] = xcalloc(nrcpts, sizeof(*names));
	const char prefix[] = "Received: here\n";
	struct message *m;
	struct buf text;

	for (uint32_t i = 0; i < nrcpts; i++) {
		snprintf(names[i], sizeof(names[i]), "u%u@example.net", i);
		inits[i] = (struct rcpt_init){ .index = i,
			.address = str_c(names[i]) };
	}
	m = message_new(queue_new_id(&r->q, 1000), &env, inits, nrcpts, nrcpts);
	m->prefix = sizeof(prefix) - 1;
	m->body = strlen(body);
	if (nrcpts % 2 == 0) { /* as only large ones have it */
		m->flags |= MSG_CRC;
		m->body_crc = 0xfeed0000 + nrcpts;
	}
	m->accepted = r->q.now;
	m->accepted_wall = 1000 + r->q.now;
	buf_init(&text, BUF_NO_MAX);
	buf_add_c(&text, prefix);
	buf_add_c(&text, body);
	queue_accept(&r->q, m, buf_str(&text), s != NULL ? s : &none);
	buf_clear(&text);
	free(names);
	free(inits);
	return m;
}

void
rig_flush(struct rig *r)
{
	qlog_flush(&r->q.log);
	syncer_wait(r->syncer);
}

static void
dump_rcpt(struct buf *out, const struct rcpt *r)
{
	buf_addf(out, " %u %.*s state=%d attempts=%u next=%lld warned=%d "
	    "depth=%u dsn=%u", r->index, STR_ARG(rcpt_address(r)),
	    r->state == RCPT_DEFERRED ? 1 : r->state == RCPT_REPORT ? 2 : 0,
	    r->attempts,
	    r->state == RCPT_DEFERRED ? (long long)r->next : 0LL,
	    (r->flags & RCPT_WARNED) != 0, r->depth,
	    r->state == RCPT_REPORT ? r->dsn : 0);
	if (r->site != NULL)
		buf_addf(out, " site=%.*s", STR_ARG(r->site->key));
	if (rcpt_via(r) != NULL)
		buf_addf(out, " via=%.*s", STR_ARG(rcpt_via(r)->key));
	if (r->reason != NULL)
		buf_addf(out, " reason=%u,%.*s,%.*s", r->reason->code,
		    STR_ARG(r->reason->status), STR_ARG(r->reason->text));
	buf_add_char(out, '\n');
}

void
rig_write_state(struct rig *r)
{
	state_write(&r->state, 5000);
	while (state_writing(&r->state)) {
		qlog_flush(&r->q.log);
		syncer_wait(r->syncer);
	}
	syncer_wait(r->syncer);
}

void
rig_dump(struct rig *r, struct buf *out)
{
	struct message *m;

	buf_init(out, BUF_NO_MAX);
	TAILQ_FOREACH(m, &r->q.table.all, entry) {
		struct rcpt *rc;

		buf_addf(out, "%llu flags=%u crc=%x n=%u left=%u\n",
		    (unsigned long long)m->id, m->flags & MSG_ON_DISK,
		    m->body_crc, m->nrcpts, m->nleft);
		RCPT_FOREACH(rc, m)
			if (rc->state != RCPT_DONE)
				dump_rcpt(out, rc);
	}
}

static void
on_problem(void *arg, const struct audit_problem *p)
{
	buf_addf(arg, "%s ", p->kind);
}

static void
audit(struct rig *r, struct buf *kinds, struct ledger *sums)
{
	static const struct sched_options o = { 5, 20, 100, 1000, 60000 };
	struct queue q;
	struct spool spool = { r->dirfd, r->dirfd, -1, r->corruptfd, -1,
		{ 0 } };
	struct audit a = { .q = &q, .spool = &spool, .on_problem = on_problem,
		.arg = kinds };

	buf_init(kinds, BUF_NO_MAX);
	mkdirat(r->dirfd, "large", 0700);
	spool.largefd = openat(r->dirfd, "large", O_RDONLY | O_DIRECTORY);
	queue_init(&q, &o, 7);
	qlog_init(&q.log, r->dirfd, 0, seed, NULL, NULL, NULL);
	if (audit_spool(&a) == -1)
		buf_add_c(kinds, "unreadable ");
	audit_clear(&a);
	*sums = a.ledger;
	queue_clear(&q);
	qlog_clear(&q.log);
	close(spool.largefd);
	unlinkat(r->dirfd, "large", AT_REMOVEDIR);
}

void
rig_audit(struct rig *r, struct buf *kinds)
{
	struct ledger sums;

	audit(r, kinds, &sums);
}

void
rig_audit_ends(struct rig *r, struct ledger *sums)
{
	struct buf kinds;

	audit(r, &kinds, sums);
	if (buf_len(&kinds) != 0)
		fatal("audit: %s", buf_cstr(&kinds));
	buf_clear(&kinds);
}

struct str
rig_text(struct rig *r, const struct message *m, struct buf *room)
{
	const size_t n = (size_t)message_logged(m);
	struct record rec;

	if (m->seg == NULL || !qlog_read(&r->q.log, m->seg, m->off, m->size,
	        room, &rec) || rec.id != m->id || rec.payload.n < n)
		return STR("?");
	return str_from(rec.payload, rec.payload.n - n);
}
