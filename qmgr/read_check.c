/* read_check -- qmgr-read's check: what audit.h finds, as JSON rows. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/id.h"
#include "base/json.h"
#include "qmgr/audit.h"
#include "qmgr/read.h"

enum {
	PASSES = 5,             /* until all files stay while they are read */
	PAUSE = 500 * 1000,     /* us until a running qmgr is looked at again */
	PROGRESS = 100          /* ms between two words of it */
};

/* Problems of one pass; what comes again in the next is one. */
struct found {
	char *key;
	struct buf row;
};

struct check {
	struct found *found;
	size_t n, cap;
	bool progress;
	int64_t told; /* when progress was told last */
	struct audit audit;
	struct queue q;
	struct spool spool;
};

static void
write_row(const struct buf *row)
{
	if (fwrite(row->p + row->at, 1, buf_len(row), stdout) != buf_len(row))
		fatal_errno("standard output");
}

static void
on_problem(void *arg, const struct audit_problem *p)
{
	struct check *c = arg;
	struct found *f;
	char id[ID_TEXT + 1];
	char key[512];

	if (c->n == c->cap) {
		c->cap = c->cap == 0 ? 16 : c->cap * 2;
		c->found = xreallocarray(c->found, c->cap, sizeof(*c->found));
	}
	f = &c->found[c->n++];
	id_text(p->id, id);
	snprintf(key, sizeof(key), "%s %s %s", p->kind, id, p->where);
	f->key = str_dup(str_c(key));
	buf_init(&f->row, BUF_NO_MAX);
	json_open(&f->row);
	json_c(&f->row, "problem", p->kind);
	if (p->id != 0)
		json_c(&f->row, "id", id);
	json_c(&f->row, "where", p->where);
	json_c(&f->row, "text", p->text);
	json_c(&f->row, "fix", p->fix);
	json_close(&f->row);
	buf_add_char(&f->row, '\n');
}

static void
on_progress(void *arg, uint64_t done, uint64_t all)
{
	struct check *c = arg;
	const int64_t now = clock_mono_ms();
	struct buf row;

	if (now - c->told < PROGRESS)
		return;
	c->told = now;
	buf_init(&row, BUF_NO_MAX);
	json_open(&row);
	json_u64(&row, "progress", done);
	json_u64(&row, "of", all);
	json_close(&row);
	buf_add_char(&row, '\n');
	write_row(&row);
	fflush(stdout);
	buf_clear(&row);
}

static void
forget(struct found *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(f[i].key);
		buf_clear(&f[i].row);
	}
	free(f);
}

/* One look at all of it.  -1 and errno: a file cannot be read. */
static int
pass(struct check *c, const char *path)
{
	static const struct sched_options none = { 1, 1, 1, 1000, 1000 };
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r, error;

	c->found = NULL;
	c->n = c->cap = 0;
	c->audit = (struct audit){ .q = &c->q, .spool = &c->spool,
		.on_problem = on_problem, .arg = c,
		.on_progress = c->progress ? on_progress : NULL };
	if (fd == -1)
		return -1;
	r = spool_open_read(&c->spool, fd);
	if (r == 0) {
		c->audit.live = spool_is_live(&c->spool);
		queue_init(&c->q, &none, 1);
		qlog_init(&c->q.log, c->spool.logfd, 0,
		    record_seed(c->spool.uuid), NULL, NULL, NULL);
		r = audit_spool(&c->audit);
		error = errno;
		audit_clear(&c->audit);
		queue_clear(&c->q);
		qlog_clear(&c->q.log);
		errno = error;
	}
	error = errno;
	spool_close(&c->spool);
	errno = error;
	return r;
}

/* A segment may go while it is being opened. */
static int
whole_pass(struct check *c, const char *path)
{
	int r = -1;

	for (int i = 0; i < PASSES && r == -1; i++) {
		if (i != 0)
			forget(c->found, c->n);
		r = pass(c, path);
		if (r == -1 && (errno != ENOENT || !c->audit.live))
			break;
	}
	return r;
}

/* Problems of both looks. */
static int
look_again(struct check *c, const char *path)
{
	struct found *before = c->found;
	const size_t n = c->n;
	struct map keys;
	size_t kept = 0;
	int r;

	map_init(&keys);
	for (size_t i = 0; i < n; i++)
		map_set(&keys, str_c(before[i].key), &before[i]);
	usleep(PAUSE);
	r = whole_pass(c, path);
	for (size_t i = 0; r == 0 && i < c->n; i++) {
		if (map_get(&keys, str_c(c->found[i].key)) != NULL) {
			c->found[kept++] = c->found[i];
			continue;
		}
		free(c->found[i].key);
		buf_clear(&c->found[i].row);
	}
	if (r == 0)
		c->n = kept;
	map_clear(&keys);
	forget(before, n);
	return r;
}

/* Where the recipients went whose acceptance the log still tells. */
static void
tell_ends(struct buf *row, const struct ledger *l)
{
	static const char *const names[ENDS] = { [END_UNKNOWN] = "done",
		[END_MAILBOX] = "mailbox", [END_NEXT_HOP] = "next_hop",
		[END_REPORT] = "returned", [END_SILENT] = "failed",
		[END_DROPPED] = "dropped", [END_SAME] = "same_mailbox",
		[END_LIST] = "list" };

	json_u64(row, "accepted", l->accepted);
	json_u64(row, "queue", l->waiting);
	for (size_t i = 0; i < ENDS; i++)
		json_u64(row, names[i], l->ends[i]);
	json_u64(row, "forgotten", l->unknown);
}

static void
tell_sums(const struct check *c)
{
	const struct audit *a = &c->audit;
	struct buf row;

	buf_init(&row, BUF_NO_MAX);
	json_open(&row);
	json_bool(&row, "total", true);
	json_u64(&row, "problems", c->n);
	json_u64(&row, "messages", a->messages);
	json_u64(&row, "recipients", a->recipients);
	json_u64(&row, "waiting", a->waiting);
	json_u64(&row, "deferred", a->deferred);
	json_u64(&row, "to_report", a->to_report);
	tell_ends(&row, &a->ledger);
	json_u64(&row, "records", a->records);
	json_u64(&row, "segments", a->segments);
	json_u64(&row, "octets", a->octets);
	json_u64(&row, "bodies", a->bodies);
	json_u64(&row, "receiving", a->receiving);
	json_u64(&row, "torn", a->report.torn);
	json_bool(&row, "live", a->live);
	json_close(&row);
	buf_add_char(&row, '\n');
	write_row(&row);
	buf_clear(&row);
}

/* A spool without its name is no spool; what never ran is empty. */
static bool
is_new(const char *path)
{
	char log[4096];

	snprintf(log, sizeof(log), "%s/log", path);
	return access(path, F_OK) == 0 && access(log, F_OK) == -1 &&
	    errno == ENOENT;
}

int
read_check(const char *path, bool progress)
{
	static struct check c;
	int r;

	c.progress = progress;
	r = whole_pass(&c, path);
	if (r == 0 && c.n != 0 && c.audit.live)
		r = look_again(&c, path);
	if (r == -1 && errno == ENOENT && is_new(path)) {
		tell_sums(&c);
		return 0;
	}
	if (r == -1)
		return read_failed(path);
	for (size_t i = 0; i < c.n; i++)
		write_row(&c.found[i].row);
	tell_sums(&c);
	r = c.n != 0 ? READ_FOUND : 0;
	forget(c.found, c.n);
	return r;
}
