#include "helpers/authd/secrets.h"

#include "base/clock.h"
#include "base/wire.h"
#include "helpers/authd/scheme.h"
#include "table/records.h"

static const struct wire_field fields[] = {
	W_STR(secret, stored, STORED_MAX),
	W_U64(secret, created_ms),
	W_U64(secret, changed_ms),
};
static const struct wire wire = WIRE(secret, fields);

static void
make_key(struct buf *key, struct str account)
{
	buf_init(key, BUF_NO_MAX);
	buf_add_char(key, 'S');
	buf_add(key, account);
}

static int
read_record(struct records *r, struct str account, struct buf *value,
    struct secret *s)
{
	struct buf key;
	struct str in;
	int found;

	make_key(&key, account);
	found = records_get(r, buf_str(&key), value);
	buf_clear(&key);
	in = buf_str(value);
	if (found == 1 && !wire_take(&in, &wire, s))
		return -1;
	return found;
}

int
secrets_get(struct records *r, struct str account, struct buf *out,
    uint64_t *changed_ms)
{
	struct buf value;
	struct secret s;
	int found;

	buf_init(&value, BUF_NO_MAX);
	found = read_record(r, account, &value, &s);
	if (found == 1) {
		buf_add(out, s.stored);
		if (changed_ms != NULL)
			*changed_ms = s.changed_ms;
	}
	buf_clear_secret(&value);
	return found;
}

int
secrets_put(struct records *r, struct str account, struct str stored)
{
	uint64_t now = (uint64_t)clock_wall_ms();
	struct buf key, value;
	struct secret s;
	int e;

	buf_init(&value, BUF_NO_MAX);
	e = read_record(r, account, &value, &s);
	s = (struct secret){ stored, e == 1 ? s.created_ms : now, now };
	buf_clear_secret(&value);
	if (e == -1)
		return -1;
	make_key(&key, account);
	wire_put(&value, &wire, &s);
	e = records_put(r, buf_str(&key), buf_str(&value));
	buf_clear(&key);
	buf_clear_secret(&value);
	return e;
}

int
secrets_del(struct records *r, struct str account)
{
	struct buf key;
	int e;

	make_key(&key, account);
	e = records_del(r, buf_str(&key));
	buf_clear(&key);
	return e;
}

static bool
take_first(void *arg, struct str key, struct str value)
{
	(void)value;
	buf_add(arg, str_from(key, 1));
	return false;
}

bool
secrets_next(struct records *r, struct str after, struct buf *account)
{
	struct buf key;
	bool found;

	/* The least key greater than "S" + after. */
	make_key(&key, after);
	buf_add_char(&key, '\0');
	buf_reset(account);
	found = records_from(r, buf_str(&key), take_first, account) == 0 &&
	    buf_len(account) != 0;
	buf_clear(&key);
	return found;
}
