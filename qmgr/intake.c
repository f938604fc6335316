/* intake -- messages come in over links from smtpd, pickup and bounce. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/fatal.h"
#include "base/id.h"
#include "base/pool.h"
#include "msg/submit.h"
#include "proc/note.h"
#include "qmgr/disk.h"
#include "qmgr/peer.h"
#include "qmgr/qmgr.h"

enum {
	RCPTS_MAX = 100000, /* of one SUBMIT */
	SUBMITS_MAX = 10000 /* open ones of a link */
};

/*
 * One message, from SUBMIT to SUBMIT_DONE.  A large body is in a file, whose
 * id the message will have.
 */
struct intake {
	struct peer *from;        /* NULL: the link is gone */
	struct qmgr *d;
	uint64_t cookie, id;
	uint64_t known;           /* its file became this message before, or 0 */
	struct pool pool;
	struct msg_submit env;
	struct settle settle;
	struct rcpt_init *rcpts;
	uint32_t nrcpts, cap;
	struct buf text;          /* prefix and body; large: only the prefix */
	size_t prefix;            /* octets of it */
	uint32_t id_at;
	bool has_prefix;
	uint64_t size;            /* octets of body */
	uint32_t crc;
	int fd;                   /* large body, or -1 */
	size_t charged;           /* octets of the memory budget */
	struct message *m;        /* accepted, not yet flushed */
	struct work sync;
	int sync_error;
	struct qlog_wait wait;
	bool syncing;
};

static void
charge(struct intake *in, size_t n)
{
	in->charged += n;
	in->d->intake.memory += n;
}

static void
discharge(struct intake *in, size_t n)
{
	in->charged -= n;
	in->d->intake.memory -= n;
}

static void
intake_free(struct intake *in)
{
	if (in->from != NULL)
		map_del_id(&in->from->submits, in->cookie);
	in->d->intake.open--;
	discharge(in, in->charged);
	if (in->fd != -1) {
		close(in->fd);
		if (in->m == NULL)
			large_remove(&in->d->spool, in->id);
	}
	buf_clear(&in->text);
	free(in->rcpts);
	free(in->settle.indexes);
	pool_clear(&in->pool);
	free(in);
}

static void
answer(struct intake *in, uint32_t code, struct str text)
{
	struct msg_submit_done done = { .code = code, .text = text };

	if (code == 250)
		done.id = in->known != 0 ? in->known : in->id;
	if (in->from != NULL)
		link_send(in->from->link, MSG_SUBMIT_DONE, in->cookie,
		    &msg_submit_done_wire, &done);
}

static void
refuse(struct intake *in, uint32_t code, struct str text)
{
	in->d->intake.refused++;
	note(NOTE_INFO, "refused");
	note_str("from", in->env.sender);
	note_str("client", in->env.client);
	note_u64("code", code);
	note_str("text", text);
	note_end();
	answer(in, code, text);
	intake_free(in);
}

static struct intake *
find(struct peer *p, uint64_t cookie)
{
	struct intake *in = map_get_id(&p->submits, cookie);

	return in != NULL && !in->syncing && in->known == 0 && in->m == NULL ?
	    in : NULL;
}

/* --- accepting ---------------------------------------------------------- */

static void
note_accepted(const struct intake *in)
{
	note(NOTE_INFO, "accepted");
	note_id("id", in->id);
	note_str("from", in->env.sender);
	note_u64("size", in->size);
	note_u64("rcpts", in->nrcpts);
	if (in->env.login.n != 0)
		note_str("login", in->env.login);
	if (in->env.client.n != 0)
		note_str("client", in->env.client);
	note_end();
}

static void
answer_queued(struct intake *in)
{
	char text[64] = "2.0.0 queued as ";

	id_text(in->known != 0 ? in->known : in->id, text + strlen(text));
	answer(in, 250, str_c(text));
}

/* It is on disk: 250. */
static void
on_flushed(struct qlog_wait *w)
{
	struct intake *in = (struct intake *)(void *)((char *)w -
	    offsetof(struct intake, wait));
	struct qmgr *d = in->d;

	d->intake.accepted++;
	if (in->from == NULL || in->from->role != ROLE_SMTPD)
		note_accepted(in); /* smtpd tells more of its own */
	answer_queued(in);
	in->m->flags |= MSG_FLUSHED;
	if ((in->m->flags & MSG_GONE) == 0)
		message_ready(d, in->m);
	if ((in->m->flags & MSG_GONE) == 0 && in->m->nreport != 0)
		dsn_queue(d, in->m, DSN_FAILED);
	message_drop_ref(&d->q, in->m);
	intake_free(in);
	qmgr_pump(d);
}

/* The same file was accepted before, and that is on disk: 250 again. */
static void
on_known_flushed(struct qlog_wait *w)
{
	struct intake *in = (struct intake *)(void *)((char *)w -
	    offsetof(struct intake, wait));

	note(NOTE_INFO, "accepted-before");
	note_id("id", in->known);
	note_str("from", in->env.sender);
	note_str("client", in->env.client);
	note_end();
	answer_queued(in);
	intake_free(in);
}

/* false: its file is not known. */
static bool
take_known(struct intake *in)
{
	struct qmgr *d = in->d;

	if (in->env.token.n == 0)
		return false;
	in->known = tokens_get(&d->q.tokens, in->env.token);
	if (in->known == 0)
		return false;
	in->wait.on_flushed = on_known_flushed;
	qlog_wait(&d->q.log, &in->wait);
	qlog_hurry(&d->q.log);
	return true;
}

/* The text stays in memory for the first attempt, if there is room. */
static void
keep_text(struct intake *in, struct message *m)
{
	struct qmgr *d = in->d;
	const size_t n = buf_len(&in->text);

	if (in->text.at != 0 || in->text.cap >= n + n / 4) {
		message_keep_text(d, m, buf_str(&in->text));
		return;
	}
	if (n == 0 || d->q.text_memory + n > d->o.memory / 2)
		return;
	m->text = buf_release(&in->text);
	d->q.text_memory += n;
}

static void
accept_message(struct intake *in)
{
	struct qmgr *d = in->d;
	const struct envelope env = { .flags = in->env.flags,
		.sender = in->env.sender,
		.envid = in->env.envid,
		.login = in->env.login,
		.client = in->env.client };
	struct message *m;

	/* Once more: it may have come over two links at a time. */
	if (take_known(in))
		return;
	m = message_new(in->id, &env, in->rcpts, in->nrcpts, in->nrcpts);
	qmgr_now(d);
	m->prefix = (uint32_t)in->prefix;
	m->body = in->size;
	m->accepted = d->q.now;
	m->accepted_wall = clock_wall_ms();
	if (in->fd != -1) {
		m->flags |= MSG_LARGE | MSG_CRC;
		m->body_crc = in->crc;
	}
	if (in->env.token.n != 0)
		queue_accept_dropped(
		    &d->q, m, buf_str(&in->text), in->env.token);
	else
		queue_accept(&d->q, m, buf_str(&in->text), &in->settle);
	message_hold_ref(m);
	keep_text(in, m);
	in->m = m;
	in->wait.on_flushed = on_flushed;
	qlog_wait(&d->q.log, &in->wait);
	qlog_hurry(&d->q.log);
}

/* --- large bodies ------------------------------------------------------- */

static bool
run_sync(struct work *w)
{
	struct intake *in = (struct intake *)(void *)((char *)w -
	    offsetof(struct intake, sync));

	in->sync_error = disk_sync(in->fd) == -1 ||
	    disk_sync(in->d->spool.largefd) == -1 ? errno : 0;
	return false;
}

static void
done_sync(struct work *w)
{
	struct intake *in = (struct intake *)(void *)((char *)w -
	    offsetof(struct intake, sync));

	in->syncing = false;
	if (in->sync_error != 0) {
		note(NOTE_ERROR, "large-body-failed");
		note_errno(in->sync_error);
		note_end();
		refuse(in, 451, STR("4.3.0 local error in processing"));
	} else if (in->from == NULL) {
		intake_free(in); /* nobody would hear that it was taken */
	} else {
		accept_message(in);
	}
}

/* What came so far goes into a file, and all that follows. */
static bool
become_large(struct intake *in)
{
	struct str body = str_from(buf_str(&in->text), in->prefix);
	const int fd = large_create(&in->d->spool, in->id);

	if (fd == -1)
		return false;
	in->fd = fd;
	if (disk_write(fd, body.p, body.n, 0) == -1)
		return false;
	buf_cut(&in->text, in->prefix);
	discharge(in, body.n);
	return true;
}

/* --- frames ------------------------------------------------------------- */

static bool
has_memory(const struct qmgr *d)
{
	return d->intake.memory + queue_memory(&d->q) <= d->o.memory;
}

static bool
settles_any(const struct qmgr *d, uint64_t id)
{
	const struct message *m = id != 0 ? table_find(&d->q.table, id) : NULL;

	return m != NULL && m->nreport != 0;
}

/* A report that settles frees more than it takes: a queue that is full of
 * mail to be returned would stay so without it. */
static bool
is_busy(const struct peer *from, const struct msg_submit *env)
{
	const struct qmgr *d = from->d;

	if (d->stopping)
		return true;
	if (d->q.table.n >= d->o.messages)
		return !settles_any(d, env->settles_id);
	return from->role != ROLE_BOUNCE && !has_memory(d);
}

const char *
intake_why(const struct qmgr *d)
{
	if (space_is_short(d))
		return space_why(d);
	if (d->q.table.n >= d->o.messages)
		return "there are as many messages as queue.messages allows";
	return has_memory(d) ? "" :
	    "texts and recipients take all of queue.memory";
}

/* What is under way may become twice as much; the queue's recipients do not
 * count: a report must not wait for their going. */
static bool
is_overfull(const struct qmgr *d)
{
	return d->intake.memory + d->q.text_memory > d->o.memory * 2;
}

/* The limit is for what others send.  A report on many recipients may be
 * longer than what it reports on, and has its own (delivery/bounce). */
static bool
is_too_large(const struct intake *in, uint64_t size)
{
	return size > in->d->o.message_size && in->from->role != ROLE_BOUNCE;
}

static int
by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Only bounce settles, and only with the null sender. */
static bool
take_settles(struct intake *in, const struct msg_submit *env)
{
	struct str s = env->settles;

	if (in->from->role != ROLE_BOUNCE)
		return env->settles_id == 0 && s.n == 0;
	if (env->sender.n != 0 || s.n % 4 != 0)
		return false;
	in->settle.id = env->settles_id;
	in->settle.n = s.n / 4;
	in->settle.indexes = xcalloc(in->settle.n + 1, sizeof(uint32_t));
	for (size_t i = 0; i < in->settle.n; i++)
		wire_take_u32(&s, &in->settle.indexes[i]);
	qsort(in->settle.indexes, in->settle.n, sizeof(uint32_t), by_value);
	for (size_t i = 1; i < in->settle.n; i++)
		if (in->settle.indexes[i] == in->settle.indexes[i - 1])
			return false;
	return true;
}

/* Reports are not repeated: they settle. */
static bool
may_have_token(const struct intake *in)
{
	const size_t n = in->env.token.n;

	return n == 0 || (n == TOKEN && in->from->role != ROLE_BOUNCE);
}

/* smtpd gets them from clients, who shall not keep pickup from its work.  A
 * message without one may be doubled. */
static void
limit_tokens(struct intake *in)
{
	if (in->from->role == ROLE_SMTPD &&
	    in->env.token.n != 0 &&
	    in->d->q.tokens.ids.n >= TOKENS_MAX / 2) {
		in->env.token = STR_NONE;
		note(NOTE_WARN, "token-left-out");
		note_str("client", in->env.client);
		note_end();
	}
}

/* It gets its id, or a refusal. */
static void
begin(struct intake *in, const struct msg_submit *env)
{
	struct qmgr *d = in->d;

	limit_tokens(in);
	if (space_is_short(d))
		refuse(in, 452, STR("4.3.1 insufficient system storage"));
	else if (is_busy(in->from, env))
		refuse(in, 452, STR("4.3.2 the queue is full, try later"));
	else if (in->env.token.n != 0 && d->q.tokens.ids.n >= TOKENS_MAX)
		refuse(in, 452, STR("4.3.2 too many files of the drop folder "
		    "were taken and are still there"));
	else if (is_too_large(in, env->size_hint))
		refuse(in, 552, STR("5.3.4 message too large"));
	else if (!take_settles(in, env))
		refuse(in, 554, STR("5.5.4 not permitted to settle"));
	else
		in->id = queue_new_id(&d->q, clock_wall_ms());
}

void
on_submit(void *arg, struct link *link, struct link_msg *f)
{
	struct peer *p = arg;
	struct qmgr *d = p->d;
	const struct msg_submit *env = f->body;
	struct intake *in;

	(void)link;
	if (map_get_id(&p->submits, f->cookie) != NULL)
		return; /* refused by silence: the sender broke submit.h */
	in = xcalloc(1, sizeof(*in));
	if (++d->intake.open > 1)
		d->intake.company = d->q.now;
	in->from = p;
	in->d = d;
	in->cookie = f->cookie;
	in->fd = -1;
	in->env = *env;
	in->env.sender = pool_str(&in->pool, env->sender);
	in->env.envid = pool_str(&in->pool, env->envid);
	in->env.login = pool_str(&in->pool, env->login);
	in->env.client = pool_str(&in->pool, env->client);
	in->env.token = pool_str(&in->pool, env->token);
	buf_init(&in->text, BUF_NO_MAX);
	in->id_at = UINT32_MAX;
	charge(in, sizeof(*in) + env->sender.n + env->envid.n + env->login.n +
	    env->client.n + env->settles.n);
	map_set_id(&p->submits, f->cookie, in);
	if (p->submits.n > SUBMITS_MAX)
		refuse(in, 452, STR("4.3.2 too many messages at once"));
	else if (!may_have_token(in))
		refuse(in, 554, STR("5.5.4 not permitted to name a file"));
	else if (!take_known(in))
		begin(in, env);
}

void
on_submit_rcpt(void *arg, struct link *link, struct link_msg *f)
{
	struct intake *in = find(arg, f->cookie);
	const struct env_rcpt *r = f->body;

	(void)link;
	if (in == NULL)
		return;
	/* A report has one: bounce is not asked whether there is memory. */
	if (in->nrcpts == (in->from->role == ROLE_BOUNCE ? 1 : RCPTS_MAX)) {
		refuse(in, 452, STR("4.5.3 too many recipients"));
		return;
	}
	if (in->nrcpts == in->cap) {
		in->cap = in->cap == 0 ? 4 : in->cap * 2;
		in->rcpts =
		    xreallocarray(in->rcpts, in->cap, sizeof(*in->rcpts));
	}
	in->rcpts[in->nrcpts] = (struct rcpt_init){ .index = in->nrcpts,
		.notify = (uint8_t)r->notify,
		.address = pool_str(&in->pool, r->address),
		.orcpt = pool_str(&in->pool, r->orcpt) };
	charge(in, sizeof(*in->rcpts) + rcpt_memory(&in->rcpts[in->nrcpts]));
	in->nrcpts++;
	if (is_overfull(in->d))
		refuse(in, 452, STR("4.3.2 the queue is busy, try later"));
}

void
on_submit_prefix(void *arg, struct link *link, struct link_msg *f)
{
	struct intake *in = find(arg, f->cookie);
	const struct msg_submit_prefix *p = f->body;
	char id[ID_TEXT + 1];

	(void)link;
	if (in == NULL)
		return;
	if (in->has_prefix || in->size != 0 || (p->id_at != UINT32_MAX &&
	        (p->id_at > p->text.n || p->text.n - p->id_at < ID_TEXT))) {
		refuse(in, 451, STR("4.3.0 malformed submission"));
		return;
	}
	in->has_prefix = true;
	buf_add(&in->text, p->text);
	in->prefix = p->text.n;
	charge(in, p->text.n);
	if (p->id_at == UINT32_MAX)
		return;
	id_text(in->id, id);
	memcpy(in->text.p + in->text.at + p->id_at, id, ID_TEXT);
}

void
on_submit_body(void *arg, struct link *link, struct link_msg *f)
{
	struct intake *in = find(arg, f->cookie);
	struct qmgr *d;

	(void)link;
	if (in == NULL)
		return;
	d = in->d;
	if (is_too_large(in, in->size + f->raw.n)) {
		refuse(in, 552, STR("5.3.4 message too large"));
		return;
	}
	in->crc = crc32c(in->crc, f->raw.p, f->raw.n);
	if (in->fd == -1) {
		buf_add(&in->text, f->raw);
		charge(in, f->raw.n);
	} else if (disk_write(in->fd, f->raw.p, f->raw.n, in->size) == -1) {
		refuse(in, disk_is_full(errno) ? 452 : 451,
		    STR("4.3.1 insufficient system storage"));
		return;
	}
	in->size += f->raw.n;
	space_take(d, f->raw.n);
	if (in->fd == -1 && in->size > d->o.inline_body && !become_large(in))
		refuse(in, 452, STR("4.3.1 insufficient system storage"));
	else if (in->fd == -1 && is_overfull(d))
		refuse(in, 452, STR("4.3.2 the queue is busy, try later"));
}

void
on_submit_end(void *arg, struct link *link, struct link_msg *f)
{
	struct intake *in = find(arg, f->cookie);
	const struct msg_submit_end *end = f->body;

	(void)link;
	if (in == NULL)
		return;
	if (end->size != in->size || end->crc != in->crc) {
		refuse(in, 451, STR("4.3.0 message damaged on its way"));
		return;
	}
	if (in->nrcpts == 0) {
		refuse(in, 554, STR("5.5.1 no valid recipients"));
		return;
	}
	if (in->fd == -1) {
		accept_message(in);
		return;
	}
	in->syncing = true;
	in->sync = (struct work){ .run = run_sync, .done = done_sync };
	syncer_post(in->d->syncer, &in->sync);
}

void
on_submit_cancel(void *arg, struct link *link, struct link_msg *f)
{
	struct intake *in = find(arg, f->cookie);

	(void)link;
	if (in != NULL)
		intake_free(in);
}

/* Messages whose END came are finished though nobody hears of it: the sender
 * will repeat them, and where there is no token two are better than none. */
void
intake_close(struct peer *p)
{
	struct intake *in;
	size_t pos = 0;

	while ((in = map_next(&p->submits, &pos, NULL)) != NULL) {
		const bool going_on =
		    in->syncing || in->known != 0 || in->m != NULL;

		map_del_id(&p->submits, in->cookie);
		in->from = NULL;
		if (!going_on)
			intake_free(in);
	}
	map_clear(&p->submits);
}

void
intake_fail(struct peer *p)
{
	struct intake *in;
	size_t pos = 0;

	while ((in = map_next(&p->submits, &pos, NULL)) != NULL)
		answer(in, 451,
		    STR("4.3.0 the queue's disk failed, try later"));
	link_flush(p->link, true);
}
