/* links: pop3d common/mail common/base */
/* Properties: neither machine says more than its buffer holds, whatever it
 * is told, and the answers do not depend on the cut. */
#include <stdlib.h>
#include <string.h>

#include "pop3d/door.h"
#include "pop3d/session.h"

static bool
on_open(void *arg, uint32_t uid)
{
	(void)arg;
	return uid != 2;
}

static ssize_t
on_read(void *arg, uint64_t at, char *out, size_t n)
{
	static const char text[] = "A: b\n\n.\n..\nc\r\nd\n";
	size_t left = at < sizeof(text) - 1 ? sizeof(text) - 1 - at : 0;

	(void)arg;
	if (n > left)
		n = left;
	if (n > 5)
		n = 5;
	if (n != 0)
		memcpy(out, text + at, n);
	return (ssize_t)n;
}

static void
on_close(void *arg)
{
	(void)arg;
}

static const struct drop_ops ops = { on_open, on_read, on_close };

static void
converse(struct str in, size_t cut, struct buf *said)
{
	struct drop_message list[3] = { { 1, 20, false }, { 2, 20, false },
		{ 3, 20, false } };
	struct drop drop = { .list = list, .count = 3, .ops = &ops };
	struct session s;
	enum session_event e = SESSION_MORE;

	session_init(&s, &drop, 20);
	for (int k = 0; k < 2; k++) {
		struct str piece = k == 0 ? str_first(in, cut) :
		    str_from(in, cut);

		while (e == SESSION_MORE && piece.n != 0) {
			e = session_feed(&s, &piece);
			while (e == SESSION_MORE && session_is_busy(&s))
				e = session_more(&s);
			if (s.out.overflow)
				abort();
			buf_add(said, buf_str(&s.out));
			buf_reset(&s.out);
		}
	}
	session_clear(&s);
}

static void
knock(struct str in)
{
	static const struct door_conf conf = { 255, 1000, "x" };
	struct door d;

	door_init(&d, &conf);
	d.plain_ok = d.can_tls = true;
	while (in.n != 0 && d.state != DOOR_ENDED) {
		switch (door_feed(&d, &in)) {
		case DOOR_STLS:
			door_tls_on(&d);
			break;
		case DOOR_LOGIN:
		case DOOR_SAY:
			door_refused(&d, AUTH_BAD, STR("a\nb"));
			break;
		case DOOR_AUTH:
			door_challenge(&d, STR("x"));
			break;
		case DOOR_MORE:
		case DOOR_CANCEL:
		case DOOR_BYE:
			break;
		}
		if (d.out.overflow)
			abort();
		buf_reset(&d.out);
	}
	door_clear(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n(data, size);
	struct buf a, b;

	buf_init(&a, BUF_NO_MAX);
	buf_init(&b, BUF_NO_MAX);
	converse(in, in.n, &a);
	converse(in, size != 0 ? data[size - 1] % (size + 1) : 0, &b);
	if (!str_eq(buf_str(&a), buf_str(&b)))
		abort();
	knock(in);
	buf_clear(&a);
	buf_clear(&b);
	return 0;
}
