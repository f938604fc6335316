/* verbs_account -- account list, show, quota, remove. */
#include <stdlib.h>

#include "base/fatal.h"
#include "base/json.h"
#include "helpers/routerd/name.h"
#include "helpers/routerd/verbs.h"

static void
put_aliases(const struct routerd *d, struct buf *row, const char *account)
{
	size_t n;
	struct alias **all = directory_aliases(&d->dir, &n);

	json_list(row, "aliases");
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < all[i]->n; k++)
			if (strcmp(all[i]->to[k], account) == 0)
				json_item(row, str_c(all[i]->name));
	json_list_end(row);
	free(all);
}

static void
put_account(const struct routerd *d, struct control_ask *a,
    const struct account *acct, bool with_aliases)
{
	struct buf *row = control_row(a), path;
	struct str local, domain;

	name_split(str_c(acct->name), &local, &domain);
	buf_init(&path, BUF_NO_MAX);
	if (acct->path != NULL)
		buf_add_c(&path, acct->path);
	else
		name_path(&path, str_c(acct->name));
	json_c(row, "account", acct->name);
	json_str(row, "domain", domain);
	json_c(row, "root",
	    acct->root == MAIL_ROOT_SYSTEM ? "system" : "virtual");
	json_str(row, "path", buf_str(&path));
	json_u64(row, "uid", acct->uid);
	json_u64(row, "gid", acct->gid);
	json_u64(row, "quota", directory_quota(&d->dir, acct));
	json_bool(row, "full", acct->full);
	json_bool(row, "locked", acct->locked);
	json_time(row, "created", (int64_t)acct->created_ms);
	if (with_aliases)
		put_aliases(d, row, acct->name);
	control_row_end(a);
	buf_clear(&path);
}

/* A list that is sent bit by bit: names, since accounts may go meanwhile. */
struct listing {
	struct str domain, like; /* point into the ask's words */
	struct pool pool;
	struct str *names;
	size_t n, at;
};

static void
listing_free(void *own)
{
	struct listing *l = own;

	pool_clear(&l->pool);
	free(l->names);
	free(l);
}

static bool
wanted(const struct listing *l, struct str name)
{
	struct str local, domain;

	name_split(name, &local, &domain);
	return (l->domain.n == 0 || str_ieq(domain, l->domain)) &&
	    (l->like.n == 0 || name_like(l->like, name));
}

static bool
list_more(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	struct listing *l = a->own;
	const struct account *acct;

	for (int i = 0; i < 100 && l->at < l->n; i++) {
		acct = directory_account(&d->dir, l->names[l->at++]);
		if (acct != NULL)
			put_account(d, a, acct, false);
	}
	if (l->at < l->n)
		return true;
	control_end(a, 0, "", "");
	return false;
}

void
verb_account_list(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	struct listing *l = xcalloc(1, sizeof(*l));
	struct account **all;
	size_t n;

	a->own = l;
	a->own_free = listing_free;
	control_option(a, "--like", &l->like);
	if (!control_words_ok(a, 0, 1))
		return;
	l->domain = a->nwords == 1 ? a->words[0] : STR_NONE;
	all = directory_accounts(&d->dir, &n);
	l->names = xcalloc(n + 1, sizeof(*l->names));
	for (size_t i = 0; i < n; i++)
		if (wanted(l, str_c(all[i]->name)))
			l->names[l->n++] =
			    pool_str(&l->pool, str_c(all[i]->name));
	free(all);
	control_more(a, list_more);
}

struct account *
verbs_account(struct routerd *d, struct control_ask *a, struct str name)
{
	struct pool pool;
	struct account *acct;

	pool_init(&pool);
	acct = resolve_find(&d->resolver, &pool, name);
	pool_clear(&pool);
	if (acct == NULL)
		control_endf(a, 67, "no such account: %.*s",
		    STR_ARG(str_first(name, 200)));
	return acct;
}

void
verb_account_show(void *arg, struct control_ask *a)
{
	struct account *acct = verbs_account(arg, a, a->words[0]);

	if (acct == NULL)
		return;
	put_account(arg, a, acct, true);
	control_end(a, 0, "", "");
}

void
verb_account_quota(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	struct account *acct = verbs_account(d, a, a->words[0]);
	uint64_t quota;

	if (acct == NULL || !control_size(a, a->words[1], &quota))
		return;
	acct->quota = quota;
	verb_end_change(d, a, directory_save_account(&d->dir, acct));
}

void
verb_account_remove(void *arg, struct control_ask *a)
{
	struct routerd *d = arg;
	struct account *acct = verbs_account(d, a, a->words[0]);

	if (acct != NULL)
		verb_end_change(d, a, directory_del_account(&d->dir, acct));
}
