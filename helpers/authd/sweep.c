/* sweep -- an account that was removed, or whose adding was interrupted,
 * leaves a secret behind: it is removed when routerd says that the domain is
 * there and the account is not. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "helpers/authd/authd.h"
#include "helpers/authd/secrets.h"
#include "proc/note.h"

enum {
	FIRST_MS = 60000,          /* after routerd came up */
	STEP_MS = 50,
	STEP = 50,                 /* accounts asked about in one step */
	AGAIN_MS = 24 * 3600000,
	YOUNG_MS = 3600000         /* an adding may still be under way */
};

struct sweep {
	struct authd *d;
	struct timer timer;
	struct buf at;       /* the last account asked about */
	unsigned under_way;
	bool failed;         /* routerd went away: begin anew later */
	uint64_t removed;
};

/* One account asked about. */
struct asked {
	struct sweep *s;
	char *account;
};

static bool
is_orphan(struct sweep *s, struct str account, const struct msg_route_is *is)
{
	struct buf stored;
	uint64_t changed = 0;
	int found;

	if (is->kind != ROUTE_REJECT || !str_starts(is->text, STR("5.1.1")))
		return false;
	buf_init(&stored, BUF_NO_MAX);
	found = secrets_get(s->d->records, account, &stored, &changed);
	buf_clear_secret(&stored);
	return found == 1 &&
	    (uint64_t)clock_wall_ms() > changed + (uint64_t)YOUNG_MS;
}

/* router_is_fn */
static void
on_account(void *arg, const struct msg_route_is *is)
{
	struct asked *a = arg;
	struct sweep *s = a->s;

	s->under_way--;
	if (is == NULL) {
		s->failed = true;
	} else if (is_orphan(s, str_c(a->account), is)) {
		note(NOTE_INFO, "secret-removed");
		note_c("account", a->account);
		note_c("why", "there is no such account");
		note_end();
		secrets_del(s->d->records, str_c(a->account));
		authd_commit(s->d);
		s->removed++;
	}
	free(a->account);
	free(a);
}

static void
on_time(void *arg)
{
	struct sweep *s = arg;

	for (int i = 0; i < STEP && s->under_way < STEP; i++) {
		struct asked *a;

		if (s->failed || !secrets_next(
		    s->d->records, buf_str(&s->at), &s->at)) {
			buf_reset(&s->at);
			timer_set(&s->timer, s->failed ? FIRST_MS : AGAIN_MS);
			s->failed = false;
			return;
		}
		a = xcalloc(1, sizeof(*a));
		a->s = s;
		a->account = str_dup(buf_str(&s->at));
		s->under_way++;
		router_account(
		    &s->d->router, buf_str(&s->at), on_account, a);
	}
	timer_set(&s->timer, STEP_MS);
}

void
sweep_start(struct authd *d)
{
	if (d->sweep == NULL) {
		d->sweep = xcalloc(1, sizeof(*d->sweep));
		d->sweep->d = d;
		buf_init(&d->sweep->at, BUF_NO_MAX);
		timer_init(&d->sweep->timer, d->proc.loop, on_time, d->sweep);
	}
	if (!timer_is_set(&d->sweep->timer))
		timer_set(&d->sweep->timer, FIRST_MS);
}
