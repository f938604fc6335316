#include "helpers/routerd/resolve.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/list.h"
#include "helpers/routerd/name.h"
#include "mail/addr.h"

/* What one address is, without following aliases. */
enum found { FOUND_ALIAS, FOUND_END };

/* One question. */
struct work {
	const struct resolver *r;
	struct pool *pool;
	struct resolved *out;
};

/* An address whose aliases are to be followed. */
struct item {
	STAILQ_ENTRY(item) entry;
	struct str address;
	uint32_t level;
};
STAILQ_HEAD(items, item);

static void
say(const struct resolver *r, struct str address, const char *rule,
    struct str result)
{
	if (r->step != NULL)
		r->step(r->step_arg, address, rule, result);
}

static void
reject(struct resolved *out, uint32_t code, const char *text)
{
	out->is = (struct msg_route_is){
		.kind = code < 500 ? ROUTE_TEMPORARY : ROUTE_REJECT,
		.code = code, .text = str_c(text) };
}

struct str
resolver_default_domain(const struct resolver *r)
{
	struct domain *only;
	size_t pos = 0;

	if (r->default_domain.n != 0)
		return r->default_domain;
	only = map_next(&r->dir->domains, &pos, NULL);
	return only != NULL && r->dir->domains.n == 1 ? str_c(only->name)
	                                              : STR_NONE;
}

struct str
resolve_name(const struct resolver *r, struct pool *pool, struct str address)
{
	struct str domain = resolver_default_domain(r), out = STR_NONE;
	struct buf b;

	/* RFC 5321 4.1.1.3: postmaster without a domain is always legal. */
	if (domain.n == 0 && str_ieq(address, STR("postmaster")))
		domain = r->hostname;
	buf_init(&b, BUF_NO_MAX);
	if (name_address(&b, address, domain))
		out = pool_str(pool, buf_str(&b));
	buf_clear(&b);
	return out;
}

static struct str
join(struct pool *pool, struct str local, struct str domain)
{
	struct buf b;
	struct str s;

	buf_init(&b, BUF_NO_MAX);
	buf_add(&b, local);
	buf_add_char(&b, '@');
	buf_add(&b, domain);
	s = pool_str(pool, buf_str(&b));
	buf_clear(&b);
	return s;
}

/* The part before the first character that begins an extension. */
static struct str
base_of(struct str local, const struct domain *d, struct str *ext)
{
	for (size_t i = 1; i + 1 < local.n; i++)
		if (strchr(d->plus, local.p[i]) != NULL) {
			*ext = str_from(local, i + 1);
			return str_first(local, i);
		}
	*ext = STR_NONE;
	return local;
}

static void
set_account(struct work *w, const struct account *a, struct str ext)
{
	struct msg_route_is *is = &w->out->is;
	struct buf path;

	*is = (struct msg_route_is){ .kind = ROUTE_LOCAL,
		.account = pool_str(w->pool, str_c(a->name)),
		.mailbox = ext, .root = a->root, .uid = a->uid, .gid = a->gid,
		.quota = directory_quota(w->r->dir, a), .full = a->full,
		.locked = a->locked };
	if (a->path != NULL) {
		is->path = pool_str(w->pool, str_c(a->path));
		return;
	}
	buf_init(&path, PATH_OPEN_MAX);
	if (name_path(&path, str_c(a->name)))
		is->path = pool_str(w->pool, buf_str(&path));
	else
		reject(w->out, 550, "5.1.3 no such mailbox name");
	buf_clear(&path);
}

/* System users: home/Maildir, below the root of the file system. */
static void
set_user(struct work *w, const struct user *u, struct str address,
    struct str ext)
{
	struct buf path;
	struct str home = u->home;

	while (str_take_char(&home, '/'))
		;
	buf_init(&path, PATH_OPEN_MAX);
	buf_add(&path, home);
	buf_add_c(&path, "/Maildir");
	w->out->is = (struct msg_route_is){ .kind = ROUTE_LOCAL,
		.account = address, .mailbox = ext,
		.path = pool_str(w->pool, buf_str(&path)),
		.root = MAIL_ROOT_SYSTEM, .uid = u->uid, .gid = u->gid };
	if (path.overflow || home.n == 0)
		reject(w->out, 550, "5.2.0 no home folder for mail");
	buf_clear(&path);
}

/* true: the answer is in out (or it has to be asked for). */
static bool
try_user(struct work *w, const struct domain *d, struct str local,
    struct str ext)
{
	struct user u;

	if (!d->system_users)
		return false;
	w->out->is_live = true;
	u = w->r->user(w->r->arg, local);
	switch (u.state) {
	case USER_NO:
		return false;
	case USER_YES:
		set_user(w, &u, join(w->pool, local, str_c(d->name)), ext);
		return true;
	case USER_ASK:
		w->out->ask = true;
		reject(w->out, 451, "4.3.0 try again later");
		return true;
	case USER_TEMPORARY:
		reject(w->out, 451, "4.3.0 users cannot be looked up now");
		return true;
	}
	return false;
}

/* A mailbox of this very name (or of its base, then with ext). */
static bool
try_mailbox(struct work *w, const struct domain *d, struct str local,
    struct str ext)
{
	struct str address = join(w->pool, local, str_c(d->name));
	const struct account *a = directory_account(w->r->dir, address);

	if (a != NULL) {
		set_account(w, a, ext);
		say(w->r, address, "account", w->out->is.path);
		return true;
	}
	if (!try_user(w, d, local, ext))
		return false;
	say(w->r, address, "system user", w->out->is.path);
	return true;
}

static const struct alias *
try_alias(struct work *w, const struct domain *d, struct str local)
{
	struct str address = join(w->pool, local, str_c(d->name));
	const struct alias *a = directory_alias(w->r->dir, address);

	if (a != NULL)
		say(w->r, address, "alias", str_c(a->to[0]));
	return a;
}

/* The same for the whole local part, then for what is before "+ext". */
static enum found
find_named(struct work *w, const struct domain *d, struct str local,
    bool aliases, const struct alias **alias, bool *found)
{
	struct str ext, base = base_of(local, d, &ext);
	struct str tries[2] = { local, base }, exts[2] = { STR_NONE, ext };

	*found = true;
	for (int i = 0; i < (base.n != local.n ? 2 : 1); i++) {
		if (aliases && (*alias = try_alias(w, d, tries[i])) != NULL)
			return FOUND_ALIAS;
		if (try_mailbox(w, d, tries[i], exts[i]))
			return FOUND_END;
	}
	*found = false;
	return FOUND_END;
}

/* One address in place of another, in the pool. */
static const struct alias *
stand_in(struct work *w, struct str name, struct str to)
{
	struct alias *a = pool_alloc(w->pool, sizeof(*a));

	a->name = (char *)(uintptr_t)pool_str(w->pool, name).p;
	a->to = pool_alloc(w->pool, sizeof(char *));
	a->to[0] = (char *)(uintptr_t)pool_str(w->pool, to).p;
	a->n = 1;
	return a;
}

/* Who gets this postmaster's mail: RFC 5321 4.5.1 wants somebody.  With no
 * admin that leads anywhere it is who was there first. */
static struct str
postmaster(const struct resolver *r, struct str address)
{
	if (r->admin.n != 0 && !str_eq(r->admin, address))
		return r->admin;
	return r->dir->oldest != NULL ? str_c(r->dir->oldest->name) : STR_NONE;
}

static enum found
find_local(struct work *w, const struct domain *d, struct str address,
    struct str local, bool aliases, const struct alias **alias)
{
	bool found;
	enum found f = find_named(w, d, local, aliases, alias, &found);

	if (found)
		return f;
	if (aliases && str_eq(local, STR("postmaster"))) {
		struct str admin = postmaster(w->r, address);

		if (admin.n != 0) {
			say(w->r, address, "postmaster", admin);
			*alias = stand_in(w, address, admin);
			return FOUND_ALIAS;
		}
	}
	if (aliases && d->catch_all != NULL &&
	    !str_eq(str_c(d->catch_all), address)) {
		say(w->r, address, "catch-all", str_c(d->catch_all));
		*alias = stand_in(w, address, str_c(d->catch_all));
		return FOUND_ALIAS;
	}
	reject(w->out, 550, "5.1.1 no such mailbox");
	say(w->r, address, "no such mailbox", STR("550 5.1.1"));
	return FOUND_END;
}

/* "*.d" fits all below d; longer is more specific; "*" fits all. */
static size_t
route_fits(struct str pattern, struct str domain)
{
	if (str_eq(pattern, STR("*")))
		return 1;
	if (str_starts(pattern, STR("*.")))
		return str_iends(domain, str_from(pattern, 1)) &&
		    domain.n >= pattern.n ? pattern.n : 0;
	return str_ieq(pattern, domain) ? SIZE_MAX : 0;
}

static const struct route_rule *
find_route(const struct resolver *r, struct str domain)
{
	const struct route_rule *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < r->nroutes; i++) {
		size_t fit = route_fits(r->routes[i].domain, domain);

		if (fit > most) {
			most = fit;
			best = &r->routes[i];
		}
	}
	return best;
}

/* "[192.0.2.1]" and "[IPv6:2001:db8::1]" as next hops. */
static struct str
literal_hop(struct pool *pool, struct str literal)
{
	struct str host = str_first(str_from(literal, 1), literal.n - 2), s;
	struct buf b;

	str_take_iprefix(&host, STR("IPv6:"));
	buf_init(&b, NEXT_HOP_MAX);
	buf_addf(&b, "[%.*s]:25", STR_ARG(host));
	s = pool_str(pool, buf_str(&b));
	buf_clear(&b);
	return s;
}

static void
find_remote(struct work *w, struct str address, struct str domain)
{
	const struct route_rule *rule = find_route(w->r, domain);
	struct msg_route_is *is = &w->out->is;

	*is = (struct msg_route_is){ .kind = ROUTE_REMOTE };
	is->tls = rule != NULL ? rule->tls : ROUTE_TLS_MAY;
	is->next_hop = rule != NULL && rule->via.n != 0 ? rule->via :
	    addr_is_literal(domain) ? literal_hop(w->pool, domain) : domain;
	say(w->r, address, rule != NULL && rule->via.n != 0 ? "route" : "MX",
	    is->next_hop);
}

/* This machine's name is ours even when no domain has it: for postmaster. */
static const struct domain *
find_domain(const struct work *w, struct str domain)
{
	static char plus[] = "";
	struct domain *d = directory_domain(w->r->dir, domain), *host;

	if (d != NULL || !str_ieq(domain, w->r->hostname))
		return d;
	host = pool_alloc(w->pool, sizeof(*host));
	host->name = (char *)(uintptr_t)pool_str(w->pool, domain).p;
	host->plus = plus;
	return host;
}

static enum found
find(struct work *w, struct str address, bool may_relay, bool aliases,
    const struct alias **alias)
{
	struct str local, domain;
	const struct domain *d;

	*alias = NULL;
	name_split(address, &local, &domain);
	d = find_domain(w, domain);
	if (d != NULL)
		return find_local(w, d, address, local, aliases, alias);
	if (may_relay) {
		find_remote(w, address, domain);
	} else {
		reject(w->out, 554, "5.7.1 relay access denied");
		say(w->r, address, "not ours", STR("554 5.7.1"));
	}
	return FOUND_END;
}

/* The state of following one address to its ends. */
struct expansion {
	struct work *w;
	struct items todo;
	struct map seen;  /* aliases followed */
	struct map ends;  /* in the list */
	struct str *list; /* grows; moved to the pool at the end */
	size_t n, cap;
	bool may_relay;   /* what was asked about, not what it leads to */
	bool temporary;
	bool itself;      /* what was asked about is no alias */
};

static void
add_end(struct expansion *x, struct str address)
{
	if (map_set(&x->ends, address, x) != NULL)
		return;
	if (x->n == x->cap) {
		x->cap = x->cap == 0 ? 16 : x->cap * 2;
		x->list = xreallocarray(x->list, x->cap, sizeof(*x->list));
	}
	x->list[x->n++] = address;
}

static void
add_todo(struct expansion *x, struct str address, uint32_t level)
{
	struct item *i = pool_alloc(x->w->pool, sizeof(*i));

	i->address = address;
	i->level = level;
	STAILQ_INSERT_TAIL(&x->todo, i, entry);
}

/* An alias met again is the mailbox of that name, or the end of a loop. */
static void
met_again(struct expansion *x, struct str address)
{
	const struct alias *none;

	find(x->w, address, true, false, &none);
	if (x->w->out->is.kind == ROUTE_LOCAL)
		add_end(x, address);
	else if (x->w->out->is.kind == ROUTE_TEMPORARY)
		x->temporary = true;
	else
		say(x->w->r, address, "loop", STR("left out"));
}

static void
expand_one(struct expansion *x, const struct item *i)
{
	const struct alias *a;

	if (i->level > x->w->r->depth) {
		/* Not followed any further: it comes back as unknown. */
		say(x->w->r, i->address, "too deep", STR("not followed"));
		add_end(x, i->address);
		return;
	}
	if (map_get(&x->seen, i->address) != NULL) {
		met_again(x, i->address);
		return;
	}
	if (find(x->w, i->address, i->level != 0 || x->may_relay, true, &a) ==
	    FOUND_END) {
		if (i->level == 0)
			x->itself = true;
		else if (x->w->out->is.kind == ROUTE_TEMPORARY)
			x->temporary = true;
		else
			add_end(x, i->address);
		return;
	}
	map_set(&x->seen, i->address, x);
	/* sales+x and sales are the same alias. */
	map_set(&x->seen, str_c(a->name), x);
	for (size_t k = 0; k < a->n; k++)
		add_todo(x, str_c(a->to[k]), i->level + 1);
}

static void
make_list(struct expansion *x, struct resolved *out)
{
	out->is = (struct msg_route_is){ .kind = ROUTE_LIST };
	out->n = x->n;
	out->list = pool_alloc(x->w->pool, x->n * sizeof(*out->list));
	for (size_t i = 0; i < x->n; i++)
		out->list[i] = pool_str(x->w->pool, x->list[i]);
}

/* A mailbox may be had by any name; another server knows its own names only,
 * so there it is a list of one. */
static void
find_the_one(struct expansion *x, struct str address, struct resolved *out)
{
	struct resolver quiet = *x->w->r;
	struct work again = { &quiet, x->w->pool, out };
	const struct alias *none;

	quiet.step = NULL;
	find(&again, x->list[0], true, false, &none);
	if (out->is.kind == ROUTE_REMOTE && !str_ieq(x->list[0], address))
		make_list(x, out);
}

static void
finish_expansion(
    struct expansion *x, struct str address, struct resolved *out)
{
	if (x->itself)
		return;
	if (x->temporary) {
		reject(out, 451, "4.3.0 users cannot be looked up now");
	} else if (x->n > x->w->r->expansions) {
		reject(out, 554, "5.4.6 the alias stands for too many");
	} else if (x->n == 0) {
		reject(out, 554, "5.4.6 the alias leads to itself");
	} else if (x->n == 1) {
		find_the_one(x, address, out);
	} else {
		make_list(x, out);
	}
}

static void
expand(struct work *w, struct str address, bool may_relay)
{
	struct expansion x = { .w = w, .may_relay = may_relay };
	struct item *i;

	STAILQ_INIT(&x.todo);
	map_init(&x.seen);
	map_init(&x.ends);
	add_todo(&x, address, 0);
	while ((i = STAILQ_FIRST(&x.todo)) != NULL &&
	    x.n <= w->r->expansions) {
		STAILQ_REMOVE_HEAD(&x.todo, entry);
		expand_one(&x, i);
	}
	finish_expansion(&x, address, w->out);
	map_clear(&x.seen);
	map_clear(&x.ends);
	free(x.list);
}

void
resolve(const struct resolver *r, struct pool *pool,
    const struct msg_route *q, struct resolved *out)
{
	struct work w = { r, pool, out };
	struct str address = resolve_name(r, pool, q->address);
	const struct alias *none;

	*out = (struct resolved){ 0 };
	if (address.n == 0) {
		reject(out, 553, "5.1.3 no such address form");
		return;
	}
	/* Of an expansion only ends come back: aliases are not followed
	 * again, or one that names itself would never end. */
	if (q->depth > 0)
		find(&w, address, true, false, &none);
	else
		expand(&w, address, q->may_relay != 0);
}

struct account *
resolve_find(const struct resolver *r, struct pool *pool, struct str name)
{
	return directory_account(r->dir, resolve_name(r, pool, name));
}

void
resolve_account(const struct resolver *r, struct pool *pool, struct str name,
    struct resolved *out)
{
	struct work w = { r, pool, out };
	struct str address = resolve_name(r, pool, name), local, domain;
	const struct domain *d;

	*out = (struct resolved){ 0 };
	name_split(address, &local, &domain);
	d = directory_domain(r->dir, domain);
	/* The sweep of secrets tells these two apart. */
	if (address.n == 0 || d == NULL)
		reject(out, 550, "5.1.2 no such domain");
	else if (!try_mailbox(&w, d, local, STR_NONE))
		reject(out, 550, "5.1.1 no such account");
}

void
resolve_may_send(const struct resolver *r, struct pool *pool,
    struct str login, struct str sender, struct resolved *out)
{
	struct str account = resolve_name(r, pool, login);
	struct msg_route q = { .address = sender, .may_relay = 0 };
	struct resolved x;
	bool may = sender.n == 0;

	*out = (struct resolved){ 0 };
	if (!may && account.n != 0) {
		resolve(r, pool, &q, &x);
		out->ask = x.ask;
		may = x.is.kind == ROUTE_LOCAL &&
		    str_eq(x.is.account, account);
		for (size_t i = 0; i < x.n && !may; i++)
			may = str_eq(x.list[i], account);
		if (x.is.kind == ROUTE_TEMPORARY) {
			out->is = x.is;
			return;
		}
	}
	if (may)
		out->is = (struct msg_route_is){ .kind = ROUTE_LOCAL,
			.account = account };
	else
		reject(out, 553,
		    "5.7.1 the sender does not belong to this account");
}
