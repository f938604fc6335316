/*
 * settings -- what an account knows of its mailboxes besides their folders:
 * which names are subscribed, which have a special use, and the last
 * UIDVALIDITY given.  A small text file, ix/account, replaced as a whole
 * under the lock ix/account.lock.  Damaged or lost, it begins empty.
 */
#ifndef POSTERN_STORE_SETTINGS_H
#define POSTERN_STORE_SETTINGS_H

#include "base/pool.h"
#include "base/str.h"
#include "store/account.h"

enum { SETTINGS_NAMES_MAX = 20000 };

struct setting {
	struct str name;
	bool subscribed;
	unsigned use; /* USE_ */
};
struct settings {
	struct pool pool;
	uint32_t uidvalidity; /* the largest given so far, 0: none */
	struct setting *list;
	size_t n, cap;
};

void settings_init(struct settings *s);
void settings_clear(struct settings *s);
/* -1 and errno when it cannot be read; absence and damage are no failure. */
int settings_read(struct settings *s, int ix);
int settings_write(const struct settings *s, int ix);
/* The row of that name; made if it is missing and make. */
struct setting *settings_get(struct settings *s, struct str name, bool make);
/* The lock's descriptor, to be closed; -1 and errno. */
int settings_lock(int ix);

#endif
