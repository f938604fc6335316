#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "store/inner.h"

/* Messages of one mailbox that came since the last flush. */
struct fresh {
	TAILQ_ENTRY(fresh) entry;
	char *name;
	uint32_t uidvalidity;
	struct uids uids;
};

static void
fresh_free(struct account *a, struct fresh *f)
{
	TAILQ_REMOVE(&a->fresh, f, entry);
	free(f->name);
	uids_clear(&f->uids);
	free(f);
}

void
account_add_fresh(struct mailbox *m, const uint32_t *uids, size_t n)
{
	struct account *a = m->account;
	struct fresh *f = TAILQ_LAST(&a->fresh, freshes);

	if (f == NULL || !str_eq(str_c(f->name), str_c(m->name)) ||
	    f->uidvalidity != m->x.state.uidvalidity) {
		f = xcalloc(1, sizeof(*f));
		f->name = str_dup(str_c(m->name));
		f->uidvalidity = m->x.state.uidvalidity;
		TAILQ_INSERT_TAIL(&a->fresh, f, entry);
	}
	for (size_t i = 0; i < n; i++)
		uids_add(&f->uids, uids[i]);
}

void
account_forget_fresh(struct account *a)
{
	struct fresh *f;

	while ((f = TAILQ_FIRST(&a->fresh)) != NULL)
		fresh_free(a, f);
}

void
account_lose_fresh(struct account *a)
{
	int saved = errno;
	struct fresh *f;
	struct mailbox *m;

	while ((f = TAILQ_FIRST(&a->fresh)) != NULL) {
		if (mailbox_open(a, str_c(f->name), &m) == STORE_OK) {
			for (size_t i = 0; i < f->uids.n; i++)
				if (m->x.state.uidvalidity == f->uidvalidity)
					(void)mailbox_lose(m, f->uids.list[i]);
			mailbox_close(m);
		}
		fresh_free(a, f);
	}
	errno = saved;
}
