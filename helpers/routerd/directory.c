#include "helpers/routerd/directory.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/wire.h"
#include "helpers/routerd/name.h"
#include "msg/route.h"
#include "proc/note.h"
#include "table/records.h"

/* Records: a letter, then the name; the value laid out by these tables. */
struct domain_record {
	struct str catch_all;
	uint64_t quota;
};
static const struct wire_field domain_fields[] = {
	W_STR(domain_record, catch_all, ADDRESS_MAX),
	W_U64(domain_record, quota),
};
static const struct wire domain_wire = WIRE(domain_record, domain_fields);

struct account_record {
	struct str path;
	uint64_t quota, created_ms;
	uint32_t root, uid, gid, locked;
};
static const struct wire_field account_fields[] = {
	W_STR(account_record, path, PATH_OPEN_MAX),
	W_U64(account_record, quota),
	W_U64(account_record, created_ms),
	W_ENUM(account_record, root, MAIL_ROOT_SYSTEM),
	W_U32(account_record, uid),
	W_U32(account_record, gid),
	W_ENUM(account_record, locked, 1),
};
static const struct wire account_wire = WIRE(account_record, account_fields);

static char *
dup_or_null(struct str s)
{
	return s.n == 0 ? NULL : str_dup(s);
}

static void
domain_free(struct domain *m)
{
	free(m->name);
	free(m->catch_all);
	free(m->plus);
	free(m);
}

static void
account_free(struct account *a)
{
	free(a->name);
	free(a->path);
	free(a);
}

static void
alias_free(struct alias *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->to[i]);
	free(a->to);
	free(a->name);
	free(a);
}

void
directory_init(struct directory *d)
{
	*d = (struct directory){ 0 };
	map_init(&d->domains);
	map_init(&d->accounts);
	map_init(&d->aliases);
	map_init(&d->others);
}

void
directory_clear(struct directory *d)
{
	size_t pos = 0;
	void *v;

	while ((v = map_next(&d->domains, &pos, NULL)) != NULL)
		domain_free(v);
	for (pos = 0; (v = map_next(&d->accounts, &pos, NULL)) != NULL;)
		account_free(v);
	for (pos = 0; (v = map_next(&d->aliases, &pos, NULL)) != NULL;)
		alias_free(v);
	for (pos = 0; (v = map_next(&d->others, &pos, NULL)) != NULL;)
		alias_free(v);
	d->oldest = NULL;
	map_clear(&d->domains);
	map_clear(&d->accounts);
	map_clear(&d->aliases);
	map_clear(&d->others);
	records_close(d->records);
	d->records = NULL;
}

static struct domain *
domain_of(const struct directory *d, struct str address)
{
	struct str local, domain;

	name_split(address, &local, &domain);
	return directory_domain(d, domain);
}

static struct domain *
new_domain(struct directory *d, enum source source, struct str name)
{
	struct domain *m = xcalloc(1, sizeof(*m));

	m->name = str_dup(name);
	m->source = source;
	m->plus = xstrdup("+");
	map_set(&d->domains, name, m);
	return m;
}

static void
keep_oldest(struct directory *d, struct account *a)
{
	if (d->oldest == NULL || a->created_ms < d->oldest->created_ms ||
	    (a->created_ms == d->oldest->created_ms &&
	        strcmp(a->name, d->oldest->name) < 0))
		d->oldest = a;
}

static void
keep_account(struct directory *d, struct account *a)
{
	struct domain *m = domain_of(d, str_c(a->name));

	if (m != NULL)
		m->accounts++;
	keep_oldest(d, a);
	map_set(&d->accounts, str_c(a->name), a);
}

static struct alias *
new_alias(enum source source, struct str name, const struct str *to, size_t n)
{
	struct alias *a = xcalloc(1, sizeof(*a));

	a->name = str_dup(name);
	a->source = source;
	a->to = xcalloc(n, sizeof(*a->to));
	a->n = n;
	for (size_t i = 0; i < n; i++)
		a->to[i] = str_dup(to[i]);
	return a;
}

/* Domains come first in the walks below, so that counting finds them. */
static void
count_alias(const struct directory *d, const struct alias *a, int by)
{
	struct domain *m = domain_of(d, str_c(a->name));

	if (m != NULL)
		m->aliases += (uint64_t)(int64_t)by;
}

static bool
load_domain(void *arg, struct str key, struct str value)
{
	struct directory *d = arg;
	struct domain_record r;
	struct domain *m;

	if (!wire_take(&value, &domain_wire, &r))
		return false;
	key = str_from(key, 1);
	if (directory_domain(d, key) != NULL)
		return true; /* the configuration has it */
	m = new_domain(d, SOURCE_DIRECTORY, key);
	m->catch_all = dup_or_null(r.catch_all);
	m->quota = r.quota;
	return true;
}

static bool
load_account(void *arg, struct str key, struct str value)
{
	struct directory *d = arg;
	struct account_record r;
	struct account *a;

	if (!wire_take(&value, &account_wire, &r))
		return false;
	a = xcalloc(1, sizeof(*a));
	*a = (struct account){ .name = str_dup(str_from(key, 1)),
		.path = dup_or_null(r.path), .quota = r.quota,
		.created_ms = r.created_ms, .root = r.root, .uid = r.uid,
		.gid = r.gid, .locked = r.locked != 0 };
	keep_account(d, a);
	return true;
}

static bool
load_alias(void *arg, struct str key, struct str value)
{
	struct directory *d = arg;
	struct alias *a = xcalloc(1, sizeof(*a));
	struct str to;

	a->name = str_dup(str_from(key, 1));
	a->to = xcalloc(value.n / 4 + 1, sizeof(*a->to));
	while (value.n != 0) {
		if (!wire_take_str(&value, &to, ADDRESS_MAX)) {
			alias_free(a);
			return false;
		}
		a->to[a->n++] = str_dup(to);
	}
	map_set(&d->aliases, str_c(a->name), a);
	count_alias(d, a, 1);
	return true;
}

/* A loader that stops the walk has met a damaged record. */
struct loading {
	struct directory *d;
	bool (*load)(void *arg, struct str key, struct str value);
	bool damaged;
};

static bool
load_one(void *arg, struct str key, struct str value)
{
	struct loading *l = arg;

	l->damaged = !l->load(l->d, key, value);
	return !l->damaged;
}

int
directory_load(struct directory *d, struct records *records)
{
	static const struct {
		const char *prefix;
		bool (*load)(void *arg, struct str key, struct str value);
	} kinds[] = { { "D", load_domain }, { "A", load_account },
		{ "L", load_alias } };

	d->records = records;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct loading l = { d, kinds[i].load, false };

		if (records_walk(records, str_c(kinds[i].prefix), load_one,
		        &l) == -1 || l.damaged)
			return -1;
	}
	return 0;
}

struct domain *
directory_domain(const struct directory *d, struct str name)
{
	return map_get(&d->domains, name);
}

struct account *
directory_account(const struct directory *d, struct str name)
{
	return map_get(&d->accounts, name);
}

struct alias *
directory_alias(const struct directory *d, struct str name)
{
	struct alias *a = map_get(&d->aliases, name);

	return a != NULL ? a : map_get(&d->others, name);
}

static int
put(struct directory *d, char kind, struct str name, struct str value)
{
	struct buf key;
	int r;

	d->version++;
	if (d->records == NULL)
		return 0;
	buf_init(&key, BUF_NO_MAX);
	buf_add_char(&key, kind);
	buf_add(&key, name);
	r = value.p == NULL ? records_del(d->records, buf_str(&key))
	                    : records_put(d->records, buf_str(&key), value);
	buf_clear(&key);
	return r;
}

static int
put_wire(struct directory *d, char kind, struct str name,
    const struct wire *wire, const void *record)
{
	struct buf value;
	int r;

	buf_init(&value, BUF_NO_MAX);
	wire_put(&value, wire, record);
	r = put(d, kind, name, buf_str(&value));
	buf_clear(&value);
	return r;
}

int
directory_put_domain(struct directory *d, struct str name,
    struct str catch_all, uint64_t quota)
{
	struct domain_record r = { catch_all, quota };
	struct domain *m;

	if (put_wire(d, 'D', name, &domain_wire, &r) == -1)
		return -1;
	m = new_domain(d, SOURCE_DIRECTORY, name);
	m->catch_all = dup_or_null(catch_all);
	m->quota = quota;
	return 0;
}

int
directory_del_domain(struct directory *d, struct domain *domain)
{
	if (put(d, 'D', str_c(domain->name), STR_NONE) == -1)
		return -1;
	map_del(&d->domains, str_c(domain->name));
	domain_free(domain);
	return 0;
}

static int
write_account(struct directory *d, const struct account *a)
{
	struct account_record r = { str_c(a->path), a->quota, a->created_ms,
		a->root, a->uid, a->gid, a->locked };

	return put_wire(d, 'A', str_c(a->name), &account_wire, &r);
}

int
directory_put_account(struct directory *d, const struct account *from)
{
	struct account *a;

	if (write_account(d, from) == -1)
		return -1;
	a = xcalloc(1, sizeof(*a));
	*a = *from;
	a->name = xstrdup(from->name);
	a->path = from->path != NULL ? xstrdup(from->path) : NULL;
	keep_account(d, a);
	return 0;
}

int
directory_save_account(struct directory *d, const struct account *a)
{
	return write_account(d, a);
}

int
directory_del_account(struct directory *d, struct account *a)
{
	struct domain *m = domain_of(d, str_c(a->name));
	struct account *other;
	size_t pos = 0;

	if (put(d, 'A', str_c(a->name), STR_NONE) == -1)
		return -1;
	if (m != NULL)
		m->accounts--;
	map_del(&d->accounts, str_c(a->name));
	if (d->oldest == a) {
		d->oldest = NULL;
		while ((other = map_next(&d->accounts, &pos, NULL)) != NULL)
			keep_oldest(d, other);
	}
	account_free(a);
	return 0;
}

int
directory_put_alias(struct directory *d, struct str name,
    const struct str *to, size_t n)
{
	struct alias *a = new_alias(SOURCE_DIRECTORY, name, to, n), *was;
	struct buf value;
	int r;

	buf_init(&value, BUF_NO_MAX);
	for (size_t i = 0; i < n; i++)
		wire_put_str(&value, to[i]);
	r = put(d, 'L', name, buf_str(&value));
	buf_clear(&value);
	if (r == -1) {
		alias_free(a);
		return -1;
	}
	was = map_set(&d->aliases, name, a);
	if (was != NULL)
		alias_free(was);
	else
		count_alias(d, a, 1);
	return 0;
}

int
directory_del_alias(struct directory *d, struct alias *a)
{
	if (put(d, 'L', str_c(a->name), STR_NONE) == -1)
		return -1;
	count_alias(d, a, -1);
	map_del(&d->aliases, str_c(a->name));
	alias_free(a);
	return 0;
}

int
directory_commit(struct directory *d)
{
	return d->records == NULL ? 0 : records_commit(d->records);
}

bool
directory_is_changed(const struct directory *d)
{
	return d->records != NULL && records_is_open(d->records);
}

struct domain *
directory_add_config_domain(struct directory *d, struct str name)
{
	struct domain *m = directory_domain(d, name);

	return m != NULL ? m : new_domain(d, SOURCE_CONFIG, name);
}

void
directory_add_other_alias(struct directory *d, enum source source,
    struct str name, const struct str *to, size_t n)
{
	struct alias *a = new_alias(source, name, to, n), *was;

	d->version++;
	count_alias(d, a, 1);
	was = map_set(&d->others, name, a);
	if (was != NULL) {
		count_alias(d, was, -1);
		alias_free(was);
	}
}

void
directory_drop_others(struct directory *d, enum source source)
{
	size_t pos = 0;
	struct alias *a;

	d->version++;
	while ((a = map_next(&d->others, &pos, NULL)) != NULL)
		if (a->source == source) {
			count_alias(d, a, -1);
			map_del(&d->others, str_c(a->name));
			alias_free(a);
		}
}

uint64_t
directory_quota(const struct directory *d, const struct account *a)
{
	const struct domain *m;

	if (a->quota != ROUTE_QUOTA_DOMAIN)
		return a->quota;
	m = domain_of(d, str_c(a->name));
	return m != NULL ? m->quota : 0;
}

/* All three kinds begin with their name. */
static int
by_name(const void *a, const void *b)
{
	const char *const *x = *(const char *const *const *)a;
	const char *const *y = *(const char *const *const *)b;

	return strcmp(*x, *y);
}

static void *
sorted(const struct map *m, const struct map *more, size_t *n)
{
	void **all = xcalloc(m->n + (more != NULL ? more->n : 0) + 1,
	    sizeof(void *));
	size_t pos = 0;
	struct str key;
	void *v;

	*n = 0;
	while ((v = map_next(m, &pos, NULL)) != NULL)
		all[(*n)++] = v;
	for (pos = 0; more != NULL && (v = map_next(more, &pos, &key)) != NULL;)
		if (map_get(m, key) == NULL)
			all[(*n)++] = v;
	qsort(all, *n, sizeof(void *), by_name);
	return all;
}

_Static_assert(offsetof(struct account, name) == 0, "by_name");
_Static_assert(offsetof(struct domain, name) == 0, "by_name");
_Static_assert(offsetof(struct alias, name) == 0, "by_name");

struct account **
directory_accounts(const struct directory *d, size_t *n)
{
	return sorted(&d->accounts, NULL, n);
}

struct domain **
directory_domains(const struct directory *d, size_t *n)
{
	return sorted(&d->domains, NULL, n);
}

struct alias **
directory_aliases(const struct directory *d, size_t *n)
{
	return sorted(&d->aliases, &d->others, n);
}
