#include "helpers/authd/penalty.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"

enum {
	COUNTS_MAX = 100000,
	NETWORK_FACTOR = 5, /* a network may fail more: people share it */
	SHIFT_MAX = 20
};

struct count {
	uint64_t failures;
	int64_t until; /* forgotten then */
};

void
penalties_init(struct penalties *p, uint64_t most, int64_t per_ms,
    int64_t delay_max)
{
	*p = (struct penalties){ most, per_ms, delay_max, { 0 } };
	map_init(&p->counts);
}

/* older: only those forgotten by now. */
static void
sweep(struct penalties *p, int64_t now, bool all)
{
	struct count *c;
	size_t pos = 0;
	struct str key;

	while ((c = map_next(&p->counts, &pos, &key)) != NULL)
		if (all || c->until <= now) {
			map_del(&p->counts, key);
			free(c);
		}
}

void
penalties_clear(struct penalties *p)
{
	sweep(p, 0, true);
	map_clear(&p->counts);
}

/* The /24 of an IPv4 address, the /64 of an IPv6 one; else the text. */
static void
add_network(struct buf *key, struct str client)
{
	unsigned char addr[16];
	char text[64];

	if (str_copy(text, sizeof(text), client)) {
		if (inet_pton(AF_INET, text, addr) == 1) {
			buf_add(key, str_n(addr, 3));
			return;
		}
		if (inet_pton(AF_INET6, text, addr) == 1) {
			buf_add(key, str_n(addr, 8));
			return;
		}
	}
	buf_add(key, client);
}

/* With an account the pair's key, without the network's. */
static void
make_key(struct buf *key, struct str client, const struct str *account)
{
	buf_init(key, BUF_NO_MAX);
	buf_add_char(key, account != NULL ? 'a' : 'n');
	add_network(key, client);
	if (account != NULL) {
		buf_add_char(key, '\0');
		for (size_t i = 0; i < account->n; i++)
			buf_add_char(key, chr_lower(account->p[i]));
	}
}

static struct count *
find(struct penalties *p, struct str client, const struct str *account,
    int64_t now)
{
	struct buf key;
	struct count *c;

	make_key(&key, client, account);
	c = map_get(&p->counts, buf_str(&key));
	if (c != NULL && c->until <= now) {
		map_del(&p->counts, buf_str(&key));
		free(c);
		c = NULL;
	}
	buf_clear(&key);
	return c;
}

/* 1 s for the first over the limit, then twice as much for each. */
static int64_t
delay_for(const struct penalties *p, const struct count *c, uint64_t most)
{
	uint64_t over;
	int64_t ms;

	if (c == NULL || c->failures < most)
		return 0;
	over = c->failures - most;
	ms = (int64_t)1000 << (over > SHIFT_MAX ? SHIFT_MAX : over);
	return ms < p->delay_max ? ms : p->delay_max;
}

int64_t
penalty_delay(struct penalties *p, struct str client, struct str account,
    int64_t now)
{
	int64_t a, n;

	if (p->most == 0)
		return 0;
	a = delay_for(p, find(p, client, &account, now), p->most);
	n = delay_for(p, find(p, client, NULL, now),
	    p->most * NETWORK_FACTOR);
	return a > n ? a : n;
}

static void
count(struct penalties *p, struct str client, const struct str *account,
    int64_t now)
{
	struct count *c = find(p, client, account, now);
	struct buf key;

	if (c == NULL) {
		if (p->counts.n >= COUNTS_MAX)
			sweep(p, now, false);
		if (p->counts.n >= COUNTS_MAX)
			sweep(p, now, true);
		c = xcalloc(1, sizeof(*c));
		make_key(&key, client, account);
		map_set(&p->counts, buf_str(&key), c);
		buf_clear(&key);
	}
	c->failures++;
	c->until = now + p->per_ms;
}

void
penalty_failed(struct penalties *p, struct str client, struct str account,
    int64_t now)
{
	if (p->most == 0)
		return;
	count(p, client, &account, now);
	count(p, client, NULL, now);
}

void
penalty_succeeded(
    struct penalties *p, struct str client, struct str account)
{
	struct buf key;

	make_key(&key, client, &account);
	free(map_del(&p->counts, buf_str(&key)));
	buf_clear(&key);
}
