#include "qmgr/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/wire.h"
#include "qmgr/change.h"
#include "qmgr/entry.h"

/* What is known of a recipient, in one octet. */
enum {
	ENDED = 0x0f,    /* enum rcpt_end */
	IS_DONE = 0x10,
	TWICE = 0x20,    /* it ended a second time */
	IS_RCPT = 0x40   /* the index was given to somebody */
};

/* One message. */
struct account {
	uint64_t id;
	uint64_t lsn;    /* of its ACCEPT or first COPY, 0: not seen */
	uint32_t n;
	struct {
		uint8_t state;
		uint8_t dsn; /* kind of report that was decided */
	} rcpts[];
};

void
ledger_init(struct ledger *l)
{
	*l = (struct ledger){ 0 };
	map_init(&l->by_id);
}

void
ledger_clear(struct ledger *l)
{
	size_t pos = 0;
	void *a;

	while ((a = map_next(&l->by_id, &pos, NULL)) != NULL)
		free(a);
	map_clear(&l->by_id);
	free(l->list.indexes);
	l->list.indexes = NULL;
	l->list.n = l->list.cap = 0;
}

void
ledger_missing(struct ledger *l, uint64_t lsn)
{
	if (lsn > l->whole)
		l->whole = lsn;
}

/* The message's account, with room for so many recipients. */
static struct account *
account(struct ledger *l, uint64_t id, uint32_t n)
{
	struct account *a = map_get_id(&l->by_id, id);
	const uint32_t had = a != NULL ? a->n : 0;
	size_t size;

	if (a != NULL && n <= had)
		return a;
	if (had >= 64 && n < had + had / 2)
		n = had + had / 2;
	size = sizeof(*a) + n * sizeof(a->rcpts[0]);
	if (a == NULL) {
		a = xcalloc(1, size);
		a->id = id;
	} else {
		a = xreallocarray(a, 1, size);
		memset(&a->rcpts[had], 0, (n - had) * sizeof(a->rcpts[0]));
	}
	a->n = n;
	map_set_id(&l->by_id, id, a);
	return a;
}

static void
end_rcpt(struct ledger *l, uint64_t id, uint32_t index, enum rcpt_end end)
{
	struct account *a = account(l, id, index + 1);
	uint8_t *state = &a->rcpts[index].state;

	if ((*state & IS_DONE) != 0)
		*state |= TWICE;
	else
		*state |= (uint8_t)(IS_DONE | end);
}

/* --- records ------------------------------------------------------------- */

static void
see_entry(struct ledger *l, struct queue *q, const struct record *r,
    struct str *in)
{
	struct entry_reader reader;
	struct message *m;
	struct rcpt *rcpt;
	struct account *a;

	entry_reader_init(&reader, &q->reasons, &q->sites);
	m = entry_take(&reader, in);
	entry_reader_clear(&reader);
	if (m == NULL)
		return;
	if (m->nrcpts <= INDEX_MAX) {
		a = account(l, r->id, m->nrcpts);
		if (a->lsn == 0 || r->lsn < a->lsn)
			a->lsn = r->lsn;
		RCPT_FOREACH(rcpt, m)
			if (rcpt->state != RCPT_DONE)
				a->rcpts[rcpt->index].state |= IS_RCPT;
	}
	entry_free(m, &q->reasons);
}

/* A report settles those that it tells of: by its kind, which is found when
 * all was read. */
static void
see_accept(struct ledger *l, struct queue *q, const struct record *r,
    struct str *in)
{
	struct ranges which;
	struct ranges_walk w;
	uint64_t settles;
	uint32_t index;

	if (!wire_take_u64(in, &settles) || !ranges_take(in, &which))
		return;
	see_entry(l, q, r, in);
	ranges_walk(&which, &w);
	while (settles != 0 && ranges_next(&w, &index))
		end_rcpt(l, settles, index, END_REPORT);
}

static void
see_dropped(struct ledger *l, struct queue *q, const struct record *r,
    struct str *in)
{
	str_take(in, TOKEN);
	see_entry(l, q, r, in);
}

static void
see_done(struct ledger *l, struct queue *q, const struct record *r,
    struct str *in)
{
	struct ranges which;
	struct ranges_walk w;
	uint32_t index, end;

	(void)q;
	if (!ranges_take(in, &which))
		return;
	if (!wire_take_u32(in, &end) || end >= ENDS)
		end = END_UNKNOWN;
	ranges_walk(&which, &w);
	while (ranges_next(&w, &index))
		end_rcpt(l, r->id, index, (enum rcpt_end)end);
}

static void
decide_report(struct ledger *l, uint64_t id, uint32_t index, uint32_t dsn)
{
	account(l, id, index + 1)->rcpts[index].dsn = (uint8_t)dsn;
}

static void
see_report(struct ledger *l, struct queue *q, const struct record *r,
    struct str *in)
{
	struct entry_reader reader;
	struct site *site;
	struct reason *reason;
	struct ranges which;
	struct ranges_walk w;
	uint32_t dsn, index;

	entry_reader_init(&reader, &q->reasons, &q->sites);
	if (wire_take_u32(in, &dsn) && dsn <= DSN_LAST &&
	    site_take(&reader, in, &site) &&
	    reason_take(&reader, in, &reason) && ranges_take(in, &which)) {
		ranges_walk(&which, &w);
		while (ranges_next(&w, &index))
			decide_report(l, r->id, index, dsn);
	}
	entry_reader_clear(&reader);
}

static void
add_index(struct ledger *l, uint64_t id, uint32_t parent, uint32_t index)
{
	/* As replay.c: what does not rise is the list told anew. */
	if (l->list.id != id || l->list.parent != parent ||
	    (l->list.n != 0 && l->list.indexes[l->list.n - 1] >= index))
		l->list.n = 0;
	l->list.id = id;
	l->list.parent = parent;
	if (l->list.n == l->list.cap) {
		l->list.cap = l->list.cap == 0 ? 64 : l->list.cap * 2;
		l->list.indexes = xreallocarray(
		    l->list.indexes, l->list.cap, sizeof(uint32_t));
	}
	l->list.indexes[l->list.n++] = index;
}

static void
see_expand(struct ledger *l, struct queue *q, const struct record *r,
    struct str *in)
{
	struct rcpt_init member;
	uint32_t parent, n;

	(void)q;
	if (!wire_take_u32(in, &parent) || !wire_take_u32(in, &n))
		return;
	while (n-- != 0 && member_take(in, &member) &&
	    member.index < INDEX_MAX)
		add_index(l, r->id, parent, member.index);
}

static void
see_expand_end(struct ledger *l, struct queue *q, const struct record *r,
    struct str *in)
{
	uint32_t parent, n, had, dsn = DSN_NONE;

	(void)q;
	if (!wire_take_u32(in, &parent) || parent >= INDEX_MAX ||
	    !wire_take_u32(in, &n))
		return;
	wire_take_u32(in, &dsn);
	had = l->list.id == r->id && l->list.parent == parent ? l->list.n : 0;
	if (n != had)
		return;
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t index = l->list.indexes[i];

		account(l, r->id, index + 1)->rcpts[index].state |= IS_RCPT;
	}
	if (dsn == DSN_NONE)
		end_rcpt(l, r->id, parent, END_LIST);
	else
		decide_report(l, r->id, parent, dsn);
	l->list.n = 0;
}

void
ledger_see(struct ledger *l, struct queue *q, const struct record *r)
{
	static void (*const see[RECORD_LAST + 1])(struct ledger *,
	    struct queue *, const struct record *, struct str *) = {
		[RECORD_ACCEPT] = see_accept,
		[RECORD_COPY] = see_entry, /* of those who still waited */
		[RECORD_DROPPED] = see_dropped,
		[RECORD_DONE] = see_done,
		[RECORD_REPORT] = see_report,
		[RECORD_EXPAND] = see_expand,
		[RECORD_EXPAND_END] = see_expand_end,
	};
	struct str in = r->payload;

	if (r->type <= RECORD_LAST && see[r->type] != NULL)
		see[r->type](l, q, r, &in);
}

/* --- the sum ------------------------------------------------------------- */

/* By the kind of report where one was decided: a list that was reported as
 * expanded is a list. */
static enum rcpt_end
went(const struct account *a, uint32_t index)
{
	const enum rcpt_end end = a->rcpts[index].state & ENDED;
	const enum rcpt_end told =
	    end_of((enum dsn_action)a->rcpts[index].dsn, true);

	return end == END_REPORT && told != END_UNKNOWN ? told : end;
}

struct judge {
	struct ledger *l;
	void (*on_wrong)(void *arg, const struct ledger_wrong *w);
	void *arg;
};

static void
judge_rcpt(const struct judge *j, const struct account *a,
    const struct message *m, uint32_t index)
{
	const uint8_t state = a->rcpts[index].state;
	struct rcpt *r = m != NULL ?
	    message_rcpt((struct message *)(uintptr_t)m, index) : NULL;
	const bool waits = r != NULL && r->state != RCPT_DONE;
	struct ledger_wrong w = { .id = a->id, .index = index,
		.what = LEDGER_LOST, .end = went(a, index) };
	struct ledger *l = j->l;

	l->accepted++;
	if ((state & IS_DONE) != 0) {
		l->ends[w.end]++;
		w.what = waits ? LEDGER_WAITING : LEDGER_TWICE;
		if (waits || (state & TWICE) != 0)
			j->on_wrong(j->arg, &w);
	} else if (waits) {
		l->waiting++;
	} else if (a->lsn >= l->whole) {
		j->on_wrong(j->arg, &w);
	} else {
		l->unknown++;
	}
}

void
ledger_judge(struct ledger *l, const struct queue *q,
    void (*on_wrong)(void *arg, const struct ledger_wrong *w), void *arg)
{
	const struct judge j = { l, on_wrong, arg };
	const struct account *a;
	size_t pos = 0;

	while ((a = map_next(&l->by_id, &pos, NULL)) != NULL) {
		const struct message *m = table_find(&q->table, a->id);

		for (uint32_t i = 0; a->lsn != 0 && i < a->n; i++)
			if ((a->rcpts[i].state & IS_RCPT) != 0)
				judge_rcpt(&j, a, m, i);
	}
}
