#include "qmgr/reason.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"

enum { KEY_MAX = 4096 };

/* Distinct for distinct reasons: lengths stand in front. */
static struct str
make_key(char key[KEY_MAX], uint32_t code, struct str status, struct str text,
    struct str remote)
{
	const struct str parts[] = { status, text, remote };
	size_t n = sizeof(code);

	memcpy(key, &code, sizeof(code));
	for (size_t i = 0; i < 3; i++) {
		const struct str part = str_first(parts[i], 1200);
		const uint16_t len = (uint16_t)part.n;

		memcpy(key + n, &len, sizeof(len));
		n += sizeof(len);
		if (part.n != 0)
			memcpy(key + n, part.p, part.n);
		n += part.n;
	}
	return str_n(key, n);
}

/* With its key. */
static uint64_t
octets(const struct reason *r)
{
	return sizeof(*r) + 2 * (r->said.n + r->remote.n);
}

struct reason *
reason_get(struct reasons *rs, uint32_t code, struct str status,
    struct str text, struct str remote)
{
	char room[KEY_MAX], digits[16], *at, *said;
	const struct str key = make_key(room, code, status, text, remote);
	const struct str number = str_n(digits,
	    (size_t)snprintf(digits, sizeof(digits), "%u ", code));
	struct reason *r = map_get(&rs->by_text, key);

	if (r != NULL)
		return reason_ref(r);
	r = xmalloc(sizeof(*r) + number.n + status.n + 1 + text.n + remote.n);
	*r = (struct reason){ .refs = 1, .code = code };
	at = said = (char *)(r + 1);
	str_put(&at, number);
	r->status = str_put(&at, status);
	str_put(&at, STR(" "));
	r->text = str_put(&at, text);
	r->said = str_n(said, (size_t)(at - said));
	r->remote = str_put(&at, remote);
	/* Our own words promise nothing, and may have any host's name. */
	r->hint = reply_hint(
	    code, r->status, r->remote.n != 0 ? r->text : STR_NONE);
	map_set(&rs->by_text, key, r);
	rs->octets += octets(r);
	return r;
}

struct reason *
reason_ref(struct reason *r)
{
	r->refs++;
	return r;
}

void
reason_drop(struct reasons *rs, struct reason *r)
{
	char room[KEY_MAX];

	if (r == NULL || --r->refs != 0)
		return;
	rs->octets -= octets(r);
	map_del(&rs->by_text,
	    make_key(room, r->code, r->status, r->text, r->remote));
	free(r);
}

void
reasons_clear(struct reasons *rs)
{
	size_t pos = 0;
	struct reason *r;

	while ((r = map_next(&rs->by_text, &pos, NULL)) != NULL)
		free(r);
	map_clear(&rs->by_text);
	rs->octets = 0;
}
