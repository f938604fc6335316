#include "helpers/dnsd/query.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"

enum { TTL_MAX = 86400 };

static void on_answer(
    struct resolver_ask *from, const struct resolver_answer *a);

/* --- the name ---------------------------------------------------------- */

/* A host or service name in ASCII; U-labels become A-labels (RFC 5891). */
static bool
ascii_name(struct str in, char out[NAME_MAX_TEXT + 1])
{
	char text[NAME_MAX_TEXT + 1], *ascii;
	bool eight_bit = false, ok;

	if (str_ends(in, STR(".")))
		in = str_first(in, in.n - 1);
	if (in.n == 0 || !str_copy(text, sizeof(text), in))
		return false;
	for (size_t i = 0; i < in.n; i++) {
		if ((unsigned char)in.p[i] >= 0x80)
			eight_bit = true;
		else if (!chr_is_alnum(in.p[i]) && in.p[i] != '-' &&
		    in.p[i] != '_' && in.p[i] != '.')
			return false;
	}
	if (!eight_bit) {
		memcpy(out, text, in.n + 1);
		return true;
	}
	if (idn2_to_ascii_8z(text, &ascii,
	        IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
		return false;
	ok = str_copy(out, NAME_MAX_TEXT + 1, str_c(ascii));
	idn2_free(ascii);
	return ok;
}

bool
query_reverse(struct str address, char name[NAME_MAX_TEXT + 1],
    char octets[16], size_t *n)
{
	unsigned char *o = (unsigned char *)octets;
	char text[INET6_ADDRSTRLEN];
	size_t used = 0;

	if (!str_copy(text, sizeof(text), address))
		return false;
	if (inet_pton(AF_INET, text, octets) == 1) {
		*n = 4;
		snprintf(name, NAME_MAX_TEXT + 1, "%u.%u.%u.%u.in-addr.arpa",
		    o[3], o[2], o[1], o[0]);
		return true;
	}
	if (inet_pton(AF_INET6, text, octets) != 1)
		return false;
	*n = 16;
	for (size_t i = 16; i-- > 0; used += 4)
		snprintf(name + used, 5, "%x.%x.", o[i] & 15u, o[i] >> 4);
	snprintf(name + used, 16, "ip6.arpa");
	return true;
}

/* --- records ----------------------------------------------------------- */

static void
add_record(struct query *q, uint32_t value, struct str data)
{
	const size_t at = buf_len(&q->data);

	if (q->is.count == QUERY_RECORDS_MAX || !buf_add(&q->data, data))
		return; /* an answer of this size is nobody's need */
	q->records[q->is.count++] = (struct query_record){ .value = value,
		.at = (uint32_t)at, .n = (uint32_t)data.n };
}

static void
take_mx(struct query *q, const struct packet *p, const struct packet_rr *rr)
{
	char host[NAME_MAX_TEXT + 1];
	uint16_t preference;

	if (packet_mx(p, rr, &preference, host))
		add_record(q, preference, str_c(host));
}

static void
take_addr(struct query *q, const struct packet *p, const struct packet_rr *rr)
{
	(void)p;
	if (rr->type == RR_A && rr->rdata.n == 4)
		add_record(q, 4, rr->rdata);
	else if (rr->type == RR_AAAA && rr->rdata.n == 16)
		add_record(q, 6, rr->rdata);
}

static void
take_txt(struct query *q, const struct packet *p, const struct packet_rr *rr)
{
	struct buf text;

	(void)p;
	buf_init(&text, TXT_MAX);
	if (packet_txt(rr, &text))
		add_record(q, 0, buf_str(&text));
	buf_clear(&text);
}

static void
take_tlsa(struct query *q, const struct packet *p, const struct packet_rr *rr)
{
	(void)p;
	/* usage, selector, type, at least one octet (RFC 6698 2.1) */
	if (rr->type == RR_TLSA && rr->rdata.n > 3 && rr->rdata.n <= 515)
		add_record(q, 0, rr->rdata);
}

static void
ask(struct query *q, const char *name, uint16_t type)
{
	if (q->nasks == QUERY_ASKS_MAX)
		return;
	q->open++;
	resolver_ask(q->resolver, &q->asks[q->nasks++], name, type, on_answer,
	    q);
}

/*
 * PTR first, then the addresses of the names found: a host counts only when
 * it has the address (RFC 8601 2.7.3).
 */
static void
take_ptr(struct query *q, const struct packet *p, const struct packet_rr *rr)
{
	char host[NAME_MAX_TEXT + 1];

	if (q->is.count > 0)
		return;
	if (packet_ptr(p, rr, host))
		ask(q, host, q->address.n == 4 ? RR_A : RR_AAAA);
	else if ((rr->type == RR_A || rr->type == RR_AAAA) &&
	    str_eq(rr->rdata, q->address))
		q->is.count = 1; /* of the ask that is being read */
}

typedef void take_fn(struct query *, const struct packet *,
    const struct packet_rr *);

static take_fn *const takers[] = {
	[DNS_MX] = take_mx,
	[DNS_ADDR] = take_addr,
	[DNS_PTR] = take_ptr,
	[DNS_TXT] = take_txt,
	[DNS_TLSA] = take_tlsa,
};

/* --- the answers ------------------------------------------------------- */

static int
by_preference(const void *a, const void *b)
{
	const struct query_record *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

static void
finish(struct query *q)
{
	timer_cancel(&q->deadline);
	if (q->is.count > 0)
		q->is.result = DNS_FOUND;
	else
		q->is.result = q->worst;
	if (q->kind == DNS_MX)
		qsort(q->records, q->is.count, sizeof(q->records[0]),
		    by_preference);
	q->on_done(q->arg, q);
}

static void
release(struct query *q)
{
	if (--q->open == 0)
		finish(q);
}

static enum dns_result
read_answer(struct query *q, const struct resolver_answer *a)
{
	struct packet p;
	struct packet_rr rr;
	const uint32_t before = q->is.count;

	if (a->bogus)
		return DNS_BOGUS;
	if (a->nxdomain)
		return DNS_NXDOMAIN;
	if (a->failed || !packet_open(&p, a->packet))
		return DNS_TEMPORARY;
	if (p.rcode == RCODE_NXDOMAIN)
		return DNS_NXDOMAIN;
	if (p.rcode != RCODE_OK)
		return DNS_TEMPORARY;
	while (packet_next(&p, &rr)) {
		takers[q->kind](q, &p, &rr);
		if (rr.ttl < q->is.ttl)
			q->is.ttl = rr.ttl;
	}
	return q->is.count > before ? DNS_FOUND : DNS_NODATA;
}

/* PTR: the address was found under the name just asked. */
static void
verified(struct query *q, const struct resolver_ask *from)
{
	q->is.count = 0;
	add_record(q, 0, str_c(from->name));
	for (unsigned i = 0; i < q->nasks; i++) {
		if (q->asks[i].ub == NULL && !q->asks[i].waiting)
			continue;
		resolver_forget(&q->asks[i]);
		q->open--;
	}
}

static void
on_answer(struct resolver_ask *from, const struct resolver_answer *a)
{
	struct query *q = from->arg;
	const bool had = q->is.count > 0;
	const enum dns_result got = read_answer(q, a);

	q->is.secure = q->is.secure && a->secure;
	/* What fails outweighs what does not exist; a name that has one kind
	 * of address is no NXDOMAIN. */
	if (got == DNS_TEMPORARY || got == DNS_BOGUS ||
	    (got == DNS_NODATA && q->worst == DNS_NXDOMAIN))
		q->worst = got;
	if (q->kind == DNS_PTR && !had && q->is.count > 0)
		verified(q, from);
	release(q);
}

static void
on_deadline(void *arg)
{
	struct query *q = arg;

	for (unsigned i = 0; i < q->nasks; i++)
		resolver_forget(&q->asks[i]);
	q->open = 0;
	q->worst = DNS_TEMPORARY;
	finish(q);
}

struct query *
query_new(struct loop *l, struct resolver *r, const struct msg_dns *question)
{
	struct query *q = xcalloc(1, sizeof(*q));
	bool ok;
	size_t n = 0;

	q->resolver = r;
	q->kind = (enum dns_kind)question->kind;
	q->worst = DNS_NXDOMAIN;
	q->is.secure = 1;
	q->is.ttl = TTL_MAX;
	buf_init(&q->data, QUERY_OCTETS_MAX);
	timer_init(&q->deadline, l, on_deadline, q);
	if (q->kind == DNS_PTR)
		ok = query_reverse(question->name, q->name,
		    q->address_octets, &n);
	else
		ok = ascii_name(question->name, q->name);
	q->address = str_n(q->address_octets, n);
	if (!ok) {
		query_free(q);
		return NULL;
	}
	return q;
}

void
query_start(struct query *q, int64_t most_ms,
    void (*on_done)(void *arg, struct query *q), void *arg)
{
	static const uint16_t types[] = {
		[DNS_MX] = RR_MX,
		[DNS_ADDR] = RR_A,
		[DNS_PTR] = RR_PTR,
		[DNS_TXT] = RR_TXT,
		[DNS_TLSA] = RR_TLSA,
	};

	q->on_done = on_done;
	q->arg = arg;
	q->open = 1; /* not done before all is asked */
	timer_set(&q->deadline, most_ms);
	if (q->kind == DNS_ADDR)
		ask(q, q->name, RR_AAAA);
	ask(q, q->name, types[q->kind]);
	release(q);
}

void
query_free(struct query *q)
{
	if (q == NULL)
		return;
	for (unsigned i = 0; i < q->nasks; i++)
		resolver_forget(&q->asks[i]);
	timer_clear(&q->deadline);
	buf_clear(&q->data);
	free(q);
}

void
query_put(const struct query *q, struct buf *out)
{
	const struct str data = buf_str(&q->data);

	for (uint32_t i = 0; i < q->is.count; i++) {
		const struct query_record *from = &q->records[i];
		const struct dns_record r = { .value = from->value,
			.data = str_first(str_from(data, from->at), from->n) };

		if (!wire_put(out, &dns_record_wire, &r))
			fatal("query: a record does not fit");
	}
}
