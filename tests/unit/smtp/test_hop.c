#include "delivery/smtp/hop.h"

#include "tests/unit/unit.h"

static const struct {
	const char *in;
	bool ok, lmtp, mx;
	const char *host, *path;
	unsigned port;
} vectors[] = {
	{ "example.org", true, false, true, "example.org", "", 0 },
	{ "example.org:2525", true, false, true, "example.org", "", 2525 },
	{ "[mx.example.org]", true, false, false, "mx.example.org", "", 0 },
	{ "[mx.example.org]:26", true, false, false, "mx.example.org", "",
	    26 },
	{ "[192.0.2.1]:26", true, false, false, "192.0.2.1", "", 26 },
	{ "[IPv6:2001:db8::1]", true, false, false, "2001:db8::1", "", 0 },
	{ "[2001:db8::1]:26", true, false, false, "2001:db8::1", "", 26 },
	{ "lmtp:[127.0.0.1]:2424", true, true, false, "127.0.0.1", "", 2424 },
	{ "lmtp:mail.test", true, true, false, "mail.test", "", 24 },
	{ "LMTP:/run/x", true, true, false, "", "/run/x", 24 },
	{ "", false, false, false, "", "", 0 },
	{ "lmtp:", false, false, false, "", "", 0 },
	{ "[]", false, false, false, "", "", 0 },
	{ "[a", false, false, false, "", "", 0 },
	{ "a:", false, false, false, "", "", 0 },
	{ "a:0", false, false, false, "", "", 0 },
	{ "a:65536", false, false, false, "", "", 0 },
	{ "[a]x", false, false, false, "", "", 0 },
};

START_TEST(parse)
{
	struct hop h;

	ck_assert_int_eq(
	    hop_parse(str_c(vectors[_i].in), &h), vectors[_i].ok);
	if (!vectors[_i].ok)
		return;
	ck_assert_int_eq(h.lmtp, vectors[_i].lmtp);
	ck_assert_int_eq(h.mx, vectors[_i].mx);
	ck_assert(str_eq(h.host, str_c(vectors[_i].host)));
	ck_assert(str_eq(h.path, str_c(vectors[_i].path)));
	ck_assert_uint_eq(h.port, vectors[_i].port);
}
END_TEST

static TCase *
hops(void)
{
	TCase *tc = tcase_create("hop");

	tcase_add_loop_test(tc, parse, 0, (int)N_OF(vectors));
	return tc;
}

UNIT_MAIN("smtp hop", hops)
