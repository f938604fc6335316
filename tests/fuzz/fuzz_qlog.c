/* links: qmgr common/mail common/msg common/proc common/event common/conf common/base */
/* with: -levent_core -levent_extra -levent_openssl -lssl -lcrypto -lseccomp -lpthread */
/* Properties: any payloads in good frames leave a queue whose counts are what
 * its recipients say, and which goes through an entry unchanged; its ledger
 * knows each recipient of it that it has seen accepted. */
#include <stdint.h>
#include <stdlib.h>

#include "qmgr/ledger.h"
#include "qmgr/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_message(struct message *m)
{
	uint32_t left = 0, busy = 0, report = 0, last = 0;
	struct rcpt *r;

	RCPT_FOREACH(r, m) {
		if (left + busy + report != 0 && r->index <= last)
			abort();
		last = r->index;
		left += r->state != RCPT_DONE;
		busy += r->state == RCPT_ROUTING;
		report += r->state == RCPT_REPORT;
	}
	if (m->nleft != left || m->nbusy != busy || m->asking != busy ||
	    m->nreport != report || left == 0)
		abort();
}

/* What is written is what is read. */
static void
check_entry(struct queue *q, const struct message *m)
{
	struct entry_writer w;
	struct entry_reader r;
	struct message *again;
	struct buf out;
	struct str in;

	buf_init(&out, BUF_NO_MAX);
	entry_writer_init(&w);
	entry_put(&out, &w, m);
	in = buf_str(&out);
	entry_reader_init(&r, &q->reasons, &q->sites);
	again = entry_take(&r, &in);
	entry_reader_clear(&r);
	if (again == NULL || in.n != 0 || again->id != m->id ||
	    again->nleft != m->nleft || again->nreport != m->nreport)
		abort();
	entry_free(again, &q->reasons);
	buf_clear(&out);
}

static void
on_wrong(void *arg, const struct ledger_wrong *w)
{
	uint64_t *wrong = arg;

	*wrong += w->what != LEDGER_TWICE;
}

/* Each that it counts is counted in one place. */
static void
check_ledger(struct ledger *l, const struct queue *q)
{
	uint64_t sum, wrong = 0;

	ledger_judge(l, q, on_wrong, &wrong);
	sum = l->waiting + l->unknown;
	for (size_t i = 0; i < ENDS; i++)
		sum += l->ends[i];
	if (sum > l->accepted || l->accepted - sum > wrong)
		abort();
	ledger_clear(l);
}

/* Frames: type, id, two octets of length, payload. */
static void
feed(struct replay *p, struct ledger *l, struct str in)
{
	uint64_t lsn = 0;

	while (in.n >= 4) {
		const unsigned char *h = (const unsigned char *)in.p;
		struct record r = { .type = h[0], .id = h[1], .lsn = ++lsn };
		const size_t n = (size_t)h[2] | (size_t)h[3] << 8;

		str_take(&in, 4);
		r.payload = str_take(&in, n);
		replay_record(p, &r, NULL, 0, 0);
		ledger_see(l, p->q, &r);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sched_options o = { 5, 20, 100, 1000, 60000 };
	struct queue q;
	struct replay p;
	struct message *m;
	struct ledger l;

	queue_init(&q, &o, 1);
	replay_init(&p, &q);
	ledger_init(&l);
	feed(&p, &l, str_n(data, size));
	check_ledger(&l, &q);
	TAILQ_FOREACH(m, &q.table.all, entry) {
		check_message(m);
		check_entry(&q, m);
	}
	replay_clear(&p);
	queue_clear(&q);
	return 0;
}
