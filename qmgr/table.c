#include "qmgr/table.h"

#include <stdlib.h>

#include "base/fatal.h"

enum { TABLE_LEAST = 64 };

/* Ids count upwards, so their low bits alone would do badly in clusters. */
static size_t
home(const struct table *t, uint64_t id)
{
	return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 20) &
	    (t->cap - 1);
}

void
table_init(struct table *t)
{
	*t = (struct table){ 0 };
	TAILQ_INIT(&t->all);
	LIST_INIT(&t->cursors);
}

void
table_clear(struct table *t)
{
	free(t->slots);
	table_init(t);
}

static void
place(struct table *t, struct message *m)
{
	size_t at = home(t, m->id);

	while (t->slots[at] != NULL)
		at = (at + 1) & (t->cap - 1);
	t->slots[at] = m;
}

static void
grow(struct table *t)
{
	struct message *m;

	free(t->slots);
	t->cap = t->cap == 0 ? TABLE_LEAST : t->cap * 2;
	t->slots = xcalloc(t->cap, sizeof(*t->slots));
	TAILQ_FOREACH(m, &t->all, entry)
		place(t, m);
}

void
table_add(struct table *t, struct message *m)
{
	struct message *last = TAILQ_LAST(&t->all, message_list);

	if ((t->n + 1) * 4 > t->cap * 3)
		grow(t);
	/* Nearly always the newest; large ones were given their id early. */
	while (last != NULL && last->id > m->id)
		last = TAILQ_PREV(last, message_list, entry);
	if (last == NULL)
		TAILQ_INSERT_HEAD(&t->all, m, entry);
	else
		TAILQ_INSERT_AFTER(&t->all, last, m, entry);
	place(t, m);
	t->n++;
}

void
table_remove(struct table *t, struct message *m)
{
	struct table_cursor *c;
	size_t at = home(t, m->id), hole;

	LIST_FOREACH(c, &t->cursors, entry)
		if (c->at == m)
			c->at = TAILQ_NEXT(m, entry);
	while (t->slots[at] != m)
		at = (at + 1) & (t->cap - 1);
	/* Whoever stands behind and may not skip the hole moves into it. */
	hole = at;
	for (;;) {
		size_t from;

		at = (at + 1) & (t->cap - 1);
		if (t->slots[at] == NULL)
			break;
		from = home(t, t->slots[at]->id);
		if (((at - from) & (t->cap - 1)) >=
		    ((at - hole) & (t->cap - 1))) {
			t->slots[hole] = t->slots[at];
			hole = at;
		}
	}
	t->slots[hole] = NULL;
	TAILQ_REMOVE(&t->all, m, entry);
	t->n--;
}

struct message *
table_find(const struct table *t, uint64_t id)
{
	size_t at;

	if (t->cap == 0)
		return NULL;
	for (at = home(t, id); t->slots[at] != NULL;
	    at = (at + 1) & (t->cap - 1))
		if (t->slots[at]->id == id)
			return t->slots[at];
	return NULL;
}

void
cursor_open(struct table_cursor *c, struct table *t)
{
	const struct message *last = TAILQ_LAST(&t->all, message_list);

	c->at = TAILQ_FIRST(&t->all);
	c->until = last != NULL ? last->id : 0;
	LIST_INSERT_HEAD(&t->cursors, c, entry);
}

/* A walk over a deep queue waits for memory more than for anything else: the
 * next message is fetched while the caller looks at this one. */
static void
fetch(const struct message *m)
{
	const size_t all = sizeof(*m) + sizeof(struct rcpt), line = 64;

	if (m != NULL)
		for (size_t at = 0; at < all; at += line)
			__builtin_prefetch((const char *)m + at);
}

struct message *
cursor_next(struct table_cursor *c)
{
	struct message *m = c->at;

	if (m == NULL || m->id > c->until)
		return NULL;
	c->at = TAILQ_NEXT(m, entry);
	fetch(c->at);
	return m;
}

void
cursor_close(struct table_cursor *c)
{
	LIST_REMOVE(c, entry);
}
