#include "qmgr/rows.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/fatal.h"
#include "base/id.h"
#include "base/json.h"
#include "qmgr/via.h"

static const char *
status_name(const struct message *m)
{
	if ((m->flags & MSG_HELD) != 0)
		return "hold";
	return m->nbusy != 0 || m->nreport == m->nleft ? "active" : "deferred";
}

static const char *const rcpt_states[] = {
	[RCPT_ROUTING] = "routing",
	[RCPT_READY] = "waiting",
	[RCPT_INFLIGHT] = "active",
	[RCPT_DEFERRED] = "deferred",
	[RCPT_REPORT] = "active",
	[RCPT_DONE] = "done",
};

static void
put_time(struct buf *b, const char *key, const struct row_times *t,
    int64_t queue_time)
{
	json_time(b, key, t->wall + (queue_time - t->now));
}

static void
put_null(struct buf *b, const char *key)
{
	buf_addf(b, ",\"%s\":null", key);
}

static void
put_rcpt(struct buf *b, const struct message *m, const struct rcpt *r,
    const struct row_times *t, bool full)
{
	json_open(b);
	json_str(b, "address", rcpt_address(r));
	json_c(b, "status", (m->flags & MSG_HELD) != 0 ? "hold" :
	    rcpt_states[r->state]);
	json_u64(b, "code", r->reason != NULL ? r->reason->code : 0);
	json_str(b, "text", r->reason != NULL ? r->reason->text : STR_NONE);
	if (r->state == RCPT_DEFERRED)
		put_time(b, "next", t, r->next);
	else
		put_null(b, "next");
	if (full) {
		json_u64(b, "attempts", r->attempts);
		json_str(b, "enhanced", r->reason != NULL ?
		    r->reason->status : STR_NONE);
		json_str(b, "remote", r->reason != NULL ?
		    r->reason->remote : STR_NONE);
		json_str(b, "site", r->site != NULL ? site_name(r->site) :
		    STR_NONE);
	}
	if (rcpt_via(r) != NULL)
		json_str(b, "via", site_name(rcpt_via(r)));
	json_close(b);
}

static void
put_rcpts(struct buf *b, struct message *m, const struct row_times *t,
    bool full)
{
	struct rcpt *r;
	uint32_t n = 0;

	json_list(b, "recipients");
	RCPT_FOREACH(r, m)
		if (r->state != RCPT_DONE && (n++ < ROW_RCPTS || full))
			put_rcpt(b, m, r, t, full);
	json_list_end(b);
	if (n > ROW_RCPTS && !full)
		json_u64(b, "more", n - ROW_RCPTS);
}

static const struct rcpt *
first_living(struct message *m)
{
	struct rcpt *r;

	RCPT_FOREACH(r, m)
		if (r->state != RCPT_DONE)
			return r;
	return NULL;
}

void
row_message(struct buf *b, const struct message *m, const struct row_times *t,
    bool full)
{
	struct message *mine = (struct message *)(uintptr_t)m;
	const struct rcpt *first = first_living(mine);
	const bool has_next = heap_has(&m->timer);
	char id[ID_TEXT + 1];

	id_text(m->id, id);
	json_str(b, "id", str_n(id, ID_TEXT));
	json_c(b, "status", status_name(m));
	json_time(b, "accepted", m->accepted_wall);
	json_u64(b, "size", m->prefix + m->body);
	json_str(b, "sender", message_sender(m));
	json_str(b, "login", message_login(m));
	json_str(b, "client", message_client(m));
	json_u64(b, "attempts", first != NULL ? first->attempts : 0);
	if (has_next)
		put_time(b, "next", t, m->timer.key);
	else
		put_null(b, "next");
	put_time(b, "expires", t, m->accepted + (message_sender(m).n == 0 ?
	    t->dsn_lifetime : t->lifetime));
	json_str(b, "reason", first != NULL && first->reason != NULL ?
	    first->reason->text : STR_NONE);
	if (full) {
		json_str(b, "envid", message_envid(m));
		json_u64(b, "flags", m->env_flags);
		json_str(b, "site", first != NULL && first->site != NULL ?
		    site_name(first->site) : STR_NONE);
	}
	put_rcpts(b, mine, t, full);
}

/* --- summary -------------------------------------------------------------- */

struct summary_row {
	struct summary_row *next;
	char *site;
	uint64_t messages, recipients, deferred, active, hold;
	uint64_t last_id;    /* counted a message once */
	int64_t oldest;      /* calendar */
	struct reason *reason;
};

static struct summary_row *
row_of(struct summary *s, struct str site)
{
	struct summary_row *row = map_get(&s->by_site, site);

	if (row != NULL)
		return row;
	row = xcalloc(1, sizeof(*row));
	row->site = str_dup(site);
	row->oldest = INT64_MAX;
	row->next = s->rows;
	s->rows = row;
	s->n++;
	map_set(&s->by_site, site, row);
	return row;
}

static void
add_rcpt(struct summary *s, const struct message *m, const struct rcpt *r)
{
	struct summary_row *row = row_of(s, r->site != NULL ?
	    site_name(r->site) : STR("-"));
	const bool held = (m->flags & MSG_HELD) != 0;
	const bool deferred = !held && r->state == RCPT_DEFERRED;

	row->recipients++;
	row->hold += held;
	row->deferred += deferred;
	row->active += !held && !deferred;
	s->recipients++;
	s->hold += held;
	s->deferred += deferred;
	s->active += !held && !deferred;
	if (row->last_id != m->id)
		row->messages++;
	row->last_id = m->id;
	if (m->accepted_wall < row->oldest)
		row->oldest = m->accepted_wall;
	if (r->reason != NULL)
		row->reason = r->reason;
}

void
summary_add(struct summary *s, const struct message *m)
{
	struct rcpt *r;

	s->messages++;
	s->octets += m->prefix + m->body;
	RCPT_FOREACH(r, (struct message *)(uintptr_t)m)
		if (r->state != RCPT_DONE)
			add_rcpt(s, m, r);
}

void
summary_rows(struct summary *s, const struct row_times *t,
    struct buf *(*begin)(void *arg), void (*end)(void *arg), void *arg)
{
	struct buf *b;

	(void)t;
	for (const struct summary_row *row = s->rows; row != NULL;
	    row = row->next) {
		b = begin(arg);
		json_c(b, "site", row->site);
		json_u64(b, "messages", row->messages);
		json_u64(b, "recipients", row->recipients);
		json_u64(b, "deferred", row->deferred);
		json_u64(b, "active", row->active);
		json_u64(b, "hold", row->hold);
		json_time(b, "oldest", row->oldest);
		json_str(b, "reason", row->reason != NULL ?
		    row->reason->text : STR_NONE);
		end(arg);
	}
	b = begin(arg);
	json_bool(b, "total", true);
	json_u64(b, "messages", s->messages);
	json_u64(b, "recipients", s->recipients);
	json_u64(b, "deferred", s->deferred);
	json_u64(b, "active", s->active);
	json_u64(b, "hold", s->hold);
	json_u64(b, "octets", s->octets);
	end(arg);
}

void
summary_clear(struct summary *s)
{
	struct summary_row *row;

	while ((row = s->rows) != NULL) {
		s->rows = row->next;
		free(row->site);
		free(row);
	}
	map_clear(&s->by_site);
}

/* --- texts ---------------------------------------------------------------- */

void
row_text(struct buf *b, const char *key, struct str text)
{
	struct buf coded;

	/* NUL is no trouble to JSON, but to many that read it. */
	if (json_is_text(text) && str_find(text, '\0') == text.n) {
		json_str(b, key, text);
		return;
	}
	buf_init(&coded, BUF_NO_MAX);
	base64_encode(&coded, text);
	json_str(b, "base64", buf_str(&coded));
	buf_clear(&coded);
}
