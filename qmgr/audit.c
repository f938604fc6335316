#include "qmgr/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/dir.h"
#include "base/id.h"
#include "qmgr/disk.h"

enum {
	STEP = 256 * 1024,  /* octets */
	/* s after which nobody writes on in a body that no message names */
	RECEIVING_MOST = 3600
};

/* ID stands for the message's. */
static void
fill_in(char *out, size_t room, const char *fix, uint64_t id)
{
	char text[ID_TEXT + 1];
	const char *at = id != 0 ? strstr(fix, "ID") : NULL;

	id_text(id, text);
	if (at == NULL)
		snprintf(out, room, "%s", fix);
	else
		snprintf(out, room, "%.*s%s%s", (int)(at - fix), fix, text,
		    at + 2);
}

void
audit_found(struct audit *a, const char *kind, uint64_t id, const char *where,
    const char *fix, const char *fmt, ...)
{
	char text[256], todo[256];
	struct audit_problem p = { kind, id, where, text, todo };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fill_in(todo, sizeof(todo), fix, id);
	a->problems++;
	a->on_problem(a->arg, &p);
}

void
audit_progress(struct audit *a, uint64_t n)
{
	a->done += n;
	if (a->on_progress != NULL)
		a->on_progress(a->arg, a->done, a->all);
}

/* --- messages ----------------------------------------------------------- */

struct sums {
	uint64_t all, left, ready, deferred, report, routing, busy;
	uint32_t least; /* next index */
	bool disorder;
};

static struct sums
sums_of(const struct message *m)
{
	struct sums s = { 0 };
	struct rcpt *r;

	RCPT_FOREACH(r, (struct message *)(uintptr_t)m) {
		s.disorder = s.disorder || r->m != m ||
		    r->index < s.least || r->index >= m->nrcpts ||
		    r->state > RCPT_DONE;
		s.least = r->index + 1;
		s.all++;
		s.left += r->state != RCPT_DONE;
		s.ready += r->state == RCPT_READY;
		s.deferred += r->state == RCPT_DEFERRED;
		s.report += r->state == RCPT_REPORT;
		s.routing += r->state == RCPT_ROUTING;
		s.busy += r->state <= RCPT_INFLIGHT;
	}
	return s;
}

static void
where_id(const struct message *m, char where[64])
{
	memcpy(where, "message ", 8);
	id_text(m->id, where + 8);
}

static const char on_restart[] = "postern stop; postern start: the queue is "
                                 "read anew from its log";

void
audit_message(struct audit *a, const struct message *m)
{
	const struct sums s = sums_of(m);
	char where[64];

	a->messages++;
	a->recipients += s.left;
	a->waiting += s.busy;
	a->deferred += s.deferred;
	a->to_report += s.report;
	where_id(m, where);
	if (s.disorder)
		audit_found(a, "recipient-unknown", m->id, where, on_restart,
		    "a recipient is out of order or in no known state");
	if (s.left != m->nleft || s.report != m->nreport ||
	    s.busy != m->nbusy || s.routing != m->asking ||
	    s.left != s.busy + s.deferred + s.report)
		audit_found(a, "recipient-count", m->id, where, on_restart,
		    "%llu recipients are counted as %u, not each of them is "
		    "in one state", (unsigned long long)s.left, m->nleft);
	if (s.report != 0 && message_sender(m).n == 0)
		audit_found(a, "report-to-nobody", m->id, where,
		    "postern queue drop ID", "a report is due, but the message "
		    "has no sender");
}

/* --- sums --------------------------------------------------------------- */

static void
check_count(struct audit *a, const char *what, uint64_t counted, uint64_t is)
{
	if (counted != is)
		audit_found(a, "queue-count", 0, what, on_restart,
		    "%llu are counted, %llu are there",
		    (unsigned long long)counted, (unsigned long long)is);
}

void
audit_counts(struct audit *a)
{
	const struct queue *q = a->q;
	uint64_t n = 0, deferred = 0, ready = 0, report = 0, held = 0;
	uint64_t octets = 0, living = 0;
	const struct segment *seg;
	const struct message *m;

	TAILQ_FOREACH(m, &q->table.all, entry) {
		const struct sums s = sums_of(m);

		n++;
		deferred += s.deferred;
		ready += s.ready;
		report += s.report;
		held += (m->flags & MSG_HELD) != 0;
		octets += m->prefix + m->body;
		living += m->seg != NULL;
	}
	TAILQ_FOREACH(seg, &q->log.segments, entry)
		living -= seg->living;
	check_count(a, "messages", q->table.n, n);
	check_count(a, "deferred recipients", q->ndeferred, deferred);
	check_count(a, "ready recipients", q->nready, ready);
	check_count(a, "recipients to report", q->nreport, report);
	check_count(a, "held messages", q->nheld, held);
	check_count(a, "octets of messages", q->octets, octets);
	check_count(a, "messages in segments", 0, living);
}

/* --- large bodies ------------------------------------------------------- */

static bool
read_body(struct audit *a, int fd, uint32_t *crc)
{
	static char piece[STEP];
	uint64_t at = 0;
	ssize_t n;

	*crc = 0;
	while ((n = disk_read(fd, piece, sizeof(piece), at)) > 0) {
		*crc = crc32c(*crc, piece, (size_t)n);
		at += (uint64_t)n;
		audit_progress(a, (uint64_t)n);
	}
	return n == 0;
}

static void
check_body(struct audit *a, const struct message *m)
{
	static const char fix[] = "postern queue bounce ID: tells the sender; "
	                          "or restore the file and retry";
	const int fd = large_open(a->spool, m->id);
	const int64_t size = fd == -1 ? -1 : disk_size(fd);
	char where[64];
	uint32_t crc;

	memcpy(where, "large/", 6);
	id_text(m->id, where + 6);
	a->bodies++;
	if (size == -1)
		audit_found(a, "body-missing", m->id, where, fix,
		    "the message's body cannot be opened: %s", strerror(errno));
	else if ((uint64_t)size != m->body)
		audit_found(a, "body-size", m->id, where, fix,
		    "%lld octets, and %llu were accepted", (long long)size,
		    (unsigned long long)m->body);
	else if (!read_body(a, fd, &crc))
		audit_found(a, "body-damaged", m->id, where, fix,
		    "the message's body cannot be read: %s", strerror(errno));
	else if ((m->flags & MSG_CRC) != 0 && crc != m->body_crc)
		audit_found(a, "body-damaged", m->id, where, fix,
		    "its octets are not those that were accepted");
	if (fd != -1)
		close(fd);
}

static void
check_file(struct audit *a, const char *name)
{
	const struct message *m;
	struct stat st;
	char where[300];
	uint64_t id;

	if (name[0] == '.')
		return;
	snprintf(where, sizeof(where), "large/%s", name);
	if (!id_parse(str_c(name), &id)) {
		audit_found(a, "file-foreign", 0, where, "move it elsewhere",
		    "no file of the queue");
		return;
	}
	m = table_find(&a->q->table, id);
	if ((m != NULL && (m->flags & MSG_LARGE) != 0) ||
	    fstatat(a->spool->largefd, name, &st, 0) == -1)
		return;
	if (a->live && m == NULL && time(NULL) - st.st_mtime < RECEIVING_MOST)
		a->receiving++;
	else
		audit_found(a, "body-orphan", id, where, "postern stop; "
		    "postern start: it is removed", "%lld octets of a body "
		    "that no message names", (long long)st.st_size);
}

int
audit_bodies(struct audit *a)
{
	const int fd = openat(
	    a->spool->largefd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *e;
	const struct message *m;
	int error;

	if (d == NULL)
		return -1;
	while ((e = dir_next(d)) != NULL)
		check_file(a, e->d_name);
	error = errno;
	closedir(d);
	errno = error;
	if (error != 0)
		return -1;
	TAILQ_FOREACH(m, &a->q->table.all, entry)
		if ((m->flags & MSG_LARGE) != 0)
			check_body(a, m);
	return 0;
}

/* --- all ---------------------------------------------------------------- */

static void
look_at_messages(struct audit *a)
{
	const struct message *m;

	TAILQ_FOREACH(m, &a->q->table.all, entry) {
		audit_message(a, m);
		if ((m->flags & MSG_LARGE) != 0)
			a->all += m->body;
	}
	audit_counts(a);
}

/* --- recipients since their ACCEPT ------------------------------------------ */

static void
on_wrong(void *arg, const struct ledger_wrong *w)
{
	static const char *const ends[ENDS] = { [END_UNKNOWN] = "was done",
		[END_MAILBOX] = "went to a mailbox",
		[END_NEXT_HOP] = "was taken by the next server",
		[END_REPORT] = "was returned", [END_SILENT] = "failed",
		[END_DROPPED] = "was dropped", [END_SAME] = "had a copy",
		[END_LIST] = "was a list" };
	static const char ask[] = "look for the message ID in the log of the "
	                          "server, and ask its sender";
	char where[64];
	struct audit *a = arg;

	memcpy(where, "message ", 8);
	id_text(w->id, where + 8);
	switch (w->what) {
	case LEDGER_LOST:
		audit_found(a, "recipient-lost", w->id, where, ask,
		    "recipient %u was accepted and is not in the queue, and "
		    "nothing tells where it went", w->index);
		break;
	case LEDGER_TWICE:
		audit_found(a, "recipient-decided-twice", w->id, where, ask,
		    "recipient %u %s, and then again had its end", w->index,
		    ends[w->end]);
		break;
	case LEDGER_WAITING:
		audit_found(a, "recipient-waits-again", w->id, where,
		    "look for the message ID in the log of the server; postern "
		    "queue drop ID if nobody else waits in it",
		    "recipient %u %s, but is in the queue", w->index,
		    ends[w->end]);
		break;
	}
}

int
audit_spool(struct audit *a)
{
	ledger_init(&a->ledger);
	if (audit_log(a) == -1)
		return -1;
	look_at_messages(a);
	ledger_judge(&a->ledger, a->q, on_wrong, a);
	return audit_bodies(a);
}

void
audit_clear(struct audit *a)
{
	map_clear(&a->fresh);
	ledger_clear(&a->ledger);
}
