/*
 * qmgr-read -- prints the queue of a server that is down, with the rows that
 * the running one would print.  Changes nothing and takes no lock.
 *	qmgr-read SPOOL list|show|summary|cat|export [FILTER]
 *	qmgr-read SPOOL check [--progress]
 */
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
#include "msg/control.h"
#include "proc/note.h"
#include "qmgr/disk.h"
#include "qmgr/filter.h"
#include "qmgr/load.h"
#include "qmgr/read.h"
#include "qmgr/rows.h"
#include "qmgr/spool.h"

enum { WORDS_MAX = CONTROL_WORDS_MAX, PIECE = 32768,
	DAYS_5 = 5 * 24 * 3600 * 1000 };

struct reader {
	struct spool spool;
	struct queue q;
	struct filter filter;
	struct row_times times;
	struct summary summary;
	struct buf out;
};

static void
flush(struct reader *r)
{
	const struct str s = buf_str(&r->out);

	if (s.n != 0 && fwrite(s.p, 1, s.n, stdout) != s.n)
		fatal_errno("standard output");
	buf_reset(&r->out);
}

static struct buf *
begin_row(void *arg)
{
	struct reader *r = arg;

	if (buf_len(&r->out) > 65536)
		flush(r);
	json_open(&r->out);
	return &r->out;
}

static void
end_row(void *arg)
{
	struct reader *r = arg;

	json_close(&r->out);
	buf_add_char(&r->out, '\n');
}

static void
visit_list(struct reader *r, struct message *m)
{
	row_message(begin_row(r), m, &r->times, false);
	end_row(r);
}

static void
visit_show(struct reader *r, struct message *m)
{
	row_message(begin_row(r), m, &r->times, true);
	end_row(r);
}

static void
visit_summary(struct reader *r, struct message *m)
{
	summary_add(&r->summary, m, &r->filter);
}

static void
put_pieces(struct reader *r, struct str text)
{
	while (text.n != 0) {
		row_text(begin_row(r), "text", str_take(&text, PIECE));
		end_row(r);
	}
}

/* false: its octets end before the message does. */
static bool
put_large(struct reader *r, const struct message *m)
{
	char piece[PIECE];
	const int fd = large_open(&r->spool, m->id);
	uint64_t at = 0;
	ssize_t n;

	while (fd != -1 && (n = disk_read(fd, piece, sizeof(piece), at)) > 0) {
		put_pieces(r, str_n(piece, (size_t)n));
		at += (uint64_t)n;
	}
	if (fd != -1)
		close(fd);
	return at == m->body;
}

/* The rows of its text; false: it cannot be read, or not all of it. */
static bool
put_text(struct reader *r, const struct message *m)
{
	const size_t n = (size_t)message_logged(m);
	struct record record;
	struct str text;
	struct buf raw;
	bool ok;

	buf_init(&raw, BUF_NO_MAX);
	ok = m->seg != NULL && qlog_read(&r->q.log, m->seg, m->off, m->size,
	    &raw, &record) && record.id == m->id && record.payload.n >= n;
	if (ok) {
		text = str_from(record.payload, record.payload.n - n);
		row_text(begin_row(r), "header", str_take(&text, m->prefix));
		end_row(r);
		put_pieces(r, text);
		if ((m->flags & MSG_LARGE) != 0)
			ok = put_large(r, m);
	}
	buf_clear(&raw);
	return ok;
}

static void
visit_cat(struct reader *r, struct message *m)
{
	char id[ID_TEXT + 1];

	if (put_text(r, m))
		return;
	flush(r);
	id_text(m->id, id);
	dprintf(STDERR_FILENO, "postern: %s: its text cannot be read; postern "
	    "queue check looks for what is wrong\n", id);
	exit(READ_IO);
}

static void
visit_export(struct reader *r, struct message *m)
{
	char id[ID_TEXT + 1];
	struct buf *b;
	bool ok;

	visit_show(r, m);
	ok = put_text(r, m);
	id_text(m->id, id);
	b = begin_row(r);
	json_c(b, "end", id);
	if (!ok)
		json_c(b, "error", "its text cannot be read");
	end_row(r);
}

static const struct {
	const char *name;
	bool needs_filter;
	void (*visit)(struct reader *r, struct message *m);
} verbs[] = {
	{ "list", false, visit_list },
	{ "show", true, visit_show },
	{ "summary", false, visit_summary },
	{ "cat", true, visit_cat },
	{ "export", true, visit_export },
};

/* 0, or says whom it was asked for by name that is not there. */
static int
verdict(struct reader *r)
{
	struct filter *f = &r->filter;
	char text[FILTER_TEXT];

	for (size_t i = 0; i < f->nids; i++)
		if (table_find(&r->q.table, f->ids[i]) == NULL)
			filter_missed(f, f->ids[i]);
	if (filter_verdict(f, text) == 0)
		return 0;
	dprintf(STDERR_FILENO, "postern: %s\n", text);
	return READ_NONE;
}

static int
run(struct reader *r, void (*visit)(struct reader *r, struct message *m))
{
	struct filter *f = &r->filter;
	struct message *m;

	TAILQ_FOREACH(m, &r->q.table.all, entry) {
		if (f->matched >= f->limit)
			break;
		if (!filter_matches(f, m, r->times.now))
			continue;
		f->matched++;
		visit(r, m);
	}
	while (visit == visit_summary && summary_more(&r->summary)) {
		summary_put(&r->summary, begin_row(r));
		end_row(r);
	}
	flush(r);
	return verdict(r);
}

/* --by of a summary, out of the words. */
static bool
take_by(struct reader *r, struct str words[], size_t *n)
{
	struct str by = STR("site");

	for (size_t i = 0; i + 1 < *n; i++)
		if (str_eq(words[i], STR("--by"))) {
			by = words[i + 1];
			*n -= 2;
			memmove(&words[i], &words[i + 2],
			    (*n - i) * sizeof(words[0]));
			break;
		}
	r->summary.reasons = &r->q.reasons;
	if (summary_by(&r->summary, by))
		return true;
	dprintf(STDERR_FILENO, "postern: --by is " SUMMARY_KINDS "\n");
	return false;
}

static int
load(struct reader *r, const char *path)
{
	const struct sched_options none = { 1, 1, 1, 1000, 1000 };
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct load_report report;

	if (fd == -1)
		return -1;
	if (spool_open_read(&r->spool, fd) == -1)
		return errno == ENOENT ? 1 : -1; /* never ran: empty */
	queue_init(&r->q, &none, 1);
	qlog_init(&r->q.log, r->spool.logfd, 0, record_seed(r->spool.uuid),
	    NULL, NULL, NULL);
	if (queue_load(&r->q, -1, &report) == -1)
		return -1;
	qclock_start(&r->q.clock, report.clock, report.wall, 0,
	    clock_wall_ms());
	r->times = (struct row_times){ qclock_at(&r->q.clock, 0),
		clock_wall_ms(), DAYS_5, DAYS_5, false };
	r->summary.now = r->times.now;
	return 0;
}

static int
usage(void)
{
	dprintf(STDERR_FILENO,
	    "usage: qmgr-read SPOOL list|show|summary|cat|export [FILTER]\n"
	    "       qmgr-read SPOOL check [--progress]\n");
	return READ_USAGE;
}

int
read_failed(const char *spool)
{
	const int error = errno;

	dprintf(STDERR_FILENO, "postern: %s: %s\n", spool, strerror(error));
	if (error == EACCES || error == EPERM)
		dprintf(STDERR_FILENO, "fix: the queue on disk is read by "
		    "root, or by the user whose files these are\n");
	return error == ENOENT ? READ_NO_INPUT : error == EACCES ||
	        error == EPERM ? READ_DENIED : READ_IO;
}

int
main(int argc, char *argv[])
{
	static struct reader r;
	struct str words[WORDS_MAX];
	struct filter_wrong wrong;
	size_t n = 0, v = 0;
	int loaded;

	fatal_name("qmgr-read");
	note_open("qmgr-read", 0);
	if (argc < 3 || argc - 3 > WORDS_MAX)
		return usage();
	if (strcmp(argv[2], "check") == 0)
		return argc > 4 || (argc == 4 &&
		           strcmp(argv[3], "--progress") != 0) ?
		    usage() : read_check(argv[1], argc == 4);
	while (v < sizeof(verbs) / sizeof(verbs[0]) &&
	    strcmp(argv[2], verbs[v].name) != 0)
		v++;
	for (int i = 3; i < argc; i++)
		words[n++] = str_c(argv[i]);
	if (v == sizeof(verbs) / sizeof(verbs[0]) ||
	    (verbs[v].needs_filter && n == 0))
		return usage();
	if (strcmp(verbs[v].name, "summary") == 0 && !take_by(&r, words, &n))
		return READ_USAGE;
	if (!filter_parse(&r.filter, words, n, &wrong)) {
		dprintf(STDERR_FILENO, "postern: %s\n%s%s%s", wrong.text,
		    wrong.fix[0] != '\0' ? "fix: " : "", wrong.fix,
		    wrong.fix[0] != '\0' ? "\n" : "");
		return READ_USAGE;
	}
	buf_init(&r.out, BUF_NO_MAX);
	table_init(&r.q.table);
	loaded = load(&r, argv[1]);
	if (loaded == -1)
		return read_failed(argv[1]);
	return run(&r, verbs[v].visit);
}
