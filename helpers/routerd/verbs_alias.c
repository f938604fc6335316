/* verbs_alias -- alias list, add, remove, expand, reload; address test. */
#include <stdlib.h>

#include "base/fatal.h"
#include "base/json.h"
#include "helpers/routerd/name.h"
#include "helpers/routerd/verbs.h"

static void
put_alias(struct control_ask *a, const struct alias *alias)
{
	struct buf *row = control_row(a);

	json_c(row, "alias", alias->name);
	json_list(row, "to");
	for (size_t i = 0; i < alias->n; i++)
		json_item(row, str_c(alias->to[i]));
	json_list_end(row);
	json_c(row, "source", source_name(alias->source));
	control_row_end(a);
}

void
verb_alias_list(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	size_t n;
	struct alias **all;
	struct str local, domain;

	if (!control_words_ok(a, 0, 1))
		return;
	all = directory_aliases(&d->dir, &n);
	for (size_t i = 0; i < n; i++) {
		name_split(str_c(all[i]->name), &local, &domain);
		if (a->nwords == 0 || str_ieq(domain, a->words[0]))
			put_alias(a, all[i]);
	}
	free(all);
	control_end(a, 0, "", "");
}

/* Why the alias may not be made; NULL: it may. */
static const char *
objection(struct routerd *d, struct str name, bool replace, unsigned *exit)
{
	const struct alias *was = directory_alias(&d->dir, name);
	struct str local, domain;

	name_split(name, &local, &domain);
	*exit = 65;
	if (directory_domain(&d->dir, domain) == NULL)
		return "its domain is not here";
	if (name.n > ADDRESS_MAX)
		return "the address is too long";
	*exit = 73;
	if (was != NULL && was->source == SOURCE_DIRECTORY && !replace)
		return "there is such an alias already; --replace replaces it";
	return NULL;
}

void
verb_alias_add(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	bool replace = control_flag(a, "--replace");
	struct str name, to[CONTROL_WORDS_MAX];
	const char *why;
	struct pool pool;
	unsigned exit;
	size_t n = 0;

	if (!control_words_ok(a, 2, CONTROL_WORDS_MAX))
		return;
	pool_init(&pool);
	name = verb_address(d, a, &pool, a->words[0]);
	for (unsigned i = 1; i < a->nwords && !a->ended; i++)
		to[n++] = verb_address(d, a, &pool, a->words[i]);
	why = a->ended ? NULL : objection(d, name, replace, &exit);
	if (why != NULL)
		control_endf(a, exit, "%.*s: %s", STR_ARG(name), why);
	else if (!a->ended)
		verb_end_change(d, a,
		    directory_put_alias(&d->dir, name, to, n));
	pool_clear(&pool);
}

void
verb_alias_remove(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	struct pool pool;
	struct str name;
	struct alias *alias;

	pool_init(&pool);
	name = verb_address(d, a, &pool, a->words[0]);
	alias = name.n == 0 ? NULL : directory_alias(&d->dir, name);
	if (name.n == 0)
		;
	else if (alias == NULL)
		control_endf(a, 2, "no such alias: %.*s", STR_ARG(name));
	else if (alias->source == SOURCE_CONFIG)
		control_endf(a, 78, "%.*s is in postern.conf", STR_ARG(name));
	else if (alias->source == SOURCE_FILE)
		control_endf(a, 78, "%.*s is in the aliases file",
		    STR_ARG(name));
	else
		verb_end_change(d, a, directory_del_alias(&d->dir, alias));
	pool_clear(&pool);
}

void
verb_alias_reload(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	int64_t n;
	struct buf *row;

	if (d->aliases_dir == -1 && d->aliases_fd == -1) {
		control_end(a, 0, "no aliases file is configured", "");
		return;
	}
	n = routerd_read_aliases(d);
	if (n == -1) {
		control_end(a, 74, "the aliases file cannot be read", "");
		return;
	}
	row = control_row(a);
	json_i64(row, "aliases", n);
	control_row_end(a);
	control_end(a, 0, "", "");
}

/* --- alias expand, address test ---------------------------------------- */

struct testing {
	struct routerd *d;
	struct pool pool;
	struct str address;
	bool steps;
	struct timer again; /* a system user had to be asked for */
	int tries;
	struct control_ask *ask;
	uint64_t step;
};

enum { AGAIN_MS = 50, TRIES = 100 };

static void
testing_free(void *own)
{
	struct testing *t = own;

	timer_clear(&t->again);
	pool_clear(&t->pool);
	free(t);
}

static void
on_step(void *arg, struct str address, const char *rule, struct str result)
{
	struct testing *t = arg;
	struct buf *row = control_row(t->ask);

	json_u64(row, "step", ++t->step);
	json_str(row, "address", address);
	json_c(row, "rule", rule);
	json_str(row, "result", result);
	control_row_end(t->ask);
}

static void
put_end(struct testing *t, struct str address, const struct resolved *r,
    uint64_t depth)
{
	static const char *const kinds[] = { "reject", "temporary", "local",
		"remote", "list" };
	struct buf *row = control_row(t->ask);

	json_str(row, "address", address);
	json_c(row, "kind", kinds[r->is.kind]);
	json_str(row, "account", r->is.account);
	json_str(row, "next_hop", r->is.next_hop);
	json_u64(row, "code", r->is.code);
	json_str(row, "text", r->is.text);
	json_u64(row, "depth", depth);
	control_row_end(t->ask);
}

static void
run(struct testing *t)
{
	struct resolver quiet = t->d->resolver, loud = quiet;
	struct msg_route q = { .address = t->address, .may_relay = 1 };
	struct resolved r, end;

	resolve(&quiet, &t->pool, &q, &r);
	if (r.ask && t->tries++ < TRIES) {
		timer_set(&t->again, AGAIN_MS);
		return;
	}
	if (t->steps) {
		loud.step = on_step;
		loud.step_arg = t;
		resolve(&loud, &t->pool, &q, &r);
	}
	if (r.is.kind != ROUTE_LIST)
		put_end(t, t->address, &r, 0);
	q.depth = 1;
	for (size_t i = 0; i < r.n; i++) {
		q.address = r.list[i];
		resolve(&quiet, &t->pool, &q, &end);
		put_end(t, r.list[i], &end, 1);
	}
	control_end(t->ask, 0, "", "");
}

static void
on_again(void *arg)
{
	run(arg);
}

static void
test(struct routerd *d, struct control_ask *a, bool steps)
{
	struct testing *t = xcalloc(1, sizeof(*t));

	t->d = d;
	t->ask = a;
	t->steps = steps;
	timer_init(&t->again, d->proc.loop, on_again, t);
	a->own = t;
	a->own_free = testing_free;
	t->address = verb_address(d, a, &t->pool, a->words[0]);
	if (t->address.n != 0)
		run(t);
}

void
verb_alias_expand(void *arg, struct control_ask *a)
{
	test(arg, a, false);
}

void
verb_address_test(void *arg, struct control_ask *a)
{
	test(arg, a, true);
}
