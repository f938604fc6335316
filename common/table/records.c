#include "table/records.h"

#include <db.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"

enum {
	CACHE = 16 << 20,       /* octets of pages in memory */
	LOG_FILE = 4 << 20,     /* octets of one log file */
	LOG_BUFFER = 256 << 10,
	CHECKPOINT_KB = 2048,   /* log after which a checkpoint is made */
	LOCK_WAIT_MS = 10000    /* for the process before us to end */
};

struct records {
	DB_ENV *env;
	DB *db;
	DB_TXN *txn; /* NULL: none open */
	int lock;
	char error[RECORDS_ERROR];
};

static DBT
dbt(struct str s)
{
	return (DBT){ .data = (void *)(uintptr_t)s.p, .size = (uint32_t)s.n };
}

static struct str
view(const DBT *d)
{
	return str_n(d->data, d->size);
}

static int
failed(struct records *r, const char *what, int e)
{
	snprintf(r->error, sizeof(r->error), "%s: %s", what, db_strerror(e));
	return -1;
}

/* A private environment in two processes would be the end of the data. */
static int
take_lock(struct records *r, int dirfd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int64_t until = clock_mono_ms() + LOCK_WAIT_MS;

	r->lock = openat(dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (r->lock == -1)
		return -1;
	while (fcntl(r->lock, F_OFD_SETLK, &l) == -1) {
		if ((errno != EAGAIN && errno != EACCES) ||
		    clock_mono_ms() > until)
			return -1;
		usleep(20000);
	}
	return 0;
}

/* No locks: one thread, one process.  Recovery runs at every start. */
static int
open_env(struct records *r)
{
	int e = db_env_create(&r->env, 0);

	if (e != 0)
		return e;
	r->env->set_errfile(r->env, NULL);
	r->env->set_cachesize(r->env, 0, CACHE, 1);
	r->env->set_lg_max(r->env, LOG_FILE);
	r->env->set_lg_bsize(r->env, LOG_BUFFER);
	r->env->log_set_config(r->env, DB_LOG_AUTO_REMOVE, 1);
	return r->env->open(r->env, ".", DB_CREATE | DB_INIT_MPOOL |
	    DB_INIT_TXN | DB_INIT_LOG | DB_PRIVATE | DB_RECOVER, 0600);
}

static int
open_db(struct records *r, const char *file)
{
	int e = db_create(&r->db, r->env, 0);

	if (e != 0)
		return e;
	r->db->set_pagesize(r->db, 4096);
	return r->db->open(r->db, NULL, file, NULL, DB_BTREE,
	    DB_CREATE | DB_AUTO_COMMIT, 0600);
}

struct records *
records_open(int dirfd, const char *file, char error[RECORDS_ERROR])
{
	struct records *r = xcalloc(1, sizeof(*r));
	int e;

	if (take_lock(r, dirfd) == -1 || fchdir(dirfd) == -1) {
		snprintf(error, RECORDS_ERROR, "%s: %s", file,
		    errno == EAGAIN ? "another process has it"
		                    : strerror(errno));
		records_close(r);
		return NULL;
	}
	e = open_env(r);
	if (e == 0)
		e = open_db(r, file);
	if (e == 0)
		return r;
	snprintf(error, RECORDS_ERROR, "%s: %s", file, db_strerror(e));
	records_close(r);
	return NULL;
}

void
records_close(struct records *r)
{
	if (r == NULL)
		return;
	records_abort(r);
	if (r->db != NULL)
		r->db->close(r->db, 0);
	if (r->env != NULL) {
		r->env->txn_checkpoint(r->env, 0, 0, 0);
		r->env->close(r->env, 0);
	}
	if (r->lock > 0)
		close(r->lock);
	free(r);
}

int
records_get(struct records *r, struct str key, struct buf *out)
{
	DBT k = dbt(key), v = { .flags = DB_DBT_MALLOC };
	int e = r->db->get(r->db, r->txn, &k, &v, 0);

	if (e == DB_NOTFOUND)
		return 0;
	if (e != 0)
		return failed(r, "read", e);
	buf_add(out, view(&v));
	explicit_bzero(v.data, v.size);
	free(v.data);
	return 1;
}

static int
begin(struct records *r)
{
	int e;

	if (r->txn != NULL)
		return 0;
	e = r->env->txn_begin(r->env, NULL, &r->txn, 0);
	if (e == 0)
		return 0;
	r->txn = NULL;
	return failed(r, "begin", e);
}

int
records_put(struct records *r, struct str key, struct str value)
{
	DBT k = dbt(key), v = dbt(value);
	int e;

	if (begin(r) == -1)
		return -1;
	e = r->db->put(r->db, r->txn, &k, &v, 0);
	if (e == 0)
		return 0;
	records_abort(r);
	return failed(r, "write", e);
}

int
records_del(struct records *r, struct str key)
{
	DBT k = dbt(key);
	int e;

	if (begin(r) == -1)
		return -1;
	e = r->db->del(r->db, r->txn, &k, 0);
	if (e == 0 || e == DB_NOTFOUND)
		return 0;
	records_abort(r);
	return failed(r, "remove", e);
}

bool
records_is_open(const struct records *r)
{
	return r->txn != NULL;
}

int
records_commit(struct records *r)
{
	DB_TXN *txn = r->txn;
	int e;

	if (txn == NULL)
		return 0;
	r->txn = NULL;
	e = txn->commit(txn, DB_TXN_SYNC);
	if (e != 0)
		return failed(r, "commit", e);
	/* Only keeps the log short: its failure shows at the next write. */
	r->env->txn_checkpoint(r->env, CHECKPOINT_KB, 0, 0);
	return 0;
}

void
records_abort(struct records *r)
{
	DB_TXN *txn = r->txn;

	r->txn = NULL;
	if (txn != NULL)
		txn->abort(txn);
}

static int
walk(struct records *r, struct str from, struct str prefix,
    bool (*take)(void *arg, struct str key, struct str value), void *arg)
{
	DBT k = dbt(from), v = { 0 };
	DBC *c;
	int e = r->db->cursor(r->db, r->txn, &c, 0);

	if (e != 0)
		return failed(r, "walk", e);
	for (e = c->get(c, &k, &v, DB_SET_RANGE);
	    e == 0 && str_starts(view(&k), prefix) &&
	    take(arg, view(&k), view(&v));
	    e = c->get(c, &k, &v, DB_NEXT))
		;
	c->close(c);
	return e == 0 || e == DB_NOTFOUND ? 0 : failed(r, "walk", e);
}

int
records_walk(struct records *r, struct str prefix,
    bool (*take)(void *arg, struct str key, struct str value), void *arg)
{
	return walk(r, prefix, prefix, take, arg);
}

int
records_from(struct records *r, struct str key,
    bool (*take)(void *arg, struct str key, struct str value), void *arg)
{
	return walk(r, key, STR_NONE, take, arg);
}

const char *
records_error(const struct records *r)
{
	return r->error;
}
