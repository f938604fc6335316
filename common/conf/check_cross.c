#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "conf/suggest.h"
#include "conf/tree.h"
#include "conf/value.h"

/*
 * These ask the getters, which need values that convert: sections with a
 * mistake are left out.
 */

/* Where a key stands; its section when the file does not set it. */
static struct conf_place
place(const struct conf_section *s, const char *key)
{
	const struct conf_pair *p = conf_pair_find(s, str_c(key));

	if (p == NULL)
		return s->at;
	return p->n > 0 ? p->values[0].at : p->at;
}

/* ---- listen ---- */

static const char *const services[] = { "smtp", "submission", "submissions",
	"lmtp", "imap", "imaps", "pop3", "pop3s" };

static void
check_service(struct conf *c, const struct conf_section *l)
{
	struct suggest s;

	suggest_init(&s, conf_word(l, 0));
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		if (str_eq(conf_word(l, 0), str_c(services[i])))
			return;
		suggest_add(&s, services[i]);
	}
	conf_error(c, l->words[0].at, s.best, s.best != NULL ?
	    "unknown service \"%.*s\"; did you mean \"%s\"?" :
	    "unknown service \"%.*s\"; there are smtp, submission, "
	    "submissions, lmtp, imap, imaps, pop3, pop3s",
	    STR_ARG(str_first(conf_word(l, 0), 40)), s.best);
}

static void
check_listen_address(struct conf *c, const struct conf_section *l)
{
	struct conf_place at = l->words[1].at;
	struct str address = conf_word(l, 1), host, port;
	struct value_net net;
	uint32_t n;

	if (!conf_split_address(address, &host, &port)) {
		conf_error(c, at, "127.0.0.1:25, [::1]:25", "\"%.*s\" is no "
		    "address with a port",
		    STR_ARG(str_first(address, 80)));
	} else if (port.n == 0) {
		if (!str_eq(conf_word(l, 0), STR("lmtp")))
			conf_error(c, at, NULL,
			    "only lmtp can listen on a path");
	} else if (str_find(host, '/') < host.n ||
	    !value_network(host, &net, NULL)) {
		conf_error(c, at, "0.0.0.0 or [::] means all addresses",
		    "\"%.*s\" is no IP address",
		    STR_ARG(str_first(host, 60)));
	} else if (!num_u32(port, &n) || n > 65535) {
		conf_error(c, at, NULL, "\"%.*s\" is no port",
		    STR_ARG(str_first(port, 20)));
	}
}

static void
check_listeners(struct conf *c)
{
	const struct conf_section *l = NULL, *other;
	char where[256];
	size_t n = 0;

	while ((l = conf_next(c->root, "listen", l)) != NULL) {
		n++;
		check_service(c, l);
		check_listen_address(c, l);
		if (str_ends(conf_word(l, 1), STR(":0")))
			continue; /* any free port: never the same */
		for (other = conf_next(c->root, "listen", NULL); other != l;
		    other = conf_next(c->root, "listen", other))
			/* The same words were found by the parser. */
			if (str_eq(conf_word(other, 1), conf_word(l, 1)) &&
			    !str_eq(conf_word(other, 0), conf_word(l, 0)))
				conf_error(c, l->words[1].at, NULL,
				    "%.*s is taken by listen %.*s at %s",
				    STR_ARG(conf_word(l, 1)),
				    STR_ARG(conf_word(other, 0)),
				    conf_place_text(c, other->at, where));
	}
	if (n == 0)
		conf_warn(c, c->root->at, "listen smtp 0.0.0.0:25",
		    "nothing listens: no mail comes in from outside");
}

/* ---- tls ---- */

/* The file's beginning has the words of a PEM file of that kind. */
static void
check_pem(struct conf *c, const struct conf_section *tls, const char *key,
    const char *mark)
{
	struct str path = conf_str(tls, key);
	char head[65536 + 1];
	struct stat st;
	ssize_t n;
	int fd = open(path.p, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd == -1 || (n = read(fd, head, sizeof(head) - 1)) == -1) {
		conf_error(c, place(tls, key), NULL, "cannot read %.*s: %s",
		    STR_ARG(path), strerror(errno));
		if (fd != -1)
			close(fd);
		return;
	}
	head[n] = '\0';
	if (strstr(head, mark) == NULL)
		conf_error(c, place(tls, key), NULL, "%.*s has no %s",
		    STR_ARG(path), mark);
	if (strcmp(key, "key") == 0 && fstat(fd, &st) == 0 &&
	    (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		conf_warn(c, place(tls, key), NULL,
		    "%.*s can be read by every user of this machine",
		    STR_ARG(path));
	close(fd);
}

static void
check_tls(struct conf *c, unsigned what)
{
	const struct conf_section *tls = conf_one(c->root, "tls");
	bool files, cert, key;

	if (tls->bad)
		return;
	files = str_eq(conf_str(tls, "certificate"), STR("files"));
	cert = conf_is_set(tls, "cert");
	key = conf_is_set(tls, "key");
	if (files && !cert)
		conf_error(c, place(tls, "certificate"), NULL,
		    "certificate = files needs cert = PATH");
	if (files && !key)
		conf_error(c, place(tls, "certificate"), NULL,
		    "certificate = files needs key = PATH");
	if (!files && (cert || key))
		conf_error(c, place(tls, cert ? "cert" : "key"),
		    "certificate = files",
		    "%s is not used without certificate = files",
		    cert ? "cert" : "key");
	if (files && cert && key && (what & CONF_CHECK_FILES) != 0) {
		check_pem(c, tls, "cert", "-----BEGIN CERTIFICATE-----");
		check_pem(c, tls, "key", "PRIVATE KEY-----");
	}
}

/* ---- domains, aliases, routes ---- */

static bool
is_domain(const struct conf *c, struct str name)
{
	const struct conf_section *d = NULL;

	while ((d = conf_next(c->root, "domain", d)) != NULL)
		if (str_ieq(conf_word(d, 0), name))
			return true;
	return false;
}

/* name, or name@domain, is this alias itself. */
static bool
is_itself(struct str target, struct str name, struct str domain)
{
	struct str local = str_take_until(&target, '@');

	return str_ieq(local, name) &&
	    (target.n == 0 || str_ieq(target, domain));
}

static void
check_aliases(struct conf *c, const struct conf_section *domain)
{
	const struct conf_section *a = conf_one(domain, "aliases");
	const struct conf_pair *p;

	if (a->bad)
		return;
	TAILQ_FOREACH(p, &a->pairs, entry) {
		if (str_find(p->name, '@') < p->name.n)
			conf_error(c, p->at, NULL, "an alias stands without @; "
			    "it belongs to the domain around it");
		if (p->n == 0)
			conf_error(c, p->at, NULL, "%.*s leads nowhere",
			    STR_ARG(p->name));
		/* A list that has itself besides others is an account with
		 * copies; alone it is a loop. */
		if (p->n == 1 && is_itself(p->values[0].text, p->name,
		    conf_word(domain, 0)))
			conf_error(c, p->values[0].at, NULL,
			    "%.*s leads to itself", STR_ARG(p->name));
	}
}

static void
check_domains(struct conf *c)
{
	const struct conf_section *accounts = conf_one(c->root, "accounts");
	const struct conf_section *d = NULL;
	struct value_why why;
	struct str def = STR("");

	if (!accounts->bad)
		def = conf_str(accounts, "default_domain");
	while ((d = conf_next(c->root, "domain", d)) != NULL) {
		if (!value_domain(conf_word(d, 0), true, &why))
			conf_error(c, d->words[0].at, NULL, "%s", why.text);
		check_aliases(c, d);
	}
	if (def.n != 0 && conf_next(c->root, "domain", NULL) != NULL &&
	    !is_domain(c, def))
		conf_warn(c, place(accounts, "default_domain"), NULL,
		    "%.*s is no domain of this file", STR_ARG(def));
}

bool
conf_hop_ok(struct str via)
{
	struct str host, port = STR("");
	bool lmtp = str_take_iprefix(&via, STR("lmtp:"));
	struct value_net net;
	uint32_t n;

	if (lmtp && str_starts(via, STR("/")))
		return true;
	if (str_find(via, ':') == via.n) {
		host = via;
		if (str_take_char(&host, '[') && host.n > 0 &&
		    host.p[host.n - 1] == ']')
			host.n--;
	} else if (!conf_split_address(via, &host, &port)) {
		return false;
	}
	if (port.n != 0 && (!num_u32(port, &n) || n == 0 || n > 65535))
		return false;
	return value_domain(host, false, NULL) ||
	    value_network(host, &net, NULL);
}

static void
check_routes(struct conf *c)
{
	const struct conf_section *r = NULL;
	struct value_why why;

	while ((r = conf_next(c->root, "route", r)) != NULL) {
		struct str domain = conf_word(r, 0), via;

		(void)str_take_prefix(&domain, STR("*."));
		if (!str_eq(domain, STR("*")) &&
		    !value_domain(domain, true, &why))
			conf_error(c, r->words[0].at, NULL, "%s", why.text);
		if (is_domain(c, conf_word(r, 0)))
			conf_error(c, r->words[0].at, NULL,
			    "%.*s is delivered here, by its domain section",
			    STR_ARG(domain));
		if (r->bad)
			continue;
		via = conf_str(r, "via");
		if (via.n != 0 && !conf_hop_ok(via))
			conf_error(c, place(r, "via"), NULL, "\"%.*s\" is no "
			    "next hop: host, host:port, \"[host]:port\", "
			    "\"lmtp:[host]:port\" or \"lmtp:/path\"",
			    STR_ARG(str_first(via, 80)));
		/* The program that connects has an empty root folder then. */
		if (geteuid() == 0 && str_starts(via, STR("lmtp:/")))
			conf_error(c, place(r, "via"), "lmtp:[127.0.0.1]:24",
			    "a server started as root cannot reach a socket "
			    "by its path; let it listen on a port");
	}
}

/* ---- risks ---- */

/* Networks of IPv6 that stand for all of IPv4. */
static const struct {
	const char *net;
	unsigned bits; /* behind these the IPv4 address begins */
} v4_in_v6[] = { { "::ffff:0.0.0.0", 96 }, { "64:ff9b::", 96 },
	{ "2002::", 16 } };

static bool
same_prefix(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8;
	unsigned char mask = (unsigned char)(0xff00u >> bits % 8);

	return memcmp(a, b, whole) == 0 &&
	    (bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

/* Prefix length as one of IPv4; 33 for what is not. */
static unsigned
bits_of_v4(const struct value_net *net)
{
	struct value_net known;
	unsigned least;

	if (net->octets == 4)
		return net->bits;
	for (size_t i = 0; i < sizeof(v4_in_v6) / sizeof(v4_in_v6[0]); i++) {
		if (!value_network(str_c(v4_in_v6[i].net), &known, NULL))
			continue;
		least = net->bits < v4_in_v6[i].bits ? net->bits :
		    v4_in_v6[i].bits;
		if (same_prefix(net->addr, known.addr, least))
			return net->bits < v4_in_v6[i].bits ? 0 :
			    net->bits - v4_in_v6[i].bits;
	}
	return 33;
}

/* A network so large that it is the Internet. */
static void
check_open_relay(struct conf *c)
{
	const struct conf_section *relay = conf_one(c->root, "relay");
	const struct conf_pair *p = conf_pair_find(relay, STR("allow_from"));
	struct value_net net;
	uint64_t all = 0;

	if (relay->bad)
		return;
	if (!conf_bool(relay, "require_auth"))
		conf_error(c, place(relay, "require_auth"),
		    "require_auth = yes", "this would be an open relay: "
		    "anybody could send anywhere");
	for (size_t i = 0; p != NULL && i < p->n; i++) {
		unsigned v4;

		if (!value_network(p->values[i].text, &net, NULL))
			continue;
		v4 = bits_of_v4(&net);
		all += v4 <= 32 ? 1ull << (32 - v4) : 0;
		if (v4 < 8 || (net.octets == 16 && net.bits < 16)) {
			conf_error(c, p->values[i].at, NULL,
			    "this would be an open relay: relay from %.*s; "
			    "name a smaller network",
			    STR_ARG(p->values[i].text));
			all = 0;
		}
	}
	if (all >= 1ull << 30)
		conf_error(c, p->at, NULL, "this would be an open relay: the "
		    "networks are a quarter of the Internet together");
}

static void
check_queue(struct conf *c, const struct conf_section *q)
{
	if (conf_ms(q, "retry_min") > conf_ms(q, "retry_max"))
		conf_error(c, place(q, conf_is_set(q, "retry_min") ?
		    "retry_min" : "retry_max"), NULL,
		    "retry_min is longer than retry_max");
	if (conf_is_set(q, "warn_sender_after") &&
	    conf_ms(q, "warn_sender_after") >= conf_ms(q, "lifetime"))
		conf_error(c, place(q, "warn_sender_after"), NULL,
		    "warn_sender_after is not shorter than lifetime");
}

static void
check_times(struct conf *c)
{
	const struct conf_section *q = conf_one(c->root, "queue");
	const struct conf_section *submit = conf_one(c->root, "submit");

	if (!q->bad)
		check_queue(c, q);
	if (submit->bad)
		return;
	if (!conf_bool(submit, "require_tls"))
		conf_warn(c, place(submit, "require_tls"), NULL,
		    "passwords may travel over the network unencrypted");
	if (!conf_bool(submit, "from_must_match"))
		conf_warn(c, place(submit, "from_must_match"), NULL,
		    "every account may write under every sender address");
}

void
conf_check_cross(struct conf *c, unsigned what)
{
	check_listeners(c);
	check_tls(c, what);
	check_domains(c);
	check_routes(c);
	check_open_relay(c);
	check_times(c);
}
