#include "imapd/user.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "imapd/session.h"
#include "store/mailbox.h"

/* clang-format off */
static const struct {
	struct str name;
	unsigned use;
} first_folders[] = {
	{ STR_INIT("Archive"), USE_ARCHIVE },
	{ STR_INIT("Drafts"),  USE_DRAFTS },
	{ STR_INIT("Junk"),    USE_JUNK },
	{ STR_INIT("Sent"),    USE_SENT },
	{ STR_INIT("Trash"),   USE_TRASH },
};
/* clang-format on */

/* An account that has never been looked at has INBOX and nothing else. */
static void
make_first_folders(struct user *u)
{
	size_t count;

	if (account_folders(u->store, &count) == NULL || count > 1)
		return;
	for (size_t i = 0; i < sizeof(first_folders) / sizeof(*first_folders);
	    i++)
		if (account_create(u->store, first_folders[i].name,
		    first_folders[i].use) == STORE_OK)
			account_subscribe(
			    u->store, first_folders[i].name, true);
}

struct user *
user_open(int dirfd, struct str name, uint64_t epoch, uint64_t quota,
    const struct user_conf *conf)
{
	struct store_conf store = { .epoch = epoch };
	struct account *a = account_open(dirfd, &store);
	struct user *u;

	if (a == NULL)
		return NULL;
	u = xcalloc(1, sizeof(*u));
	u->store = a;
	u->name = str_dup(name);
	u->conf = *conf;
	TAILQ_INIT(&u->sessions);
	account_set_quota(a, quota);
	if (conf->special_folders)
		make_first_folders(u);
	return u;
}

void
user_close(struct user *u)
{
	if (u == NULL)
		return;
	account_close(u->store);
	free(u->name);
	free(u);
}

void
user_changed(struct user *u, struct str mailbox)
{
	struct session *s;

	TAILQ_FOREACH(s, &u->sessions, entry)
		if (s->mailbox != NULL &&
		    str_eq(mailbox_name(s->mailbox), mailbox)) {
			/* The others see the same mailbox object. */
			if (session_refresh(s) == STORE_NOT_FOUND)
				session_gone(s);
			else
				return;
		}
}
