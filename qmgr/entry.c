#include "qmgr/entry.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/wire.h"
#include "msg/job.h"
#include "qmgr/via.h"

/* Recipient states on disk. */
enum {
	ON_DISK_WAITING,
	ON_DISK_DEFERRED,
	ON_DISK_REPORT,
	ON_DISK_DONE,
	ON_DISK_STATES
};

enum {
	RCPT_LEAST = 36, /* octets of the shortest recipient */
	KEY_MOST = 1024
};

void
entry_writer_init(struct entry_writer *w)
{
	static uint64_t runs;

	*w = (struct entry_writer){ .run = ++runs };
}

void
reason_put(struct buf *out, struct entry_writer *w, struct reason *r)
{
	if (r == NULL) {
		wire_put_u32(out, 0);
		return;
	}
	if (r->mark == w->run) {
		wire_put_u32(out, r->number);
		return;
	}
	r->mark = w->run;
	r->number = ++w->nreasons;
	wire_put_u32(out, r->number);
	wire_put_u32(out, r->code);
	wire_put_str(out, r->status);
	wire_put_str(out, r->text);
	wire_put_str(out, r->remote);
}

void
site_put(struct buf *out, struct entry_writer *w, struct site *s)
{
	if (s == NULL) {
		wire_put_u32(out, 0);
		return;
	}
	if (s->mark == w->run) {
		wire_put_u32(out, s->number);
		return;
	}
	s->mark = w->run;
	s->number = ++w->nsites;
	wire_put_u32(out, s->number);
	wire_put_str(out, s->key);
}

static uint32_t
state_on_disk(const struct rcpt *r)
{
	switch ((enum rcpt_state)r->state) {
	case RCPT_DEFERRED:
		return ON_DISK_DEFERRED;
	case RCPT_REPORT:
		return ON_DISK_REPORT;
	case RCPT_DONE:
		return ON_DISK_DONE;
	case RCPT_ROUTING:
	case RCPT_READY:
	case RCPT_INFLIGHT:
		break;
	}
	return ON_DISK_WAITING;
}

static void
put_rcpt(struct buf *out, struct entry_writer *w, const struct rcpt *r)
{
	const uint32_t flags = (r->flags & (RCPT_MAYBE | RCPT_WARNED)) |
	    (r->via != NULL ? RCPT_VIA : 0);

	wire_put_u32(out, r->index);
	wire_put_u32(out, state_on_disk(r) | (uint32_t)r->notify << 8 |
	    flags << 16 | (uint32_t)r->depth << 24);
	wire_put_u32(out, r->attempts | (uint32_t)r->dsn << 16);
	wire_put_u64(out,
	    r->state == RCPT_DEFERRED ? (uint64_t)r->next : 0);
	wire_put_str(out, rcpt_address(r));
	wire_put_str(out, rcpt_orcpt(r));
	site_put(out, w, r->site);
	reason_put(out, w, r->reason);
	if (r->via != NULL)
		site_put(out, w, r->via);
}

/* Nobody knows yet where it goes: it may stand for a list. */
static bool
may_be_list(const struct rcpt *r)
{
	return (r->state == RCPT_ROUTING || r->state == RCPT_DEFERRED) &&
	    r->site == NULL && rcpt_via(r) == NULL;
}

/* How many recipients are to be put: those that are done too while a list
 * could name them, which would bring them a second copy after a restart. */
static uint32_t
count_put(struct message *m, bool *with_done)
{
	uint32_t n = 0;
	struct rcpt *r;

	*with_done = false;
	RCPT_FOREACH(r, m) {
		*with_done = *with_done || may_be_list(r);
		n++;
	}
	return *with_done ? n : m->nleft;
}

void
entry_put(struct buf *out, struct entry_writer *w, const struct message *m)
{
	struct rcpt *r;
	struct message *mine = (struct message *)(uintptr_t)m;
	bool with_done;

	wire_put_u64(out, m->id);
	wire_put_u32(out, m->env_flags);
	wire_put_u32(out, m->flags & MSG_ON_DISK);
	wire_put_u64(out, (uint64_t)m->accepted);
	wire_put_u64(out, (uint64_t)m->accepted_wall);
	wire_put_u32(out, m->prefix);
	wire_put_u64(out, m->body);
	if ((m->flags & MSG_CRC) != 0)
		wire_put_u32(out, m->body_crc);
	wire_put_str(out, message_sender(m));
	wire_put_str(out, message_envid(m));
	wire_put_str(out, message_login(m));
	wire_put_str(out, message_client(m));
	wire_put_u32(out, m->nrcpts);
	wire_put_u32(out, count_put(mine, &with_done));
	RCPT_FOREACH(r, mine)
		if (r->state != RCPT_DONE || with_done)
			put_rcpt(out, w, r);
}

void
entry_reader_init(struct entry_reader *r, struct reasons *reasons,
    struct sites *sites)
{
	*r = (struct entry_reader){ .reasons = reasons, .sites = sites };
}

void
entry_reader_clear(struct entry_reader *r)
{
	for (uint32_t i = 0; i < r->nreasons; i++)
		reason_drop(r->reasons, r->known[i]);
	for (uint32_t i = 0; i < r->nsites; i++)
		r->known_sites[i]->refs--;
	free(r->known);
	free(r->known_sites);
	*r = (struct entry_reader){ 0 };
}

/* Arrays double at powers of two. */
static bool
is_full(uint32_t n)
{
	return (n & (n - 1)) == 0;
}

bool
reason_take(struct entry_reader *r, struct str *in, struct reason **out)
{
	uint32_t number, code;
	struct str status, text, remote;

	*out = NULL;
	if (!wire_take_u32(in, &number) || number > r->nreasons + 1)
		return false;
	if (number == r->nreasons + 1) {
		if (!wire_take_u32(in, &code) ||
		    !wire_take_str(in, &status, 16) ||
		    !wire_take_str(in, &text, REPLY_TEXT_MAX) ||
		    !wire_take_str(in, &remote, REMOTE_MAX))
			return false;
		if (is_full(r->nreasons))
			r->known = xreallocarray(r->known,
			    r->nreasons == 0 ? 1 : r->nreasons * 2,
			    sizeof(struct reason *));
		r->known[r->nreasons++] =
		    reason_get(r->reasons, code, status, text, remote);
	}
	*out = number == 0 ? NULL : r->known[number - 1];
	return true;
}

bool
site_take(struct entry_reader *r, struct str *in, struct site **out)
{
	uint32_t number;
	struct str key;
	struct site *s;

	*out = NULL;
	if (!wire_take_u32(in, &number) || number > r->nsites + 1)
		return false;
	if (number == r->nsites + 1) {
		if (!wire_take_str(in, &key, KEY_MOST) ||
		    (s = site_by_key(r->sites, key)) == NULL)
			return false;
		if (is_full(r->nsites))
			r->known_sites = xreallocarray(r->known_sites,
			    r->nsites == 0 ? 1 : r->nsites * 2,
			    sizeof(struct site *));
		s->refs++;
		r->known_sites[r->nsites++] = s;
	}
	*out = number == 0 ? NULL : r->known_sites[number - 1];
	return true;
}

/* A recipient before there is the message that it will stand in. */
struct draft {
	struct rcpt_init init;
	uint32_t state, attempts;
	uint64_t next;
	struct site *site, *via;
	struct reason *reason;
};

static bool
take_rcpt(struct entry_reader *r, struct str *in, struct draft *d)
{
	uint32_t bits;

	if (!wire_take_u32(in, &d->init.index) || !wire_take_u32(in, &bits) ||
	    !wire_take_u32(in, &d->attempts) || !wire_take_u64(in, &d->next) ||
	    !wire_take_str(in, &d->init.address, ADDRESS_MAX) ||
	    !wire_take_str(in, &d->init.orcpt, ORCPT_MAX) ||
	    !site_take(r, in, &d->site) || !reason_take(r, in, &d->reason))
		return false;
	if ((bits >> 16 & RCPT_VIA) != 0 &&
	    (!site_take(r, in, &d->via) || d->via == NULL ||
	        d->via->kind != SITE_SMTP))
		return false;
	d->state = bits & 255;
	d->init.notify = (uint8_t)(bits >> 8);
	d->init.flags =
	    (uint8_t)(bits >> 16 & (RCPT_MAYBE | RCPT_WARNED)) | RCPT_MAYBE;
	d->init.depth = (uint8_t)(bits >> 24);
	return d->state < ON_DISK_STATES && d->attempts >> 16 <= DSN_LAST;
}

static void
finish_rcpt(struct rcpt *r, const struct draft *d)
{
	struct message *m = r->m;

	r->attempts = (uint16_t)d->attempts;
	if (d->reason != NULL)
		r->reason = reason_ref(d->reason);
	rcpt_set_site(r, d->site);
	rcpt_set_via(r, d->via);
	if (d->state == ON_DISK_DEFERRED) {
		r->state = RCPT_DEFERRED;
		r->next = (int64_t)d->next;
		m->nbusy--;
		m->asking--;
	} else if (d->state == ON_DISK_REPORT) {
		r->state = RCPT_REPORT;
		r->dsn = (uint8_t)(d->attempts >> 16);
		m->nbusy--;
		m->asking--;
		m->nreport++;
	} else if (d->state == ON_DISK_DONE) {
		r->state = RCPT_DONE;
		m->nbusy--;
		m->asking--;
		m->nleft--;
	}
}

static struct message *
make(uint64_t id, const struct envelope *env, const struct draft *d,
    uint32_t n, uint32_t nrcpts)
{
	struct rcpt_init *inits = xcalloc(n + 1, sizeof(*inits));
	struct message *m;

	for (uint32_t i = 0; i < n; i++)
		inits[i] = d[i].init;
	m = message_new(id, env, inits, n, nrcpts);
	free(inits);
	for (uint32_t i = 0; i < n; i++)
		finish_rcpt(&m->rcpts[i], &d[i]);
	return m;
}

struct message *
entry_take(struct entry_reader *r, struct str *in)
{
	struct envelope env = { 0 };
	struct message *m = NULL;
	struct draft *d = NULL;
	uint64_t id, accepted, wall, body;
	uint32_t flags, prefix, crc = 0, nrcpts, n;

	if (!wire_take_u64(in, &id) || !wire_take_u32(in, &env.flags) ||
	    !wire_take_u32(in, &flags) || !wire_take_u64(in, &accepted) ||
	    !wire_take_u64(in, &wall) || !wire_take_u32(in, &prefix) ||
	    !wire_take_u64(in, &body) ||
	    ((flags & MSG_CRC) != 0 && !wire_take_u32(in, &crc)) ||
	    !wire_take_str(in, &env.sender, ADDRESS_MAX) ||
	    !wire_take_str(in, &env.envid, ENVID_MAX) ||
	    !wire_take_str(in, &env.login, ADDRESS_MAX) ||
	    !wire_take_str(in, &env.client, 128) ||
	    !wire_take_u32(in, &nrcpts) || !wire_take_u32(in, &n) ||
	    n > in->n / RCPT_LEAST || n > nrcpts)
		return NULL;
	d = xcalloc((size_t)n + 1, sizeof(*d));
	for (uint32_t i = 0; i < n; i++)
		if (!take_rcpt(r, in, &d[i]) || d[i].init.index >= nrcpts ||
		    (i > 0 && d[i].init.index <= d[i - 1].init.index))
			goto undo;
	m = make(id, &env, d, n, nrcpts);
	m->flags = (uint8_t)(flags & MSG_ON_DISK);
	m->accepted = (int64_t)accepted;
	m->accepted_wall = (int64_t)wall;
	m->prefix = prefix;
	m->body = body;
	m->body_crc = crc;
undo:
	free(d);
	return m;
}

void
entry_free(struct message *m, struct reasons *reasons)
{
	struct rcpt *r;

	RCPT_FOREACH(r, m) {
		rcpt_set_site(r, NULL);
		rcpt_set_via(r, NULL);
		reason_drop(reasons, r->reason);
		r->reason = NULL;
	}
	message_free(m);
}
