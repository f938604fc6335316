/* The Received field, and networks. */
#include "tests/unit/unit.h"

#include <sys/socket.h>

#include "mail/header.h"
#include "smtpd/nets.h"
#include "smtpd/trace.h"

START_TEST(received)
{
	struct trace t = { .helo = STR("c.test"), .ptr = STR("ptr.test"),
		.client = STR("192.0.2.1"), .hostname = STR("mx.test"),
		.protocol = "ESMTPS", .tls = "TLSv1.3 AES", .now = { 0, 0 } };
	struct smtp_tx tx;
	struct buf out;
	uint32_t at;

	buf_init(&out, BUF_NO_MAX);
	smtp_tx_init(&tx);
	smtp_tx_ask(&tx, STR("bob@local.test"));
	smtp_tx_answer(&tx, true);
	trace_write(&out, &t, &tx, &at);
	ck_assert_str_eq(buf_cstr(&out),
	    "Received: from c.test (ptr.test [192.0.2.1])\n"
	    "\tby mx.test with ESMTPS (TLSv1.3 AES)\n"
	    "\tid 0000000000000\n"
	    "\tfor <bob@local.test>;\n"
	    "\tThu, 1 Jan 1970 00:00:00 +0000\n");
	ck_assert(str_starts(str_from(buf_str(&out), at), STR("0000000000000")));
	buf_reset(&out);
	smtp_tx_ask(&tx, STR("eve@local.test"));
	smtp_tx_answer(&tx, true);
	tx.sender = STR("a@b.test");
	tx.missing = HEADER_HAS_FROM | HEADER_HAS_DATE | HEADER_HAS_MESSAGE_ID;
	tx.headless = true;
	t.client = STR("2001:db8::1");
	t.ptr = STR_NONE;
	t.tls = "";
	t.unique = 0xabc;
	trace_write(&out, &t, &tx, &at);
	ck_assert_str_eq(buf_cstr(&out),
	    "Received: from c.test ([IPv6:2001:db8::1])\n"
	    "\tby mx.test with ESMTPS\n"
	    "\tid 0000000000000;\n"
	    "\tThu, 1 Jan 1970 00:00:00 +0000\n"
	    "Date: Thu, 1 Jan 1970 00:00:00 +0000\n"
	    "From: <a@b.test>\n"
	    "Message-ID: <0.abc@mx.test>\n"
	    "\n");
	smtp_tx_clear(&tx);
	buf_clear(&out);
}
END_TEST

static const struct {
	const char *net, *addr;
	bool ok, has;
} rows[] = {
	{ "192.0.2.0/24", "192.0.2.255", true, true },
	{ "192.0.2.0/24", "192.0.3.0", true, false },
	{ "192.0.2.4/30", "192.0.2.7", true, true },
	{ "192.0.2.4/30", "192.0.2.8", true, false },
	{ "0.0.0.0/0", "10.1.2.3", true, true },
	{ "10.1.2.3", "10.1.2.3", true, true },
	{ "10.1.2.3", "10.1.2.4", true, false },
	{ "10.1.2.3/33", "", false, false },
	{ "10.1.2.3/", "", false, false },
	{ "10.1.2", "", false, false },
	{ "::/129", "", false, false },
};

START_TEST(networks)
{
	struct nets nets = { 0 };
	struct net net, addr;

	ck_assert_int_eq(net_parse(str_c(rows[_i].net), &net), rows[_i].ok);
	if (!rows[_i].ok)
		return;
	nets_add(&nets, &net);
	ck_assert(net_parse(str_c(rows[_i].addr), &addr));
	ck_assert_int_eq(nets_has(&nets, AF_INET, addr.addr), rows[_i].has);
	ck_assert(!nets_has(&nets, AF_INET6, addr.addr));
	nets_clear(&nets);
}
END_TEST

static TCase *
all(void)
{
	TCase *tc = tcase_create("trace");

	tcase_add_test(tc, received);
	tcase_add_loop_test(tc, networks, 0, N_OF(rows));
	return tc;
}

UNIT_MAIN("smtpd trace", all)
