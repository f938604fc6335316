#include "front/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "event/tls.h"
#include "msg/key.h"
#include "proc/note.h"

enum { SIGN_MS = 1000 };

struct keys_cert {
	TAILQ_ENTRY(keys_cert) entry;
	char *name; /* for SNI; "" the default */
	struct ssl_ctx_st *ctx;
};

static void
certs_clear(struct keys_certs *certs)
{
	struct keys_cert *c;

	while ((c = TAILQ_FIRST(certs)) != NULL) {
		TAILQ_REMOVE(certs, c, entry);
		tls_free(c->ctx);
		free(c->name);
		free(c);
	}
}

static void
lose_signer(struct keys *k)
{
	if (k->sign_fd != -1)
		close(k->sign_fd);
	k->sign_fd = -1;
}

/* tls_sign_fn: the one call that blocks, for a second at most. */
static bool
ask_keyd(void *arg, const struct tls_sign *what, struct buf *out)
{
	struct keys *k = arg;
	struct msg_key_sign q = { what->key, what->padding, what->digest,
		what->tbs };
	struct msg_key_signed a;
	struct buf answer;
	struct str in;
	bool ok = false;

	if (k->sign_fd == -1)
		return false;
	buf_init(&answer, LINK_BODY_MAX);
	if (link_ask(k->sign_fd, MSG_KEY_SIGN, &msg_key_sign_wire, &q,
	    MSG_KEY_SIGNED, &answer, SIGN_MS) == -1) {
		note(NOTE_WARN, "tls-sign-failed");
		note_errno(errno);
		note_end();
		/* A frame cut in the middle cannot be told from the next. */
		lose_signer(k);
	} else {
		in = buf_str(&answer);
		ok = wire_take(&in, &msg_key_signed_wire, &a) &&
		    a.signature.n != 0 && buf_add(out, a.signature);
	}
	buf_clear(&answer);
	return ok;
}

/* "*.example.org" stands for one label. */
static bool
name_matches(struct str pattern, struct str name)
{
	if (str_starts(pattern, STR("*."))) {
		size_t dot = str_find(name, '.');

		return dot != 0 &&
		    str_ieq(str_from(pattern, 1), str_from(name, dot));
	}
	return str_ieq(pattern, name);
}

static struct ssl_ctx_st *
choose(void *arg, struct str name)
{
	struct keys *k = arg;
	struct keys_cert *c;

	TAILQ_FOREACH(c, &k->now, entry)
		if (name_matches(str_c(c->name), name))
			return c->ctx;
	return NULL;
}

static void
on_cert(void *arg, struct link *l, struct link_msg *m)
{
	struct keys *k = arg;
	const struct msg_key_cert *msg = m->body;
	struct keys_cert *c;
	struct ssl_ctx_st *ctx;
	char error[256];

	(void)l;
	ctx = tls_server_new(msg->chain, msg->key, ask_keyd, k, error);
	if (ctx == NULL) {
		note(NOTE_ERROR, "certificate-refused");
		note_str("name", msg->name);
		note_c("reason", error);
		note_end();
		return;
	}
	if (k->only_13)
		tls_server_only_13(ctx);
	tls_server_choose(ctx, choose, k);
	c = xcalloc(1, sizeof(*c));
	c->ctx = ctx;
	c->name = str_dup(msg->name);
	if (msg->name.n == 0)
		TAILQ_INSERT_HEAD(&k->next, c, entry);
	else
		TAILQ_INSERT_TAIL(&k->next, c, entry);
}

/* All at once, and only if there is something to change to. */
static void
on_certs_end(void *arg, struct link *l, struct link_msg *m)
{
	struct keys *k = arg;

	(void)l;
	(void)m;
	if (TAILQ_EMPTY(&k->next))
		return;
	certs_clear(&k->now);
	TAILQ_CONCAT(&k->now, &k->next, entry);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct keys *k = arg;

	(void)why;
	if (k->link == l) {
		k->link = NULL;
		certs_clear(&k->next);
	}
	link_free(l);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_KEY_CERT, &msg_key_cert_wire, on_cert),
	LINK_RULE_RAW(MSG_KEY_END, 0, on_certs_end),
};

static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
keys_init(struct keys *k, struct loop *loop, bool only_13)
{
	*k = (struct keys){ .loop = loop, .sign_fd = -1, .only_13 = only_13 };
	TAILQ_INIT(&k->now);
	TAILQ_INIT(&k->next);
	tls_init();
}

void
keys_clear(struct keys *k)
{
	link_free(k->link);
	k->link = NULL;
	lose_signer(k);
	certs_clear(&k->now);
	certs_clear(&k->next);
}

void
keys_on_peer(struct keys *k, uint64_t channel, int fd)
{
	if (channel == 1) {
		lose_signer(k);
		k->sign_fd = fd;
		return;
	}
	link_free(k->link);
	certs_clear(&k->next);
	k->link = link_new(k->loop, fd, &ops, k);
}

bool
keys_ready(const struct keys *k)
{
	return !TAILQ_EMPTY(&k->now);
}

struct ssl_ctx_st *
keys_context(struct keys *k)
{
	return keys_ready(k) ? TAILQ_FIRST(&k->now)->ctx : NULL;
}
