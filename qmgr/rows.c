#include "qmgr/rows.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/fatal.h"
#include "base/id.h"
#include "base/json.h"
#include "qmgr/lane.h"
#include "qmgr/via.h"

static const char *
status_name(const struct message *m)
{
	if ((m->flags & MSG_HELD) != 0)
		return message_is_out(m) ? "active" : "hold";
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

/* When it is tried: not while its site is paused, whatever is looked at then;
 * LANE_EVER: nobody knows. */
static int64_t
rcpt_next_try(const struct rcpt *r, const struct row_times *t)
{
	const struct site *site = rcpt_via(r) != NULL ? rcpt_via(r) : r->site;

	if (!t->orders || site == NULL ||
	    site->lane->paused_until <= t->now ||
	    site->lane->paused_until < r->next)
		return r->next;
	return site->lane->paused_until;
}

static int64_t
message_next_try(struct message *m, const struct row_times *t)
{
	int64_t next = LANE_EVER, one;
	struct rcpt *r;

	if (!heap_has(&m->timer))
		return LANE_EVER;
	if (!t->orders)
		return m->timer.key;
	RCPT_FOREACH(r, m)
		if (r->state == RCPT_DEFERRED &&
		    (one = rcpt_next_try(r, t)) < next)
			next = one;
	return next;
}

static void
put_next(struct buf *b, const struct row_times *t, int64_t next)
{
	if (next != LANE_EVER)
		put_time(b, "next", t, next);
	else
		put_null(b, "next");
}

static bool
is_held(const struct message *m, const struct rcpt *r)
{
	return (m->flags & MSG_HELD) != 0 && r->state != RCPT_INFLIGHT;
}

/* --- what the sender asked for --------------------------------------------- */

/* An empty list: nothing, so failures and delays are reported. */
static void
put_notify(struct buf *b, const struct rcpt *r)
{
	static const struct {
		uint8_t bit;
		struct str name;
	} names[] = { { NOTIFY_NEVER, STR_INIT("never") },
		{ NOTIFY_SUCCESS, STR_INIT("success") },
		{ NOTIFY_FAILURE, STR_INIT("failure") },
		{ NOTIFY_DELAY, STR_INIT("delay") } };

	json_list(b, "notify");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((r->notify & names[i].bit) != 0)
			json_item(b, names[i].name);
	json_list_end(b);
}

static void
put_envelope(struct buf *b, const struct message *m)
{
	const uint32_t flags = m->env_flags;

	json_str(b, "envid", message_envid(m));
	json_c(b, "ret", (flags & ENV_RET_FULL) != 0 ? "full" :
	    (flags & ENV_RET_HDRS) != 0 ? "hdrs" : "");
	json_c(b, "body", (flags & ENV_8BIT) != 0 ? "8bitmime" : "7bit");
	json_bool(b, "smtputf8", (flags & ENV_UTF8) != 0);
	json_u64(b, "flags", flags);
}

static void
put_rcpt(struct buf *b, const struct message *m, const struct rcpt *r,
    const struct row_times *t, bool full)
{
	json_open(b);
	json_str(b, "address", rcpt_address(r));
	json_c(b, "status", is_held(m, r) ? "hold" : rcpt_states[r->state]);
	json_u64(b, "code", r->reason != NULL ? r->reason->code : 0);
	json_str(b, "text", rcpt_words(r, t->now, false));
	put_next(b, t, r->state == RCPT_DEFERRED && !is_held(m, r) ?
	    rcpt_next_try(r, t) : LANE_EVER);
	if (full) {
		put_notify(b, r);
		json_str(b, "orcpt", rcpt_orcpt(r));
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
	char id[ID_TEXT + 1];

	id_text(m->id, id);
	json_str(b, "id", str_n(id, ID_TEXT));
	json_c(b, "status", status_name(m));
	if (message_status(m) == (FILTER_HOLD | FILTER_ACTIVE))
		json_bool(b, "held", true);
	json_time(b, "accepted", m->accepted_wall);
	json_u64(b, "size", m->prefix + m->body);
	json_str(b, "sender", message_sender(m));
	json_str(b, "login", message_login(m));
	json_str(b, "client", message_client(m));
	json_u64(b, "attempts", first != NULL ? first->attempts : 0);
	put_next(b, t, message_next_try(mine, t));
	put_time(b, "expires", t, m->accepted + (message_sender(m).n == 0 ?
	    t->dsn_lifetime : t->lifetime));
	json_str(b, "reason", first != NULL ? rcpt_words(first, t->now, false) :
	    STR_NONE);
	if (full) {
		put_envelope(b, m);
		json_str(b, "site", first != NULL && first->site != NULL ?
		    site_name(first->site) : STR_NONE);
	}
	put_rcpts(b, mine, t, full);
}

/* --- summary -------------------------------------------------------------- */

struct summary_row {
	struct summary_row *next;
	char *key;
	uint64_t messages, recipients, deferred, active, hold, octets;
	uint64_t last_id;    /* counted a message once */
	int64_t oldest;      /* calendar */
	struct reason *reason;
	struct str order;    /* lives for ever */
};

static struct str
site_of(const struct summary *s, const struct message *m, const struct rcpt *r)
{
	(void)s;
	(void)m;
	return r->site != NULL ? site_name(r->site) : STR_NONE;
}

static struct str
domain_of(
    const struct summary *s, const struct message *m, const struct rcpt *r)
{
	const struct str address = rcpt_address(r);

	(void)s;
	(void)m;
	return str_from(address, str_rfind(address, '@') + 1);
}

static struct str
reason_of(
    const struct summary *s, const struct message *m, const struct rcpt *r)
{
	(void)m;
	return rcpt_words(r, s->now, true);
}

static struct str
age_of(const struct summary *s, const struct message *m, const struct rcpt *r)
{
	static const struct {
		int64_t minutes;
		struct str name;
	} ages[] = { { 10, STR_INIT("under 10min") },
		{ 60, STR_INIT("10min to 1h") }, { 6 * 60, STR_INIT("1h to 6h") },
		{ 24 * 60, STR_INIT("6h to 1d") },
		{ 2 * 24 * 60, STR_INIT("1d to 2d") },
		{ 3 * 24 * 60, STR_INIT("2d to 3d") },
		{ 5 * 24 * 60, STR_INIT("3d to 5d") } };
	const int64_t age = s->now - m->accepted;

	(void)r;
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
		if (age < ages[i].minutes * 60000)
			return ages[i].name;
	return STR("over 5d");
}

static struct str
sender_of(
    const struct summary *s, const struct message *m, const struct rcpt *r)
{
	(void)s;
	(void)r;
	return message_sender(m);
}

static struct str
client_of(
    const struct summary *s, const struct message *m, const struct rcpt *r)
{
	(void)s;
	(void)r;
	return message_client(m);
}

static struct str
login_of(const struct summary *s, const struct message *m, const struct rcpt *r)
{
	(void)s;
	(void)r;
	return message_login(m);
}

static const struct summary_kind {
	const char *name;
	struct str (*key)(const struct summary *s, const struct message *m,
	    const struct rcpt *r);
	const char *none;
} kinds[] = {
	{ "site", site_of, "-" }, { "domain", domain_of, "-" },
	{ "reason", reason_of, "not tried yet" }, { "age", age_of, "-" },
	{ "sender", sender_of, "<>" }, { "client", client_of, "-" },
	{ "login", login_of, "-" },
};

bool
summary_by(struct summary *s, struct str word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(word, str_c(kinds[i].name))) {
			s->by = &kinds[i];
			return true;
		}
	return false;
}

static struct summary_row *
row_of(struct summary *s, struct str key)
{
	struct summary_row *row = map_get(&s->by_key, key);

	if (row != NULL)
		return row;
	row = xcalloc(1, sizeof(*row));
	row->key = str_dup(key);
	row->oldest = INT64_MAX;
	row->next = s->rows;
	s->rows = row;
	s->n++;
	map_set(&s->by_key, key, row);
	return row;
}

static void
add_rcpt(struct summary *s, const struct message *m, const struct rcpt *r)
{
	const struct str key = s->by->key(s, m, r);
	struct summary_row *row =
	    row_of(s, key.n != 0 ? key : str_c(s->by->none));
	struct reason *why;
	struct str order;
	const bool held = is_held(m, r);
	const bool deferred = !held && r->state == RCPT_DEFERRED;

	row->recipients++;
	row->hold += held;
	row->deferred += deferred;
	row->active += !held && !deferred;
	s->recipients++;
	s->hold += held;
	s->deferred += deferred;
	s->active += !held && !deferred;
	if (row->last_id != m->id) {
		row->messages++;
		row->octets += m->prefix + m->body;
	}
	row->last_id = m->id;
	if (m->accepted_wall < row->oldest)
		row->oldest = m->accepted_wall;
	why = rcpt_why(r, s->now, &order);
	if (why != NULL && why != row->reason) {
		reason_drop(s->reasons, row->reason);
		row->reason = reason_ref(why);
	}
	if (order.n != 0)
		row->order = order;
}

void
summary_add(struct summary *s, const struct message *m, const struct filter *f)
{
	struct rcpt *r;

	s->messages++;
	s->octets += m->prefix + m->body;
	RCPT_FOREACH(r, (struct message *)(uintptr_t)m)
		if (filter_rcpt_matches(f, r, s->now))
			add_rcpt(s, m, r);
}

/* What is most in front; ages as they rise. */
static int
compare(const void *a, const void *b)
{
	const struct summary_row *x = *(struct summary_row *const *)a;
	const struct summary_row *y = *(struct summary_row *const *)b;

	if (x->recipients != y->recipients)
		return x->recipients < y->recipients ? 1 : -1;
	return strcmp(x->key, y->key);
}

static int
compare_ages(const void *a, const void *b)
{
	const struct summary_row *x = *(struct summary_row *const *)a;
	const struct summary_row *y = *(struct summary_row *const *)b;

	return x->oldest < y->oldest ? 1 : x->oldest > y->oldest ? -1 : 0;
}

/* Those with one recipient stay as they are, behind the others: of a million
 * senders nearly all are such, and the loop waits for this. */
static void
sort(struct summary *s)
{
	struct summary_row **all = xcalloc(s->n + 1, sizeof(*all));
	struct summary_row *row, *next, *singles = NULL;
	const bool ages = s->by->key == age_of;
	size_t n = 0;

	for (row = s->rows; row != NULL; row = next) {
		next = row->next;
		if (row->recipients > 1 || ages) {
			all[n++] = row;
		} else {
			row->next = singles;
			singles = row;
		}
	}
	qsort(all, n, sizeof(*all), ages ? compare_ages : compare);
	for (s->rows = singles; n != 0; s->rows = all[n])
		all[--n]->next = s->rows;
	s->sorted = true;
	s->at = s->rows;
	free(all);
}

static void
put_numbers(struct buf *b, const struct summary_row *row)
{
	json_u64(b, "messages", row->messages);
	json_u64(b, "recipients", row->recipients);
	json_u64(b, "deferred", row->deferred);
	json_u64(b, "active", row->active);
	json_u64(b, "hold", row->hold);
	json_u64(b, "octets", row->octets);
}

bool
summary_more(struct summary *s)
{
	if (!s->sorted)
		sort(s);
	return !s->over;
}

void
summary_put(struct summary *s, struct buf *b)
{
	const struct summary_row *row = s->at;
	const struct summary_row all = { .messages = s->messages,
		.recipients = s->recipients, .deferred = s->deferred,
		.active = s->active, .hold = s->hold, .octets = s->octets };

	if (row == NULL) {
		json_bool(b, "total", true);
		put_numbers(b, &all);
		s->over = true;
		return;
	}
	json_c(b, s->by->name, row->key);
	put_numbers(b, row);
	json_time(b, "oldest", row->oldest);
	if (s->by->key != reason_of)
		json_str(b, "reason", row->reason != NULL ?
		    row->reason->text : row->order);
	s->at = row->next;
}

void
summary_clear(struct summary *s)
{
	struct summary_row *row;

	while ((row = s->rows) != NULL) {
		s->rows = row->next;
		reason_drop(s->reasons, row->reason);
		free(row->key);
		free(row);
	}
	map_clear(&s->by_key);
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
