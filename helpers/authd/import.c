/*
 * import -- account import: lines "address TAB {SCHEME}hash", a thousand at
 * a time.  For each batch: routerd checks all names, the secrets are
 * committed together, then routerd makes the entries, again in one commit.
 */
#include <stdlib.h>

#include "base/fatal.h"
#include "base/json.h"
#include "helpers/authd/authd.h"
#include "helpers/authd/secrets.h"
#include "msg/control_server.h"
#include "table/records.h"

enum { BATCH = 1000, LINE_MAX_OCTETS = ADDRESS_MAX + STORED_MAX + 2 };

struct import;

struct line {
	struct import *in;
	uint64_t number;
	char *address, *stored;
	char account[ACCOUNT_MAX + 1];
	bool good;          /* so far */
};

struct import {
	struct authd *d;
	struct control_ask *ask; /* NULL: the client is gone */
	bool replace;
	bool ended;              /* no more data comes */
	bool too_long;           /* the rest of a line is skipped */
	struct buf data;
	struct line lines[BATCH];
	size_t n;                /* lines of the batch */
	size_t under_way;        /* of them at routerd */
	uint64_t number, done, failed;
};

static void next_batch(struct import *in);

static void
lines_clear(struct import *in)
{
	for (size_t i = 0; i < in->n; i++) {
		free(in->lines[i].address);
		free(in->lines[i].stored);
	}
	in->n = 0;
}

static void
import_free(struct import *in)
{
	lines_clear(in);
	buf_clear_secret(&in->data);
	free(in);
}

/* own_free of the ask: what is under way is finished, the rest is not. */
static void
on_ask_gone(void *own)
{
	struct import *in = own;

	in->ask = NULL;
	if (in->under_way == 0)
		import_free(in);
}

static void
fail_line(struct import *in, uint64_t number, struct str why)
{
	struct buf *row;

	in->failed++;
	if (in->ask == NULL)
		return;
	row = control_row(in->ask);
	json_u64(row, "line", number);
	json_str(row, "error", why);
	control_row_end(in->ask);
}

static void
progress(struct import *in)
{
	struct buf *row = control_row(in->ask);

	json_u64(row, "done", in->done);
	json_u64(row, "failed", in->failed);
	control_row_end(in->ask);
}

static void
batch_over(struct import *in)
{
	lines_clear(in);
	if (in->ask == NULL) {
		import_free(in);
		return;
	}
	if (!in->ended)
		progress(in);
	next_batch(in);
}

/* router_done_fn */
static void
on_added(void *arg, const struct msg_route_done *done)
{
	struct line *l = arg;
	struct import *in = l->in;

	if (done == NULL)
		fail_line(in, l->number, STR("routerd does not answer"));
	else if (done->exit != 0)
		fail_line(in, l->number, done->text);
	else
		in->done++;
	if (--in->under_way == 0)
		batch_over(in);
}

static void
ask(struct import *in, struct line *l, uint32_t flags, router_done_fn *then)
{
	struct msg_route_add add = { .account = str_c(l->address),
		.flags = flags | (in->replace ? ROUTE_ADD_REPLACE : 0),
		.quota = ROUTE_QUOTA_DOMAIN };

	in->under_way++;
	router_add(&in->d->router, &add, then, l);
}

static bool
store_all(struct import *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->lines[i].good &&
		    secrets_put(in->d->records, str_c(in->lines[i].account),
		        str_c(in->lines[i].stored)) == -1)
			return false;
	return authd_commit(in->d) == 0;
}

static void
store_batch(struct import *in)
{
	bool stored = store_all(in);

	for (size_t i = 0; i < in->n; i++) {
		if (!in->lines[i].good)
			continue;
		if (stored)
			ask(in, &in->lines[i], 0, on_added);
		else
			fail_line(in, in->lines[i].number,
			    str_c(records_error(in->d->records)));
	}
	if (in->under_way == 0)
		batch_over(in);
}

/* router_done_fn */
static void
on_checked(void *arg, const struct msg_route_done *done)
{
	struct line *l = arg;
	struct import *in = l->in;

	l->good = done != NULL && done->exit == 0 &&
	    str_copy(l->account, sizeof(l->account), done->account);
	if (!l->good)
		fail_line(in, l->number, done != NULL
		    ? done->text : STR("routerd does not answer"));
	if (--in->under_way == 0)
		store_batch(in);
}

static void
take_line(struct import *in, struct str s)
{
	struct line *l = &in->lines[in->n];
	struct str address;

	in->number++;
	if (str_ends(s, STR("\r")))
		s.n--;
	if (s.n == 0 || s.p[0] == '#')
		return;
	address = str_take_until(&s, '\t');
	if (address.n == 0 || address.n > ADDRESS_MAX || s.n == 0) {
		fail_line(in, in->number, STR("not \"address TAB hash\""));
		return;
	}
	if (!scheme_is_known(s)) {
		fail_line(in, in->number, STR("no {SCHEME}hash known here"));
		return;
	}
	*l = (struct line){ .in = in, .number = in->number,
		.address = str_dup(address), .stored = str_dup(s) };
	in->n++;
}

static void
take_lines(struct import *in)
{
	while (in->n < BATCH) {
		struct str data = buf_str(&in->data);
		size_t end = str_find(data, '\n');

		if (end == data.n && !(in->ended && data.n != 0)) {
			if (data.n > LINE_MAX_OCTETS) {
				in->too_long = true;
				buf_reset(&in->data);
			}
			return;
		}
		if (in->too_long) {
			in->number++;
			fail_line(in, in->number, STR("the line is too long"));
			in->too_long = false;
		} else {
			take_line(in, str_first(data, end));
		}
		buf_drop(&in->data, end < data.n ? end + 1 : end);
	}
}

static void
finish(struct import *in)
{
	progress(in);
	control_end(in->ask, in->failed != 0 ? 65 : 0, "", "");
}

/* A whole batch, or what is left when all has come. */
static void
next_batch(struct import *in)
{
	take_lines(in);
	if (in->n == 0 && in->ended) {
		finish(in);
		return;
	}
	if (in->n < BATCH && !in->ended) {
		link_resume(in->ask->link);
		return;
	}
	link_pause(in->ask->link);
	for (size_t i = 0; i < in->n; i++)
		ask(in, &in->lines[i], ROUTE_ADD_CHECK, on_checked);
}

void
import_ask(void *arg, struct control_ask *a)
{
	struct import *in = xcalloc(1, sizeof(*in));

	in->d = arg;
	in->ask = a;
	in->replace = control_flag(a, "--replace");
	buf_init(&in->data, BUF_NO_MAX);
	a->own = in;
	a->own_free = on_ask_gone;
	control_words_ok(a, 0, 0);
}

void
import_data(void *arg, struct control_ask *a, struct str data)
{
	struct import *in = a->own;

	(void)arg;
	buf_add(&in->data, data);
	if (in->under_way == 0)
		next_batch(in);
}

void
import_data_end(void *arg, struct control_ask *a)
{
	struct import *in = a->own;

	(void)arg;
	in->ended = true;
	if (in->under_way == 0)
		next_batch(in);
}
