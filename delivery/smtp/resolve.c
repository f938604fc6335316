#include "delivery/smtp/resolve.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/crc32c.h"
#include "base/fatal.h"

static void ask_hosts(struct resolve *r);

__attribute__((format(printf, 5, 6))) static void
fail(struct resolve *r, enum job_status status, unsigned code,
    const char *enhanced, const char *fmt, ...)
{
	struct resolve_failure f = { .status = status, .code = code,
		.enhanced = enhanced };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f.text, sizeof(f.text), fmt, ap);
	va_end(ap);
	r->on_done(r->arg, &f);
}

static void
fail_names(struct resolve *r, const char *name)
{
	fail(r, JOB_TEMPORARY, 451, "4.4.3",
	    "the name %s cannot be looked up now", name);
}

/* --- addresses --------------------------------------------------------- */

static bool
add_target(struct resolve *r, const char *host, uint32_t preference,
    struct str octets)
{
	struct target *t = &r->targets[r->ntargets];

	if (r->ntargets == RESOLVE_TARGETS_MAX)
		return false;
	*t = (struct target){ .preference = preference };
	snprintf(t->host, sizeof(t->host), "%s", host);
	if (octets.n == 4) {
		t->length = sizeof(t->at.in);
		t->at.in.sin_family = AF_INET;
		t->at.in.sin_port = htons(r->port);
		memcpy(&t->at.in.sin_addr, octets.p, 4);
	} else if (octets.n == 16) {
		t->length = sizeof(t->at.in6);
		t->at.in6.sin6_family = AF_INET6;
		t->at.in6.sin6_port = htons(r->port);
		memcpy(&t->at.in6.sin6_addr, octets.p, 16);
	} else {
		return false;
	}
	r->ntargets++;
	return true;
}

static int
by_preference(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	return (x->preference > y->preference) -
	    (x->preference < y->preference);
}

static unsigned
random_below(unsigned n)
{
	unsigned v = 0;

	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		fatal_errno("getrandom");
	return v % n;
}

/* RFC 5321 5.1: equal preferences in random order, to spread the load. */
static void
order(struct resolve *r)
{
	for (size_t i = r->ntargets; i > 1; i--) {
		const size_t j = random_below((unsigned)i);
		const struct target t = r->targets[i - 1];

		r->targets[i - 1] = r->targets[j];
		r->targets[j] = t;
	}
	qsort(r->targets, r->ntargets, sizeof(r->targets[0]), by_preference);
}

static void
addresses_known(struct resolve *r)
{
	if (r->ntargets > 0) {
		order(r);
		r->on_done(r->arg, NULL);
	} else if (r->temporary) {
		fail_names(r, r->domain);
	} else if (r->implicit) {
		fail(r, JOB_PERMANENT, 550, "5.1.2",
		    "the domain %s has no mail server and no address",
		    r->domain);
	} else {
		fail(r, JOB_PERMANENT, 550, "5.4.4",
		    "no mail server of %s has an address", r->domain);
	}
}

static void
on_addresses(struct name_ask *ask, const struct msg_dns_is *is,
    struct str records)
{
	struct resolve *r = ask->arg;
	struct dns_record record;
	size_t host = 0;

	while (&r->hosts[host].ask != ask)
		host++;
	if (is->result == DNS_TEMPORARY || is->result == DNS_BOGUS)
		r->temporary = true;
	while (wire_take(&records, &dns_record_wire, &record))
		add_target(r, r->hosts[host].name, r->hosts[host].preference,
		    record.data);
	if (--r->open == 0)
		addresses_known(r);
}

static void
ask_hosts(struct resolve *r)
{
	r->open = r->nhosts;
	for (size_t i = 0; i < r->nhosts; i++)
		names_ask(r->names, &r->hosts[i].ask, DNS_ADDR,
		    str_c(r->hosts[i].name), on_addresses, r);
}

static void
add_host(struct resolve *r, struct str name, uint32_t preference)
{
	if (r->nhosts == RESOLVE_HOSTS_MAX ||
	    !str_copy(r->hosts[r->nhosts].name, sizeof(r->hosts[0].name), name))
		return;
	r->hosts[r->nhosts++].preference = preference;
}

/* --- mail exchangers --------------------------------------------------- */

/*
 * RFC 5321 5.1: when we are in the list, only hosts before us count; when
 * none is left, mail would go round in circles.
 */
static bool
read_exchangers(struct resolve *r, struct str records, bool *loop)
{
	struct dns_record record;
	bool null_mx = false;

	*loop = false;
	while (wire_take(&records, &dns_record_wire, &record)) {
		if (record.data.n == 0) {
			null_mx = true;
		} else if (str_ieq(record.data, str_c(r->self))) {
			*loop = true;
			while (r->nhosts > 0 &&
			    r->hosts[r->nhosts - 1].preference >= record.value)
				r->nhosts--;
			break; /* they are sorted */
		} else {
			add_host(r, record.data, record.value);
		}
	}
	return null_mx && r->nhosts == 0 && !*loop;
}

static void
on_mx(struct name_ask *ask, const struct msg_dns_is *is, struct str records)
{
	struct resolve *r = ask->arg;
	bool loop;

	switch ((enum dns_result)is->result) {
	case DNS_FOUND:
		if (read_exchangers(r, records, &loop)) {
			fail(r, JOB_PERMANENT, 556, "5.1.10",
			    "the domain %s takes no mail (null MX)",
			    r->domain);
			return;
		}
		if (r->nhosts == 0 && loop) {
			fail(r, JOB_PERMANENT, 554, "5.4.6",
			    "mail for %s loops back to this server",
			    r->domain);
			return;
		}
		break;
	case DNS_NODATA:
		r->implicit = true;
		add_host(r, str_c(r->domain), 0);
		break;
	case DNS_NXDOMAIN:
		fail(r, JOB_PERMANENT, 550, "5.1.2",
		    "the domain %s does not exist", r->domain);
		return;
	case DNS_TEMPORARY:
	case DNS_BOGUS:
		fail_names(r, r->domain);
		return;
	}
	if (r->nhosts == 0)
		addresses_known(r);
	else
		ask_hosts(r);
}

/* --- start ------------------------------------------------------------- */

static bool
add_literal(struct resolve *r)
{
	char octets[16];

	return (inet_pton(AF_INET, r->domain, octets) == 1 &&
	           add_target(r, r->domain, 0, str_n(octets, 4))) ||
	    (inet_pton(AF_INET6, r->domain, octets) == 1 &&
	        add_target(r, r->domain, 0, str_n(octets, 16)));
}

static void
use_path(struct resolve *r)
{
	struct target *t = &r->targets[0];

	*t = (struct target){ .length = sizeof(t->at.un) };
	t->at.un.sun_family = AF_UNIX;
	snprintf(t->host, sizeof(t->host), "localhost");
	if (!str_copy(t->at.un.sun_path, sizeof(t->at.un.sun_path),
	        r->hop.path)) {
		fail(r, JOB_TEMPORARY, 451, "4.3.5",
		    "the path of the socket is too long");
		return;
	}
	r->ntargets = 1;
	r->on_done(r->arg, NULL);
}

void
resolve_start(struct resolve *r, struct names *names, const char *self,
    const struct hop *hop, uint16_t default_port,
    void (*on_done)(void *arg, const struct resolve_failure *failure),
    void *arg)
{
	*r = (struct resolve){ .names = names, .self = self, .hop = *hop,
		.port = hop->port != 0 ? hop->port : default_port,
		.on_done = on_done, .arg = arg };
	str_copy(r->domain, sizeof(r->domain), hop->host);
	if (hop->path.n > 0) {
		use_path(r);
	} else if (!hop->mx && add_literal(r)) {
		on_done(arg, NULL);
	} else if (hop->mx) {
		names_ask(names, &r->mx, DNS_MX, hop->host, on_mx, r);
	} else {
		r->implicit = true;
		add_host(r, hop->host, 0);
		ask_hosts(r);
	}
}

void
resolve_cancel(struct resolve *r)
{
	names_forget(&r->mx);
	for (size_t i = 0; i < r->nhosts; i++)
		names_forget(&r->hosts[i].ask);
}

/* --- what they are called ----------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	return str_icmp(*x, *y);
}

static void
add_name(struct buf *out, struct str name)
{
	if (buf_len(out) != 0)
		buf_add_char(out, ',');
	for (size_t i = 0; i < name.n; i++)
		buf_add_char(out, chr_lower(name.p[i]));
}

void
resolve_hosts(const struct resolve *r, struct buf *out)
{
	struct str names[RESOLVE_HOSTS_MAX];
	uint32_t rest = 0;

	if (!r->hop.mx)
		return;
	for (size_t i = 0; i < r->nhosts; i++)
		names[i] = str_c(r->hosts[i].name);
	qsort(names, r->nhosts, sizeof(names[0]), by_name);
	for (size_t i = 0; i < r->nhosts; i++) {
		if (i > 0 && str_ieq(names[i], names[i - 1]))
			continue;
		if (buf_len(out) + names[i].n < HOSTS_MAX - 32)
			add_name(out, names[i]);
		else
			rest = crc32c(rest, names[i].p, names[i].n);
	}
	/* Too many to be named; they still tell sets apart. */
	if (rest != 0)
		buf_addf(out, ",#%08x", (unsigned)rest);
	if (r->hop.port != 0)
		buf_addf(out, ":%u", (unsigned)r->hop.port);
}

void
target_address(const struct target *t, char out[TARGET_ADDRESS])
{
	out[0] = '\0';
	if (t->at.sa.sa_family == AF_UNIX)
		snprintf(out, TARGET_ADDRESS, "%s", t->at.un.sun_path);
	else if (t->at.sa.sa_family == AF_INET6)
		inet_ntop(
		    AF_INET6, &t->at.in6.sin6_addr, out, TARGET_ADDRESS);
	else
		inet_ntop(AF_INET, &t->at.in.sin_addr, out, TARGET_ADDRESS);
}

void
target_text(const struct target *t, char out[TARGET_TEXT])
{
	char address[TARGET_ADDRESS];

	target_address(t, address);
	snprintf(out, TARGET_TEXT, "%s [%s]", t->host, address);
}
