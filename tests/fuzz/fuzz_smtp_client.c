/* links: delivery/smtp common/mail common/base */
/*
 * The client machine against a hostile server: the input is what it says,
 * cut where octet 0 is found.  The ledger must hold (I56, I57): no recipient
 * has two fates, none is sent before the final dot was out, and none is sent
 * without a 2xx reply after it.
 */
#include <stdlib.h>

#include "delivery/smtp/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RCPTS = 3 };

struct run {
	struct client client;
	struct client_rcpt rcpts[RCPTS];
	struct client_mail mail;
	unsigned fates[RCPTS];
	bool dot_out;
	unsigned mails;
};

static void
on_fate(void *arg, size_t rcpt, const struct client_result *r)
{
	struct run *run = arg;

	if (rcpt >= RCPTS || ++run->fates[rcpt] > 1)
		abort();
	if (r->status == JOB_OK && (!run->dot_out || r->code / 100 != 2))
		abort();
	if (r->enhanced.n == 0 || r->text.n > REPLY_TEXT_MAX)
		abort();
	for (size_t i = 0; i < r->text.n; i++)
		if (r->text.p[i] < ' ' || r->text.p[i] > '~')
			abort();
}

static void
begin(struct run *run)
{
	for (size_t i = 0; i < RCPTS; i++) {
		run->rcpts[i].accepted = false;
		run->fates[i] = 0;
	}
	run->dot_out = false;
	client_begin(&run->client, &run->mail);
}

static void
act(struct run *run, enum client_event event)
{
	struct client *c = &run->client;

	switch (event) {
	case CLIENT_WAIT:
	case CLIENT_OVER:
		break;
	case CLIENT_TLS:
		client_tls_started(c);
		break;
	case CLIENT_READY:
		begin(run);
		break;
	case CLIENT_TEXT:
		client_text(c, STR("Subject: x\n\n.\n"));
		break;
	case CLIENT_DONE:
		for (size_t i = 0; i < RCPTS; i++)
			if (run->fates[i] != 1)
				abort();
		if (++run->mails < 3)
			begin(run);
		else
			client_quit(c);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run *run;
	struct client_conf conf = { .hostname = "me.test" };
	struct str rest;

	if (size == 0)
		return 0;
	run = calloc(1, sizeof(*run));
	conf.lmtp = (data[0] & 1) != 0;
	conf.tls = (data[0] & 2) != 0 ? ROUTE_TLS_MAY : ROUTE_TLS_NONE;
	client_init(&run->client, &conf);
	for (size_t i = 0; i < RCPTS; i++)
		run->rcpts[i].address = STR("b@d.test");
	run->mail = (struct client_mail){ .sender = STR("a@me.test"),
		.rcpts = run->rcpts, .nrcpts = RCPTS, .on_fate = on_fate,
		.arg = run };
	rest = str_n(data + 1, size - 1);
	while (rest.n > 0 && run->client.state != AT_OVER) {
		struct str piece = str_take_until(&rest, '\0');

		buf_reset(&run->client.out);
		if (run->client.state == AT_TEXT && piece.n == 0) {
			client_dot(&run->client);
			client_drained(&run->client);
			run->dot_out = true;
			continue;
		}
		act(run, client_feed(&run->client, &piece));
		if (piece.n != 0 && run->client.state != AT_OVER)
			abort();
	}
	client_lost(&run->client, "end");
	client_clear(&run->client);
	free(run);
	return 0;
}
