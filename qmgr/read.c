/*
 * qmgr-read -- prints the queue of a server that is down, with the rows that
 * the running one would print.  Changes nothing and takes no lock.
 *	qmgr-read SPOOL list|show|summary|cat|export [FILTER]
 *	qmgr-read SPOOL check [--progress]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/id.h"
#include "base/json.h"
#include "proc/note.h"
#include "qmgr/disk.h"
#include "qmgr/filter.h"
#include "qmgr/load.h"
#include "qmgr/read.h"
#include "qmgr/rows.h"
#include "qmgr/spool.h"

enum { WORDS_MAX = 64, PIECE = 32768, DAYS_5 = 5 * 24 * 3600 * 1000 };

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
	summary_add(&r->summary, m);
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
	if (put_text(r, m))
		return;
	flush(r);
	fatal("the text of the message cannot be read");
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
	if (visit == visit_summary)
		summary_rows(&r->summary, &r->times, begin_row, end_row, r);
	flush(r);
	if (f->nids == 0 || f->matched != 0)
		return 0;
	dprintf(STDERR_FILENO, "qmgr-read: no messages match\n");
	return READ_NONE;
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
		clock_wall_ms(), DAYS_5, DAYS_5 };
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

	dprintf(STDERR_FILENO, "qmgr-read: %s: %s\n", spool, strerror(error));
	if (error == EACCES || error == EPERM)
		dprintf(STDERR_FILENO, "fix: the queue on disk is read by "
		    "root, or by the user whose files these are\n");
	return error == ENOENT ? READ_NO_INPUT : READ_IO;
}

int
main(int argc, char *argv[])
{
	static struct reader r;
	struct str words[WORDS_MAX];
	const char *wrong;
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
	wrong = filter_parse(&r.filter, words, n);
	if (wrong != NULL) {
		dprintf(STDERR_FILENO, "qmgr-read: %s\n", wrong);
		return READ_USAGE;
	}
	buf_init(&r.out, BUF_NO_MAX);
	table_init(&r.q.table);
	loaded = load(&r, argv[1]);
	if (loaded == -1)
		return read_failed(argv[1]);
	return run(&r, verbs[v].visit);
}
