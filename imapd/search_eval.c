#include "imapd/search_eval.h"

#include "base/clock.h"
#include "base/fatal.h"
#include "imapd/flags.h"
#include "mail/date.h"
#include "mail/header.h"

void
search_eval_init(struct search_eval *e, const struct search *search,
    struct mailbox *m, struct pool *pool)
{
	size_t n = search->count;

	*e = (struct search_eval){ .search = search, .mailbox = m,
		.now = clock_wall() };
	e->known = pool_alloc(pool, n * sizeof(e->known[0]));
	e->needs = pool_alloc(pool, n * sizeof(e->needs[0]));
	e->need_keys = pool_alloc(pool, n * sizeof(e->need_keys[0]));
	for (size_t i = 0; i < n; i++) {
		const struct search_key *k = &search->keys[i];

		if (search_cost(k->kind) != SEARCH_WHOLE)
			continue;
		e->needs[e->need_n] = (struct text_need){ .needle = k->text,
			.headers = k->kind == SEARCH_TEXT };
		e->need_keys[e->need_n++] = i;
	}
}

static void
end_message(struct search_eval *e)
{
	if (e->is_looking)
		text_search_clear(&e->looking);
	if (e->has_text)
		message_unload(&e->text);
	e->is_looking = e->has_text = false;
}

void
search_eval_clear(struct search_eval *e)
{
	end_message(e);
}

static enum answer
both(enum answer a, enum answer b)
{
	if (a == ANSWER_NO || b == ANSWER_NO)
		return ANSWER_NO;
	return a == ANSWER_YES && b == ANSWER_YES ? ANSWER_YES : ANSWER_OPEN;
}

static enum answer
neither(enum answer a)
{
	return a == ANSWER_OPEN ? a : a == ANSWER_YES ? ANSWER_NO : ANSWER_YES;
}

/* The whole program from what is known of its keys. */
static enum answer
combine(const struct search_eval *e)
{
	enum answer stack[SEARCH_STACK_MAX];
	size_t n = 0;

	for (size_t i = 0; i < e->search->count; i++) {
		enum search_kind kind = e->search->keys[i].kind;

		if (kind == SEARCH_NOT) {
			stack[n - 1] = neither(stack[n - 1]);
		} else if (kind == SEARCH_AND) {
			n--;
			stack[n - 1] = both(stack[n - 1], stack[n]);
		} else if (kind == SEARCH_OR) {
			n--;
			stack[n - 1] = neither(both(neither(stack[n - 1]),
			    neither(stack[n])));
		} else {
			if (n == SEARCH_STACK_MAX)
				fatal("SEARCH deeper than it was read");
			stack[n++] = e->known[i];
		}
	}
	return stack[0];
}

static bool
has_keyword(const struct search_eval *e, const struct row *row,
    struct str name)
{
	uint16_t bit = flags_bit(name);

	return bit != 0 ? (row->flags & bit) != 0 :
	    mailbox_row_has(e->mailbox, row, name);
}

static bool
fits_row(const struct search_eval *e, const struct search_key *k,
    const struct row *row, uint32_t msn)
{
	struct date date = { .time = row->date, .zone = row->zone };

	switch (k->kind) {
	case SEARCH_FLAG:
		return (row->flags & flags_bit(k->name)) != 0;
	case SEARCH_KEYWORD:
		return has_keyword(e, row, k->name);
	case SEARCH_RECENT: /* no message is ever \Recent here */
	case SEARCH_NEW:
		return false;
	case SEARCH_SET:
		return seq_has(&k->set, msn);
	case SEARCH_UIDS:
		return seq_has(&k->set, row->uid);
	case SEARCH_LARGER:
		return row->size > k->number;
	case SEARCH_SMALLER:
		return row->size < k->number;
	case SEARCH_BEFORE:
		return date_day(&date) < k->day;
	case SEARCH_ON:
		return date_day(&date) == k->day;
	case SEARCH_SINCE:
		return date_day(&date) >= k->day;
	case SEARCH_OLDER:
		return (int64_t)row->date <= e->now - (int64_t)k->number;
	case SEARCH_YOUNGER:
		return (int64_t)row->date >= e->now - (int64_t)k->number;
	case SEARCH_MODSEQ:
		return row->modseq >= k->number;
	default: /* ALL, OLD */
		return true;
	}
}

/* A message without a Date fits no SENT key. */
static bool
fits_sent(const struct search_key *k, struct str head)
{
	struct header_field f;
	struct date date;

	if (!header_get(head, STR("Date"), &f) || !date_parse(f.value, &date))
		return false;
	if (k->kind == SEARCH_SENTBEFORE)
		return date_day(&date) < k->day;
	if (k->kind == SEARCH_SENTON)
		return date_day(&date) == k->day;
	return date_day(&date) >= k->day;
}

static enum answer
answer_of(const struct search_key *k, bool fits)
{
	return fits != k->negate ? ANSWER_YES : ANSWER_NO;
}

enum answer
search_eval_begin(struct search_eval *e, const struct row *row, uint32_t msn)
{
	for (size_t i = 0; i < e->search->count; i++) {
		const struct search_key *k = &e->search->keys[i];

		e->known[i] = search_cost(k->kind) == SEARCH_ROW ?
		    answer_of(k, fits_row(e, k, row, msn)) : ANSWER_OPEN;
	}
	return combine(e);
}

static enum answer
look_at_head(struct search_eval *e)
{
	struct str head =
	    str_first(e->text.text, header_end(e->text.text));

	for (size_t i = 0; i < e->search->count; i++) {
		const struct search_key *k = &e->search->keys[i];

		if (search_cost(k->kind) == SEARCH_HEAD)
			e->known[i] = answer_of(k, k->kind == SEARCH_HEADER ?
			    text_search_header(head, k->name, k->text) :
			    fits_sent(k, head));
	}
	return combine(e);
}

static enum answer
look_further(struct search_eval *e)
{
	enum answer a;

	if (!e->is_looking) {
		for (size_t i = 0; i < e->need_n; i++)
			e->needs[i].found = false;
		text_search_init(
		    &e->looking, e->text.text, e->needs, e->need_n);
		e->is_looking = true;
		return ANSWER_OPEN;
	}
	if (text_search_step(&e->looking))
		return ANSWER_OPEN;
	for (size_t i = 0; i < e->need_n; i++)
		e->known[e->need_keys[i]] =
		    e->needs[i].found ? ANSWER_YES : ANSWER_NO;
	a = combine(e);
	end_message(e);
	return a;
}

enum answer
search_eval_step(struct search_eval *e, const struct row *row)
{
	enum answer a;

	if (e->has_text)
		return look_further(e);
	/* Expunged meanwhile, or not readable: it fits nothing. */
	if (row == NULL || message_load(e->mailbox, row, &e->text) != STORE_OK)
		return ANSWER_NO;
	e->has_text = true;
	a = look_at_head(e);
	if (a != ANSWER_OPEN)
		end_message(e);
	return a;
}
