/* serve -- what keyd says to fronts and to postern(8). */
#include <stdlib.h>

#include "base/fatal.h"
#include "base/json.h"
#include "helpers/keyd/keyd.h"
#include "msg/control_server.h"
#include "msg/key.h"
#include "proc/note.h"

/* One channel of a front: certificates (0) or signatures (1). */
struct front {
	TAILQ_ENTRY(front) entry;
	struct keyd *k;
	struct link *link;
	uint64_t channel;
};

static void
send_certs(struct front *f)
{
	const struct pair *p = f->k->now;

	if (p != NULL) {
		struct msg_key_cert c = { p->id, STR_NONE, buf_str(&p->chain) };

		link_send(f->link, MSG_KEY_CERT, 0, &msg_key_cert_wire, &c);
	}
	link_send_raw(f->link, MSG_KEY_END, 0, STR_NONE);
}

static const struct pair *
find(const struct keyd *k, uint32_t id)
{
	if (k->now != NULL && k->now->id == id)
		return k->now;
	return k->before != NULL && k->before->id == id ? k->before : NULL;
}

static void
on_sign(void *arg, struct link *l, struct link_msg *m)
{
	struct front *f = arg;
	const struct msg_key_sign *q = m->body;
	const struct pair *p = find(f->k, q->key);
	struct msg_key_signed a = { STR_NONE };
	struct buf out;

	buf_init(&out, 1024);
	if (p != NULL && pair_sign(p, q->padding, q->digest, q->tbs, &out)) {
		a.signature = buf_str(&out);
	} else {
		note(NOTE_WARN, "signature-refused");
		note_u64("key", q->key);
		note_str("digest", q->digest);
		note_end();
	}
	link_send(l, MSG_KEY_SIGNED, m->cookie, &msg_key_signed_wire, &a);
	buf_clear(&out);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct front *f = arg;

	(void)why;
	TAILQ_REMOVE(&f->k->fronts, f, entry);
	link_free(l);
	free(f);
}

static const struct link_rule sign_rules[] = {
	LINK_RULE(MSG_KEY_SIGN, &msg_key_sign_wire, on_sign),
};
/* Over channel 0 a front only listens. */
static const struct link_ops ops[] = {
	{ .on_close = on_close },
	{ .rules = sign_rules, .nrules = 1, .on_close = on_close },
};

void
serve_front(struct keyd *k, uint64_t channel, int fd)
{
	struct front *f = xcalloc(1, sizeof(*f));

	f->k = k;
	f->channel = channel == 1;
	f->link = link_new(k->proc.loop, fd, &ops[f->channel], f);
	TAILQ_INSERT_TAIL(&k->fronts, f, entry);
	if (f->channel == 0)
		send_certs(f);
}

void
serve_changed(struct keyd *k)
{
	struct front *f;

	TAILQ_FOREACH(f, &k->fronts, entry)
		if (f->channel == 0)
			send_certs(f);
}

static void
on_name(void *arg, struct str name)
{
	json_item(arg, name);
}

/* tls list */
static void
tls_list(void *arg, struct control_ask *a)
{
	struct keyd *k = arg;
	struct buf *row, subject;
	char kind[64];

	if (k->now == NULL) {
		control_end(a, 1, k->refused, "");
		return;
	}
	buf_init(&subject, 1024);
	pair_subject(k->now, &subject);
	pair_kind(k->now, kind);
	row = control_row(a);
	json_str(row, "subject", buf_str(&subject));
	json_list(row, "names");
	pair_names(k->now, on_name, row);
	json_list_end(row);
	json_time(row, "not_after", (int64_t)pair_not_after(k->now) * 1000);
	json_c(row, "source", k->source.self_signed ? "self-signed" : "files");
	json_c(row, "key", kind);
	control_row_end(a);
	control_end(a, k->refused[0] != '\0' ? 1 : 0, k->refused, "");
	buf_clear(&subject);
}

static const struct control_verb verbs[] = {
	{ "tls", "list", 0, 0, false, tls_list, NULL, NULL },
};

void
serve_control(struct keyd *k, int fd, uid_t uid, uint32_t rights)
{
	control_open(k->proc.loop, fd, uid, rights, verbs,
	    sizeof(verbs) / sizeof(verbs[0]), k);
}
