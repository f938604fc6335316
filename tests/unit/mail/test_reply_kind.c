/* What servers say, and what is made of it. */
#include "tests/unit/unit.h"

#include "mail/reply_kind.h"

/* clang-format off */
static const struct vector {
	uint32_t code;
	const char *status, *text;
	enum reply_kind kind;
	uint32_t wait;
} vectors[] = {
	/* greylists */
	{ 450, "4.2.0", "<x@y>: Recipient address rejected: Greylisted, see http://a.test/x.html", REPLY_GREY, 0 },
	{ 451, "4.7.1", "Greylisted, please try again in 300 seconds", REPLY_GREY, 300 },
	{ 451, "4.7.1", "Greylisting in action, please come back in 00:04:58", REPLY_GREY, 298 },
	{ 451, "4.7.1", "try again later", REPLY_GREY, 0 },
	{ 450, "4.7.1", "Please wait 5 minutes", REPLY_GREY, 300 },
	{ 421, "4.7.0", "Graylisted", REPLY_GREY, 0 },
	{ 451, "4.3.0", "Temporary problem, retry in 2 min.", REPLY_GREY, 120 },
	{ 451, "", "wait for 90s, please", REPLY_GREY, 90 },
	{ 450, "4.2.0", "", REPLY_GREY, 0 },
	{ 452, "4.5.3", "Too many recipients", REPLY_GREY, 0 },
	/* full */
	{ 452, "4.2.2", "Mailbox full", REPLY_FULL, 0 },
	{ 450, "4.2.2", "over quota", REPLY_FULL, 0 },
	{ 452, "", "Insufficient system storage", REPLY_FULL, 0 },
	{ 450, "4.2.1", "The user you are trying to contact is receiving mail too quickly", REPLY_FULL, 0 },
	{ 451, "4.3.0", "Mailbox is full", REPLY_FULL, 0 },
	/* slow down */
	{ 421, "4.3.2", "busy", REPLY_SLOW, 0 },
	{ 421, "", "Too many concurrent SMTP connections; please try again in 10 minutes", REPLY_SLOW, 600 },
	{ 450, "4.7.1", "Error: too many connections from 192.0.2.1", REPLY_SLOW, 0 },
	{ 450, "4.7.1", "Error: too much mail from 192.0.2.1", REPLY_SLOW, 0 },
	{ 451, "4.7.0", "Temporary rate limited", REPLY_SLOW, 0 },
	{ 451, "4.7.28", "unsolicited mail", REPLY_SLOW, 0 },
	{ 452, "4.3.1", "Out of memory", REPLY_SLOW, 0 },
	{ 450, "", "please slow down", REPLY_SLOW, 0 },
	/* no connection */
	{ 451, "4.4.1", "no connection: Connection refused", REPLY_DOWN, 0 },
	{ 451, "4.4.2", "the connection was lost", REPLY_DOWN, 0 },
	{ 421, "4.4.2", "Error: timeout exceeded", REPLY_DOWN, 0 },
	/* neither */
	{ 451, "4.3.0", "local error in processing", REPLY_USUAL, 0 },
	{ 450, "4.7.1", "Client host rejected: cannot find your hostname, [192.0.2.1]", REPLY_USUAL, 0 },
	{ 450, "4.1.8", "Sender address rejected: Domain not found", REPLY_USUAL, 0 },
	{ 451, "4.3.0", "error 12 in 3 parts", REPLY_USUAL, 0 },
	{ 451, "4.3.0", "in 99999999999 hours", REPLY_USUAL, 0 },
	{ 451, "4.3.0", "in 1193047:00:00", REPLY_USUAL, 0 },
	{ 451, "4.3.0", "in 5 miles", REPLY_USUAL, 0 },
	{ 451, "4.3.0", "in 5", REPLY_USUAL, 0 },
	{ 451, "4.30.1", "x", REPLY_USUAL, 0 },
	{ 550, "5.7.1", "Greylisted for ever", REPLY_USUAL, 0 },
	{ 250, "2.0.0", "greylisted in 5 minutes", REPLY_USUAL, 0 },
	{ 0, "", "", REPLY_USUAL, 0 },
};
/* clang-format on */

START_TEST(vector)
{
	const struct vector *v = &vectors[_i];
	const struct reply_hint h =
	    reply_hint(v->code, str_c(v->status), str_c(v->text));

	ck_assert_msg(h.kind == v->kind, "%u %s %s: kind %d", v->code,
	    v->status, v->text, (int)h.kind);
	ck_assert_msg(h.wait == v->wait, "%u %s %s: wait %u", v->code,
	    v->status, v->text, h.wait);
}
END_TEST

START_TEST(cut_anywhere)
{
	const struct str all = STR("please come back in 00:04:58 or 5 minutes");

	for (size_t n = 0; n <= all.n; n++) {
		char *copy = str_dup(str_first(all, n));

		reply_hint(451, STR("4.7.1"), str_n(copy, n));
		free(copy);
	}
}
END_TEST

static TCase *
kinds(void)
{
	TCase *tc = tcase_create("kinds");

	tcase_add_loop_test(
	    tc, vector, 0, sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(tc, cut_anywhere);
	return tc;
}

UNIT_MAIN("reply_kind", kinds)
