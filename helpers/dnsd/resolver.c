#include "helpers/dnsd/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>
#include <unbound-event.h>

#include "base/fatal.h"
#include "base/list.h"
#include "event/loop_base.h"
#include "helpers/dnsd/packet.h"
#include "proc/note.h"

enum {
	PROBE_WAIT_MS = 5000,          /* questions wait at most this long */
	PROBE_AGAIN_MS = 10 * 60 * 1000,
	CLASS_IN = 1,
	SECURE = 2, BOGUS = 1          /* libunbound's "sec" */
};

struct resolver {
	struct loop *loop;
	struct ub_ctx *plain;     /* without the anchor, or NULL */
	struct ub_ctx *validating; /* with it, or NULL */
	struct ub_ctx *use;       /* one of them; NULL while probing first */
	struct resolver_conf conf;
	struct timer probe_timer;
	struct resolver_ask_ub *probe;
	TAILQ_HEAD(, resolver_ask) waiting;
	bool probed_once;
};

/*
 * What libunbound holds while it works.  It outlives a question that was
 * forgotten: an answer for nobody is dropped here.
 */
struct resolver_ask_ub {
	struct resolver_ask *ask; /* NULL: nobody wants it any more */
	struct resolver *probe_of; /* set for the probe */
};

/* --- contexts ---------------------------------------------------------- */

static void
must(int error, const char *what)
{
	if (error != 0)
		fatal("libunbound: %s: %s", what, ub_strerror(error));
}

static void
set_option(struct ub_ctx *ctx, const char *name, const char *value)
{
	must(ub_ctx_set_option(ctx, name, value), name);
}

static void
set_options(struct ub_ctx *ctx, const struct resolver_conf *conf)
{
	static const char *const options[][2] = {
		{ "edns-buffer-size:", "1232" },
		{ "do-not-query-localhost:", "no" },
		{ "minimal-responses:", "yes" },
		{ "qname-minimisation:", "yes" },
		{ "outgoing-range:", "512" },
		{ "num-queries-per-thread:", "256" },
		{ "cache-max-ttl:", "86400" },
		{ "cache-max-negative-ttl:", "600" },
		{ "module-config:", "validator iterator" },
		/* a name server that was down is used again at once */
		{ "infra-keep-probing:", "yes" },
		{ "infra-host-ttl:", "60" },
	};
	char size[32];

	ub_ctx_debugout(ctx, NULL);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		set_option(ctx, options[i][0], options[i][1]);
	snprintf(size, sizeof(size), "%llu",
	    (unsigned long long)conf->cache / 3);
	set_option(ctx, "msg-cache-size:", size);
	snprintf(size, sizeof(size), "%llu",
	    (unsigned long long)conf->cache / 3 * 2);
	set_option(ctx, "rrset-cache-size:", size);
}

static void
add_anchors(struct ub_ctx *ctx, const char *anchors)
{
	struct str rest = str_c(anchors);

	while (rest.n > 0) {
		const struct str line =
		    str_trim(str_take_until(&rest, '\n'));
		char text[1024];

		if (line.n == 0 || line.p[0] == ';' || line.p[0] == '#')
			continue;
		if (!str_copy(text, sizeof(text), line))
			fatal("root anchor: line too long");
		must(ub_ctx_add_ta(ctx, text), "root anchor");
	}
}

static struct ub_ctx *
context(struct resolver *r, bool anchored)
{
	struct ub_ctx *ctx = ub_ctx_create_event(loop_base(r->loop));

	if (ctx == NULL)
		fatal("libunbound: no context");
	set_options(ctx, &r->conf);
	if (anchored)
		add_anchors(ctx, r->conf.anchors);
	for (size_t i = 0; i < r->conf.nservers; i++)
		must(ub_ctx_set_fwd(ctx, r->conf.servers[i]), "dns.servers");
	for (size_t i = 0; i < r->conf.nzones_off; i++)
		must(ub_ctx_zone_remove(ctx, r->conf.zones_off[i]),
		    "dns.local_zones_off");
	return ctx;
}

/* --- questions --------------------------------------------------------- */

static void
give(struct resolver_ask *ask, const struct resolver_answer *a)
{
	ask->ub = NULL;
	ask->on_answer(ask, a);
}

/* libunbound's callback, possibly from inside ub_resolve_event. */
static void
on_resolved(void *arg, int rcode, void *packet, int length, int sec,
    char *why_bogus, int ratelimited)
{
	struct resolver_ask_ub *ub = arg;
	struct resolver_ask *ask = ub->ask;
	struct resolver_answer a = { .failed = rcode != RCODE_OK,
		.nxdomain = rcode == RCODE_NXDOMAIN, .secure = sec == SECURE,
		.bogus = sec == BOGUS };
	char *copy = NULL;

	(void)why_bogus;
	(void)ratelimited;
	free(ub);
	if (ask == NULL)
		return;
	if (a.nxdomain)
		a.failed = false;
	else if (!a.failed && !a.bogus && length > 0) {
		/* libunbound's buffer: a question asked by on_answer would
		 * write over it. */
		copy = xmalloc((size_t)length);
		memcpy(copy, packet, (size_t)length);
		a.packet = str_n(copy, (size_t)length);
	}
	give(ask, &a);
	free(copy);
}

static void
start(struct resolver *r, struct resolver_ask *ask)
{
	static const struct resolver_answer failed = { .failed = true };
	struct resolver_ask_ub *ub = xcalloc(1, sizeof(*ub));

	ub->ask = ask;
	ask->ub = ub;
	if (ub_resolve_event(r->use, ask->name, ask->type, CLASS_IN, ub,
	        on_resolved, NULL) != 0) {
		free(ub);
		give(ask, &failed);
	}
}

void
resolver_ask(struct resolver *r, struct resolver_ask *ask, const char *name,
    uint16_t type, resolver_fn *on_answer, void *arg)
{
	*ask = (struct resolver_ask){ .resolver = r, .on_answer = on_answer,
		.arg = arg, .type = type };
	snprintf(ask->name, sizeof(ask->name), "%s", name);
	if (r->use == NULL) {
		ask->waiting = true;
		TAILQ_INSERT_TAIL(&r->waiting, ask, entry);
		return;
	}
	start(r, ask);
}

void
resolver_forget(struct resolver_ask *ask)
{
	if (ask->waiting)
		TAILQ_REMOVE(&ask->resolver->waiting, ask, entry);
	ask->waiting = false;
	if (ask->ub != NULL)
		ask->ub->ask = NULL;
	ask->ub = NULL;
}

/* --- does the forwarder pass signatures on? ---------------------------- */

static void
decide(struct resolver *r, bool anchored, const char *why)
{
	struct resolver_ask *ask;
	struct ub_ctx **ctx = anchored ? &r->validating : &r->plain;

	if (*ctx == NULL)
		*ctx = context(r, anchored);
	if (r->use != *ctx) {
		note(anchored ? NOTE_INFO : NOTE_WARN, "dnssec");
		note_c("validating", anchored ? "yes" : "no");
		note_c("why", why);
		note_end();
	}
	r->use = *ctx;
	while ((ask = TAILQ_FIRST(&r->waiting)) != NULL) {
		TAILQ_REMOVE(&r->waiting, ask, entry);
		ask->waiting = false;
		start(r, ask);
	}
}

static bool
has_signed_keys(struct str octets)
{
	struct packet p;
	struct packet_rr rr;
	bool key = false, signature = false;

	if (!packet_open(&p, octets))
		return false;
	while (packet_next(&p, &rr)) {
		key = key || rr.type == RR_DNSKEY;
		signature = signature || rr.type == RR_RRSIG;
	}
	return key && signature;
}

static void
on_probed(void *arg, int rcode, void *packet, int length, int sec,
    char *why_bogus, int ratelimited)
{
	struct resolver_ask_ub *ub = arg;
	struct resolver *r = ub->probe_of;

	(void)sec;
	(void)why_bogus;
	(void)ratelimited;
	free(ub);
	if (r == NULL)
		return;
	r->probe = NULL;
	if (rcode == RCODE_OK && length > 0 &&
	    has_signed_keys(str_n(packet, (size_t)length))) {
		timer_cancel(&r->probe_timer);
		decide(r, true, "the name servers pass signatures on");
		return;
	}
	timer_set(&r->probe_timer, PROBE_AGAIN_MS);
	decide(r, false, "the name servers pass no signatures on");
}

static void
probe(void *arg)
{
	struct resolver *r = arg;
	struct resolver_ask_ub *ub;

	if (r->probe != NULL) { /* no answer in PROBE_WAIT_MS */
		r->probe->probe_of = NULL;
		r->probe = NULL;
		timer_set(&r->probe_timer, PROBE_AGAIN_MS);
		decide(r, false, "the name servers do not answer");
		return;
	}
	timer_set(&r->probe_timer, PROBE_WAIT_MS);
	ub = xcalloc(1, sizeof(*ub));
	ub->probe_of = r;
	r->probe = ub;
	if (ub_resolve_event(r->plain, ".", RR_DNSKEY, CLASS_IN, ub, on_probed,
	        NULL) != 0) {
		free(ub);
		r->probe = NULL;
		decide(r, false, "libunbound cannot ask");
	}
}

struct resolver *
resolver_new(struct loop *l, const struct resolver_conf *conf)
{
	struct resolver *r = xcalloc(1, sizeof(*r));

	r->loop = l;
	r->conf = *conf;
	TAILQ_INIT(&r->waiting);
	timer_init(&r->probe_timer, l, probe, r);
	if (conf->dnssec == DNSSEC_YES ||
	    (conf->dnssec == DNSSEC_AUTO && conf->nservers == 0)) {
		r->validating = r->use = context(r, true);
		return r;
	}
	r->plain = context(r, false);
	if (conf->dnssec == DNSSEC_NO)
		r->use = r->plain;
	else
		timer_set(&r->probe_timer, 0);
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	timer_clear(&r->probe_timer);
	if (r->probe != NULL)
		r->probe->probe_of = NULL;
	if (r->plain != NULL)
		ub_ctx_delete(r->plain);
	if (r->validating != NULL)
		ub_ctx_delete(r->validating);
	free(r);
}
