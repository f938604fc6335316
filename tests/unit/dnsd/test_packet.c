#include "helpers/dnsd/packet.h"

#include "base/buf.h"
#include "tests/unit/unit.h"

/* Header with one question and n answers, then the question example.org MX. */
#define HEAD(n) "\x12\x34\x81\x80\x00\x01\x00" n "\x00\x00\x00\x00"
#define QUESTION "\x07" "example\x03" "org\x00\x00\x0f\x00\x01"
#define NAME "\xc0\x0c"
#define FIXED(type, len) "\x00" type "\x00\x01\x00\x00\x01\x2c\x00" len

static const char two_mx[] = HEAD("\x02") QUESTION
    NAME FIXED("\x0f", "\x08") "\x00\x0a\x03" "Mx1\xc0\x0c"
    NAME FIXED("\x0f", "\x08") "\x00\x05\x03" "mx2\xc0\x0c";

START_TEST(mx_records)
{
	struct packet p;
	struct packet_rr rr;
	char host[NAME_MAX_TEXT + 1];
	uint16_t preference;

	ck_assert(packet_open(&p, str_n(two_mx, sizeof(two_mx) - 1)));
	ck_assert_uint_eq(p.rcode, RCODE_OK);
	ck_assert(packet_next(&p, &rr));
	ck_assert_uint_eq(rr.ttl, 300);
	ck_assert(packet_mx(&p, &rr, &preference, host));
	ck_assert_uint_eq(preference, 10);
	ck_assert_str_eq(host, "mx1.example.org");
	ck_assert(packet_next(&p, &rr));
	ck_assert(packet_mx(&p, &rr, &preference, host));
	ck_assert_uint_eq(preference, 5);
	ck_assert(!packet_next(&p, &rr));
}
END_TEST

/* Every prefix of a good answer ends early and reads nothing behind it. */
START_TEST(cut)
{
	const size_t n = (size_t)_i;
	char *copy = malloc(n + 1);
	struct packet p;
	struct packet_rr rr;
	char host[NAME_MAX_TEXT + 1];
	uint16_t preference;
	unsigned read = 0;

	memcpy(copy, two_mx, n);
	if (packet_open(&p, str_n(copy, n)))
		while (packet_next(&p, &rr))
			read += packet_mx(&p, &rr, &preference, host);
	ck_assert_uint_lt(read, 2);
	free(copy);
}
END_TEST

static const struct {
	const char *octets;
	size_t n, at;
	const char *want; /* NULL: refused */
} names[] = {
	{ "\0", 1, 0, "" },
	{ "\3abc\0", 5, 0, "abc" },
	{ "\3abc", 4, 0, NULL },
	{ "\3abc\xc0\x00", 6, 0, NULL },          /* leads to itself */
	{ "\1a\0\1b\xc0\x00", 7, 3, "b.a" },
	{ "\xc0\x02\1a\0", 5, 0, NULL },          /* forwards */
	{ "\xc0", 1, 0, NULL },
	{ "\3a.c\0", 5, 0, NULL },                /* a dot inside a label */
	{ "\3a\0c\0", 5, 0, NULL },
	{ "\4_tcp\0", 6, 0, "_tcp" },
	{ "\x40" "a\0", 3, 0, NULL },
};

START_TEST(name)
{
	char out[NAME_MAX_TEXT + 1];
	size_t at = names[_i].at;
	const bool ok =
	    packet_name(str_n(names[_i].octets, names[_i].n), &at, out);

	ck_assert_int_eq(ok, names[_i].want != NULL);
	if (ok)
		ck_assert_str_eq(out, names[_i].want);
	else
		ck_assert_uint_eq(at, names[_i].at);
}
END_TEST

START_TEST(long_name)
{
	char octets[320], out[NAME_MAX_TEXT + 1];
	size_t at = 0;

	/* 5 labels of 63: 319 octets of text */
	for (size_t i = 0; i < 5; i++) {
		octets[i * 64] = 63;
		memset(octets + i * 64 + 1, 'a', 63);
	}
	ck_assert(!packet_name(str_n(octets, 320), &at, out));
}
END_TEST

START_TEST(text)
{
	struct packet_rr rr = { .type = RR_TXT };
	struct buf out;

	buf_init(&out, 10000);
	rr.rdata = STR("\3abc\0\2de");
	/* STR counts the NUL in the middle as well */
	ck_assert(packet_txt(&rr, &out));
	ck_assert(str_eq(buf_str(&out), STR("abcde")));
	rr.rdata = STR("\4abc");
	ck_assert(!packet_txt(&rr, &out));
	ck_assert_uint_eq(buf_len(&out), 5);
	rr.rdata = STR_NONE;
	ck_assert(!packet_txt(&rr, &out));
	buf_clear(&out);
}
END_TEST

static TCase *
packets(void)
{
	TCase *tc = tcase_create("packet");

	tcase_add_test(tc, mx_records);
	tcase_add_loop_test(tc, cut, 0, (int)sizeof(two_mx) - 1);
	tcase_add_loop_test(tc, name, 0, (int)N_OF(names));
	tcase_add_test(tc, long_name);
	tcase_add_test(tc, text);
	return tc;
}

UNIT_MAIN("dnsd packet", packets)
