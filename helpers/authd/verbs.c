/* verbs -- what postern(8) asks authd (ctl/VERBS.md). */
#include <stdlib.h>

#include "base/fatal.h"
#include "base/json.h"
#include "base/num.h"
#include "helpers/authd/authd.h"
#include "helpers/authd/secrets.h"
#include "msg/control_server.h"
#include "table/records.h"

struct op;
typedef void step_fn(struct op *o);

/* One verb under way.  The client may go away (ask is NULL then): what was
 * begun is done all the same. */
struct op {
	struct authd *d;
	struct control_ask *ask;
	char *name;                     /* as given */
	char account[ACCOUNT_MAX + 1];  /* canonical */
	bool is_hash;                   /* the data is "{SCHEME}hash" */
	bool busy;                      /* routerd or the hasher has it */
	struct msg_route_add add;
	char *path;
	struct hash_job hash;           /* password: the data as it comes */
	step_fn *known;                 /* the account is known */
	step_fn *hashed;
};

static void
op_free(struct op *o)
{
	if (o->ask != NULL)
		o->ask->own = NULL;
	hash_job_clear(&o->hash);
	free(o->name);
	free(o->path);
	free(o);
}

/* own_free of the ask. */
static void
on_ask_gone(void *own)
{
	struct op *o = own;

	o->ask = NULL;
	if (!o->busy)
		op_free(o);
}

static void
end(struct op *o, unsigned exit, struct str text, struct str fix)
{
	char t[512], f[512];

	if (o->ask != NULL) {
		str_copy(t, sizeof(t), str_first(text, sizeof(t) - 1));
		str_copy(f, sizeof(f), str_first(fix, sizeof(f) - 1));
		control_end(o->ask, exit, t, f);
	}
	op_free(o);
}

static void
end_c(struct op *o, unsigned exit, const char *text)
{
	end(o, exit, str_c(text), STR_NONE);
}

static void on_hashed(void *arg);

static struct op *
op_new(struct authd *d, struct control_ask *a)
{
	struct op *o = xcalloc(1, sizeof(*o));

	o->d = d;
	o->ask = a;
	hash_job_init(&o->hash, on_hashed, o);
	o->hash.password.max = PASSWORD_MAX + STORED_MAX;
	a->own = o;
	a->own_free = on_ask_gone;
	return o;
}

/* The words are right: the account's name is the first. */
static void
set_name(struct op *o)
{
	o->name = str_dup(o->ask->words[0]);
}

static bool
said(struct op *o, const struct msg_route_done *done)
{
	o->busy = false;
	if (done == NULL) {
		end_c(o, 75, "routerd does not answer, try again later");
		return false;
	}
	if (done->exit != 0) {
		end(o, done->exit, done->text, done->fix);
		return false;
	}
	str_copy(o->account, sizeof(o->account), done->account);
	return true;
}

/* --- steps that several verbs share -------------------------------------- */

static void
on_hashed(void *arg)
{
	struct op *o = arg;

	o->busy = false;
	o->hashed(o);
}

/* Makes a hash of the data, or takes it as one; then o->hashed. */
static void
make_hash(struct op *o, step_fn *hashed)
{
	o->hashed = hashed;
	if (o->is_hash) {
		buf_add(&o->hash.stored, buf_str(&o->hash.password));
		o->hash.ok = scheme_is_known(buf_str(&o->hash.stored));
		hashed(o);
		return;
	}
	o->hash.make = true;
	o->hash.how = o->d->how;
	o->busy = hasher_submit(o->d->hasher, &o->hash);
	if (!o->busy)
		end_c(o, 75, "too many log-ins wait, try again later");
}

/* The secret is on disk; false: the verb has ended. */
static bool
store(struct op *o)
{
	if (!o->hash.ok) {
		end_c(o, 65, o->is_hash
		    ? "not a {SCHEME}hash that is known here"
		    : "a password has 1 to 1024 octets and no NUL");
		return false;
	}
	if (secrets_put(o->d->records, str_c(o->account),
	        buf_str(&o->hash.stored)) == -1 ||
	    authd_commit(o->d) == -1) {
		end_c(o, 74, records_error(o->d->records));
		return false;
	}
	return true;
}

/* router_is_fn */
static void
on_account(void *arg, const struct msg_route_is *is)
{
	struct op *o = arg;

	o->busy = false;
	if (is == NULL || is->kind == ROUTE_TEMPORARY) {
		end_c(o, 75, "routerd does not answer, try again later");
	} else if (is->kind != ROUTE_LOCAL) {
		end_c(o, 67, "no such account");
	} else {
		str_copy(o->account, sizeof(o->account), is->account);
		o->known(o);
	}
}

static void
ask_account(struct op *o, step_fn *known)
{
	o->known = known;
	o->busy = true;
	router_account(&o->d->router, str_c(o->name), on_account, o);
}

static void
on_data(void *arg, struct control_ask *a, struct str data)
{
	struct op *o = a->own;

	(void)arg;
	/* Overflow is seen at the end. */
	if (o != NULL)
		buf_add(&o->hash.password, data);
}

/* false: the verb has ended. */
static bool
take_data(struct op *o)
{
	struct str data = buf_str(&o->hash.password);

	if (o->hash.password.overflow) {
		end_c(o, 65, "too long for a password");
		return false;
	}
	if (str_ends(data, STR("\n")))
		buf_cut(&o->hash.password, data.n - 1);
	return true;
}

/* --- account add --------------------------------------------------------- */

/* router_done_fn */
static void
on_added(void *arg, const struct msg_route_done *done)
{
	struct op *o = arg;
	struct buf *row;

	if (!said(o, done))
		return;
	if (o->ask != NULL) {
		row = control_row(o->ask);
		json_c(row, "account", o->account);
		control_row_end(o->ask);
	}
	end_c(o, 0, "");
}

/* The secret first, then the entry that makes the account exist. */
static void
add_hashed(struct op *o)
{
	if (!store(o))
		return;
	o->add.flags &= ~(uint32_t)ROUTE_ADD_CHECK;
	o->busy = true;
	router_add(&o->d->router, &o->add, on_added, o);
}

/* router_done_fn */
static void
on_checked(void *arg, const struct msg_route_done *done)
{
	struct op *o = arg;

	if (said(o, done))
		make_hash(o, add_hashed);
}

static bool
number(struct op *o, const char *option, uint32_t *out, bool *there)
{
	struct str word;

	*there = control_option(o->ask, option, &word);
	if (!*there || num_u32(word, out))
		return true;
	control_endf(o->ask, 64, "%s: not a number", option);
	return false;
}

static void
verb_add(void *arg, struct control_ask *a)
{
	struct op *o = op_new(arg, a);
	struct str word;
	bool uid, gid, path;

	o->is_hash = control_flag(a, "--hash");
	o->add.quota = ROUTE_QUOTA_DOMAIN;
	if (control_option(a, "--quota", &word) &&
	    !control_size(a, word, &o->add.quota))
		return;
	if (!number(o, "--uid", &o->add.uid, &uid) ||
	    !number(o, "--gid", &o->add.gid, &gid))
		return;
	path = control_option(a, "--path", &word);
	if (uid != gid || uid != path) {
		control_end(a, 64, "--uid, --gid and --path go together", "");
		return;
	}
	if (path) {
		o->path = str_dup(str_first(word, PATH_OPEN_MAX));
		o->add.path = str_c(o->path);
		o->add.flags = ROUTE_ADD_OWNER;
	}
	if (!control_words_ok(a, 1, 1))
		return;
	set_name(o);
	o->add.account = str_c(o->name);
	if (o->add.account.n > ADDRESS_MAX)
		control_end(a, 65, "the name is too long", "");
}

static void
add_data_end(void *arg, struct control_ask *a)
{
	struct op *o = a->own;

	(void)arg;
	if (!take_data(o))
		return;
	o->add.flags |= ROUTE_ADD_CHECK;
	o->busy = true;
	router_add(&o->d->router, &o->add, on_checked, o);
}

/* --- account password ------------------------------------------------------ */

static void
password_hashed(struct op *o)
{
	if (store(o))
		end_c(o, 0, "");
}

static void
password_known(struct op *o)
{
	make_hash(o, password_hashed);
}

static void
verb_password(void *arg, struct control_ask *a)
{
	struct op *o = op_new(arg, a);

	o->is_hash = control_flag(a, "--hash");
	if (control_words_ok(a, 1, 1))
		set_name(o);
}

static void
password_data_end(void *arg, struct control_ask *a)
{
	struct op *o = a->own;

	(void)arg;
	if (take_data(o))
		ask_account(o, password_known);
}

/* --- account check --------------------------------------------------------- */

static void
check_hashed(struct op *o)
{
	if (o->hash.ok)
		end_c(o, 0, "");
	else
		end_c(o, 1, "not the password");
}

static void
check_known(struct op *o)
{
	int found = secrets_get(o->d->records, str_c(o->account),
	    &o->hash.stored, NULL);

	if (found == -1) {
		end_c(o, 74, records_error(o->d->records));
		return;
	}
	if (found == 0) {
		end_c(o, 67, "the account has no password");
		return;
	}
	o->hashed = check_hashed;
	o->busy = hasher_submit(o->d->hasher, &o->hash);
	if (!o->busy)
		end_c(o, 75, "too many log-ins wait, try again later");
}

static void
verb_check(void *arg, struct control_ask *a)
{
	set_name(op_new(arg, a));
}

static void
check_data_end(void *arg, struct control_ask *a)
{
	struct op *o = a->own;

	(void)arg;
	if (take_data(o))
		ask_account(o, check_known);
}

/* --- account lock, unlock, forget -------------------------------------------- */

/* router_done_fn */
static void
on_locked(void *arg, const struct msg_route_done *done)
{
	if (said(arg, done))
		end_c(arg, 0, "");
}

static void
lock(struct authd *d, struct control_ask *a, bool locked)
{
	struct op *o = op_new(d, a);

	set_name(o);
	o->busy = true;
	router_lock(&d->router, str_c(o->name), locked, on_locked, o);
}

static void
verb_lock(void *arg, struct control_ask *a)
{
	lock(arg, a, true);
}

static void
verb_unlock(void *arg, struct control_ask *a)
{
	lock(arg, a, false);
}

/* router_done_fn: the name is canonical whether the account exists or not. */
static void
on_named(void *arg, const struct msg_route_done *done)
{
	struct op *o = arg;

	o->busy = false;
	if (done == NULL || done->account.n == 0) {
		end_c(o, done == NULL ? 75 : 65, done == NULL
		    ? "routerd does not answer, try again later"
		    : "no address");
		return;
	}
	str_copy(o->account, sizeof(o->account), done->account);
	if (secrets_del(o->d->records, str_c(o->account)) == -1 ||
	    authd_commit(o->d) == -1)
		end_c(o, 74, records_error(o->d->records));
	else
		end_c(o, 0, "");
}

static void
verb_forget(void *arg, struct control_ask *a)
{
	struct op *o = op_new(arg, a);

	set_name(o);
	o->add = (struct msg_route_add){ .flags = ROUTE_ADD_CHECK,
		.account = str_first(str_c(o->name), ADDRESS_MAX) };
	o->busy = true;
	router_add(&o->d->router, &o->add, on_named, o);
}

/* clang-format off */
static const struct control_verb verbs[] = {
	/* noun      verb        words  data   handlers */
	{ "account", "add",      1, 10, true,  verb_add, on_data, add_data_end },
	{ "account", "password", 1, 2,  true,  verb_password, on_data, password_data_end },
	{ "account", "check",    1, 1,  true,  verb_check, on_data, check_data_end },
	{ "account", "lock",     1, 1,  false, verb_lock, NULL, NULL },
	{ "account", "unlock",   1, 1,  false, verb_unlock, NULL, NULL },
	{ "account", "forget",   1, 1,  false, verb_forget, NULL, NULL },
	{ "account", "import",   0, 1,  true,  import_ask, import_data, import_data_end },
};
/* clang-format on */

void
verbs_open(struct authd *d, int fd, uid_t uid, uint32_t rights)
{
	control_open(d->proc.loop, fd, uid, rights, verbs,
	    sizeof(verbs) / sizeof(verbs[0]), d);
}
