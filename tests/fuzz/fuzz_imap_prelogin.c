/* links: imapd common/mail common/base */
/*
 * The door of IMAP: whatever arrives, cut wherever it likes, the answers and
 * events are the same, and memory stays within its caps.  The first octet
 * says where the rest is cut.
 */
#include <stdint.h>
#include <stdlib.h>

#include "imapd/prelogin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct prelogin_conf conf = { .line = 512, .literal = 256,
	.errors = 5, .host = "mx.test" };

/* The owner: refuses every log-in, asks once, and begins no TLS. */
static void
feed(struct prelogin *p, struct str in, struct buf *said)
{
	while (in.n != 0 && p->state != PRELOGIN_ENDED) {
		enum prelogin_event e = prelogin_feed(p, &in);

		/* How often there is nothing to say differs with the cut. */
		buf_add(said, buf_str(&p->out));
		buf_reset(&p->out);
		if (e != PRELOGIN_MORE)
			buf_add_char(said, (char)('0' + e));
		if (e == PRELOGIN_STARTTLS)
			prelogin_tls_on(p);
		else if (e == PRELOGIN_AUTH)
			prelogin_challenge(p, STR("go on"));
		else if (e == PRELOGIN_LOGIN || e == PRELOGIN_SAY)
			prelogin_refused(p, AUTH_BAD, STR("no"));
		buf_add(said, buf_str(&p->out));
		buf_reset(&p->out);
	}
	if (p->reader.cmd.cap > 64 * 1024 || p->sasl.buf.cap > 64 * 1024)
		abort();
}

static void
run(struct str first, struct str second, struct buf *said)
{
	struct prelogin p;

	prelogin_init(&p, &conf);
	p.plain_ok = p.can_tls = true;
	prelogin_set_mechs(&p, STR("PLAIN LOGIN"));
	feed(&p, first, said);
	feed(&p, second, said);
	prelogin_clear(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, pieces;
	struct str in;
	size_t cut;

	if (size == 0)
		return 0;
	in = str_n(data + 1, size - 1);
	cut = in.n * data[0] / 256;
	buf_init(&whole, BUF_NO_MAX);
	buf_init(&pieces, BUF_NO_MAX);
	run(in, STR_NONE, &whole);
	run(str_first(in, cut), str_from(in, cut), &pieces);
	if (!str_eq(buf_str(&whole), buf_str(&pieces)))
		abort();
	buf_clear(&whole);
	buf_clear(&pieces);
	return 0;
}
