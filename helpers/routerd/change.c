/* change -- what authd changes in the directory. */
#include <stdio.h>

#include "base/clock.h"
#include "helpers/routerd/name.h"
#include "helpers/routerd/routerd.h"
#include "table/records.h"

__attribute__((format(printf, 3, 4))) static void
say(struct change *c, uint32_t exit, const char *fmt, ...)
{
	va_list ap;

	c->exit = exit;
	va_start(ap, fmt);
	vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
}

/* The canonical name of an account to be; false: said why not. */
static bool
check_name(struct routerd *d, struct pool *pool, struct str given,
    struct change *c)
{
	struct str name = resolve_name(&d->resolver, pool, given), local,
	    domain;

	if (name.n == 0) {
		say(c, 65, "%.*s is no address user@domain",
		    STR_ARG(str_first(given, 100)));
		return false;
	}
	name_split(name, &local, &domain);
	if (!name_account_ok(local) ||
	    !str_copy(c->account, sizeof(c->account), name)) {
		say(c, 65, "%.*s cannot be the name of an account",
		    STR_ARG(str_first(given, 100)));
		return false;
	}
	if (directory_domain(&d->dir, domain) == NULL) {
		say(c, 65, "no such domain here: %.*s",
		    STR_ARG(str_first(domain, 100)));
		snprintf(c->fix, sizeof(c->fix), "postern domain add %.*s",
		    STR_ARG(str_first(domain, 100)));
		return false;
	}
	return true;
}

static bool
check_path(struct str path)
{
	struct str rest = path, part;

	if (path.n == 0 || path.n > PATH_OPEN_MAX || path.p[0] == '/')
		return false;
	while (rest.n != 0) {
		part = str_take_until(&rest, '/');
		if (part.n == 0 || str_eq(part, STR(".")) ||
		    str_eq(part, STR("..")) || str_find(part, '\0') != part.n)
			return false;
	}
	return true;
}

static void
add(struct routerd *d, const struct msg_route_add *m, struct change *c)
{
	struct account a = { .name = c->account, .quota = m->quota,
		.created_ms = (uint64_t)clock_wall_ms() };
	char path[PATH_OPEN_MAX + 1];

	if ((m->flags & ROUTE_ADD_OWNER) != 0) {
		struct str p = m->path;

		str_take_char(&p, '/');
		if (!check_path(p) || !str_copy(path, sizeof(path), p)) {
			say(c, 65, "not a usable path");
			return;
		}
		a.path = path;
		a.root = MAIL_ROOT_SYSTEM;
		a.uid = m->uid;
		a.gid = m->gid;
	}
	if ((m->flags & ROUTE_ADD_CHECK) != 0)
		return;
	if (directory_put_account(&d->dir, &a) == -1)
		say(c, 74, "%s", records_error(d->dir.records));
}

void
change_add_account(struct routerd *d, const struct msg_route_add *m,
    struct change *c)
{
	struct pool pool;

	*c = (struct change){ 0 };
	pool_init(&pool);
	if (!check_name(d, &pool, m->account, c))
		;
	else if (directory_account(&d->dir, str_c(c->account)) == NULL)
		add(d, m, c);
	else if ((m->flags & ROUTE_ADD_REPLACE) == 0)
		say(c, 73, "%s exists already", c->account);
	pool_clear(&pool);
}

void
change_lock(struct routerd *d, struct str account, bool locked,
    struct change *c)
{
	struct pool pool;
	struct account *a;

	*c = (struct change){ 0 };
	pool_init(&pool);
	a = resolve_find(&d->resolver, &pool, account);
	pool_clear(&pool);
	if (a == NULL) {
		say(c, 67, "no such account");
		return;
	}
	snprintf(c->account, sizeof(c->account), "%s", a->name);
	if (a->locked == locked)
		return;
	a->locked = locked;
	if (directory_save_account(&d->dir, a) == -1)
		say(c, 74, "%s", records_error(d->dir.records));
}
