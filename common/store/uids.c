#include <stdlib.h>

#include "base/fatal.h"
#include "store/mailbox.h"

void
uids_add(struct uids *u, uint32_t uid)
{
	if (u->n == u->cap) {
		u->cap = u->cap == 0 ? 16 : u->cap * 2;
		u->list = xreallocarray(u->list, u->cap, sizeof(*u->list));
	}
	u->list[u->n++] = uid;
}

void
uids_clear(struct uids *u)
{
	free(u->list);
	*u = (struct uids){ 0 };
}
