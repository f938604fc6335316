#include "qmgr/qmgr.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "proc/note.h"
#include "qmgr/peer.h"

enum {
	DUE_A_ROUND = 1000,         /* messages whose time has come */
	/* ms that results wait for others to share their flush: agents keep
	 * them until then, so only a power cut could make one happen twice. */
	FLUSH_SOON = 5,
	ALONE_US = 2000,            /* a disk that is no slower is waited for */
	ALONE_MS = 100,             /* without a second client */
	IDLE = 1000,                /* ms after which the log is vouched for */
	SOON = 100,                 /* ms until the log can be told of the start */
	NOW_AND_THEN = 5000,        /* ms */
	SITE_KEPT = 3600 * 1000     /* ms that an unused site is remembered */
};

int64_t
qmgr_now(struct qmgr *d)
{
	d->q.now = qclock_at(&d->q.clock, loop_now(d->proc.loop));
	return d->q.now;
}

/* --- the end of a round --------------------------------------------------- */

void
qmgr_pump(struct qmgr *d)
{
	deferred_call(&d->pump);
}

static void
on_pump(void *arg)
{
	struct qmgr *d = arg;

	qmgr_now(d);
	routes_pump(d);
	agents_pump(d);
	dsn_pump(d);
	qmgr_set_due(d);
}

/*
 * The one client there is waits for its 250: nobody else would be served while
 * the syncer is at work.  Waking it, and being woken by it, costs a third of
 * what a quick disk takes.
 */
static bool
is_alone(const struct qmgr *d)
{
	return d->intake.open == 1 && d->q.log.hurry &&
	    d->q.now - d->intake.company >= ALONE_MS &&
	    d->q.log.took_us < ALONE_US;
}

static void
on_flush(void *arg)
{
	struct qmgr *d = arg;

	timer_cancel(&d->flush_soon);
	qmgr_now(d);
	/* While the disk works it is found out where the new ones go. */
	routes_pump(d);
	if (!is_alone(d)) {
		qlog_flush(&d->q.log);
		return;
	}
	if (d->routes.link != NULL)
		link_flush(d->routes.link, false);
	qlog_flush_here(&d->q.log);
}

/* --- time ----------------------------------------------------------------- */

void
qmgr_set_due(struct qmgr *d)
{
	const struct heap_node *first = heap_first(&d->q.timers);
	/* While nothing may start its time passes, and is no time to wake. */
	int64_t next =
	    agents_may_start(d) ? sched_next(&d->q.sched) : INT64_MAX;
	int64_t wait;

	if (first != NULL && first->key < next)
		next = first->key;
	if (next == INT64_MAX) {
		timer_cancel(&d->due);
		return;
	}
	wait = next - d->q.now;
	timer_set(&d->due, wait > 0 ? wait : 0);
}

static void
on_due(void *arg)
{
	struct qmgr *d = arg;
	struct heap_node *first;

	qmgr_now(d);
	for (int n = 0; n < DUE_A_ROUND && !d->stopping &&
	    (first = heap_first(&d->q.timers)) != NULL &&
	    first->key <= d->q.now; n++)
		message_due(d, (struct message *)(void *)((char *)first -
		    offsetof(struct message, timer)));
	qmgr_pump(d);
}

/* A record behind the last ones says that those were on disk: damage to them
 * can then be told from an end that was torn. */
static void
on_idle(void *arg)
{
	struct qmgr *d = arg;

	qmgr_now(d);
	queue_checkpoint(&d->q, clock_wall_ms());
	d->vouched = d->q.log.octets;
}

/* Not at once: there is no link to the log yet. */
static void
note_loaded(struct qmgr *d)
{
	const struct load_report *r = d->loaded;

	note(r->damaged + r->malformed + r->missing_texts != 0 ? NOTE_ERROR :
	                                                         NOTE_INFO,
	    "queue-loaded");
	note_u64("messages", d->q.table.n);
	note_u64("records", r->records);
	note_u64("damaged", r->damaged + r->malformed);
	note_u64("texts-missing", r->missing_texts);
	note_u64("torn", r->torn);
	note_ms("took", d->load_ms);
	note_end();
	free(d->loaded);
	d->loaded = NULL;
}

static void
on_now_and_then(void *arg)
{
	struct qmgr *d = arg;

	qmgr_now(d);
	if (d->loaded != NULL)
		note_loaded(d);
	agents_look(d);
	orders_look(d);
	sites_sweep(&d->q.sites, d->q.now - SITE_KEPT);
	timer_set(&d->now_and_then, NOW_AND_THEN);
	qmgr_pump(d);
}

/* --- the log --------------------------------------------------------------- */

static void
on_dirty(void *arg)
{
	struct qmgr *d = arg;

	if (d->q.log.hurry)
		deferred_call(&d->flush);
	else if (!d->q.log.flushing && !timer_is_set(&d->flush_soon))
		timer_set(&d->flush_soon, FLUSH_SOON);
	if (d->vouched != d->q.log.octets)
		timer_set(&d->idle, IDLE);
}

/* Nothing since the last good flush may count, and nothing that is cached can
 * be trusted: the next qmgr begins from what is really on the disk. */
static void
on_failed(void *arg, int error)
{
	struct qmgr *d = arg;
	struct peer *p;

	note(NOTE_ERROR, "flush-failed");
	note_errno(error);
	note_end();
	TAILQ_FOREACH(p, &d->peers, entry)
		intake_fail(p);
	errno = error;
	fatal_errno("the queue log could not be flushed");
}

static void
on_full(void *arg, int error)
{
	space_full(arg, error);
}

static void
on_segment(void *arg)
{
	compact_soon(arg);
}

static const struct qlog_ops log_ops = { on_dirty, on_failed, on_full,
	on_segment };

/* A large body goes once it is certain that nobody needs it. */
struct gone {
	struct qlog_wait wait;
	struct qmgr *d;
	uint64_t id;
};

static void
on_gone_flushed(struct qlog_wait *w)
{
	struct gone *g = (struct gone *)(void *)w;

	large_remove(&g->d->spool, g->id);
	free(g);
}

static void
on_gone(void *arg, uint64_t id, bool large)
{
	struct qmgr *d = arg;
	struct gone *g;

	if (!large)
		return;
	g = xcalloc(1, sizeof(*g));
	*g = (struct gone){ { .on_flushed = on_gone_flushed }, d, id };
	qlog_wait(&d->q.log, &g->wait);
}

/* --- opening ---------------------------------------------------------------- */

static void
open_queue(struct qmgr *d)
{
	const int64_t begun = clock_mono_ms();
	struct load_report report;
	struct message *m;

	if (queue_load(&d->q, d->spool.corruptfd, &report) == -1)
		fatal_errno("the queue cannot be read");
	qclock_start(&d->q.clock, report.clock, report.wall, clock_mono_ms(),
	    clock_wall_ms());
	qmgr_now(d);
	TAILQ_FOREACH(m, &d->q.table.all, entry)
		m->flags |= MSG_FLUSHED;
	qlog_start(&d->q.log, 0, d->q.log.next_lsn);
	/* By it the next load knows where this run begins. */
	queue_checkpoint(&d->q, clock_wall_ms());
	compact_init(d, report.state_number);
	large_sweep(&d->spool, &d->q.table, report.damaged != 0 ||
	    report.malformed != 0 || report.bad_states != 0);
	d->load_ms = clock_mono_ms() - begun;
	d->loaded = xcalloc(1, sizeof(report));
	*d->loaded = report;
	if (report.bad_segments != 0)
		compact_bad(d);
	else
		compact_state(d);
}

static void
init_timers(struct qmgr *d)
{
	struct loop *l = d->proc.loop;

	deferred_init(&d->flush, l, on_flush, d);
	timer_init(&d->flush_soon, l, on_flush, d);
	deferred_init(&d->pump, l, on_pump, d);
	timer_init(&d->due, l, on_due, d);
	timer_init(&d->idle, l, on_idle, d);
	timer_init(&d->now_and_then, l, on_now_and_then, d);
	timer_set(&d->now_and_then, SOON);
}

void
qmgr_open(struct qmgr *d)
{
	uint64_t seed = 1;

	if (spool_open(&d->spool, d->spoolfd) == -1)
		fatal_errno("the spool cannot be opened");
	if (getrandom(&seed, sizeof(seed), 0) == -1)
		fatal_errno("getrandom");
	TAILQ_INIT(&d->peers);
	buf_init(&d->scratch, BUF_NO_MAX);
	init_timers(d);
	d->syncer = syncer_new(d->proc.loop);
	queue_init(&d->q, &d->o.sched, seed);
	d->q.on_gone = on_gone;
	d->q.arg = d;
	qlog_init(&d->q.log, d->spool.logfd, d->o.segment,
	    record_seed(d->spool.uuid), d->syncer, &log_ops, d);
	open_queue(d);
	orders_init(d);
	routes_init(d);
	agents_init(d);
	dsn_init(d);
	space_init(d);
	qmgr_pump(d);
}

/* --- what master says -------------------------------------------------------- */

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct qmgr *d = arg;

	(void)index;
	(void)name;
	if (what != GIVE_SPOOL)
		fatal("given %u, which qmgr does not take", what);
	d->spoolfd = fd;
}

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct qmgr *d = arg;

	qmgr_now(d);
	if (peer == ROLE_ROUTERD)
		routes_link(d, fd);
	else if (peer == ROLE_DNSD)
		close(fd); /* sites are next hops; smtp resolves them */
	else
		peer_open(d, peer, instance, key, fd);
}

static void
on_control(void *arg, int fd, uid_t uid, uint32_t rights)
{
	control_peer(arg, fd, uid, rights);
}

/* What agents are doing they tell the next qmgr. */
void
qmgr_stop(void *arg)
{
	struct qmgr *d = arg;
	struct peer *p;

	d->stopping = true;
	qmgr_now(d);
	qlog_flush_wait(&d->q.log);
	compact_state_now(d);
	TAILQ_FOREACH(p, &d->peers, entry)
		link_flush(p->link, false);
	note(NOTE_INFO, "stopped");
	note_u64("messages", d->q.table.n);
	note_end();
	syncer_wait(d->syncer);
	proc_stop(&d->proc);
}

const struct proc_desc qmgr_proc = {
	.role = ROLE_QMGR,
	.on_give = on_give,
	.on_peer = on_peer,
	.on_control = on_control,
	.on_stop = qmgr_stop,
};
