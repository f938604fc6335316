/* Tokens, sequence sets, FETCH items and SEARCH keys. */
#include "tests/unit/unit.h"

#include "imapd/fetch_items.h"
#include "imapd/lex.h"
#include "imapd/search_keys.h"
#include "imapd/seq.h"

/* --- tokens ----------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *in;
	size_t n;         /* 0: strlen */
	bool ok;
	const char *want, *rest;
} astrings[] = {
	{ "abc def",         0, true,  "abc",    " def" },
	{ "a]b",             0, true,  "a]b",    "" },
	{ "\"a b\"x",        0, true,  "a b",    "x" },
	{ "\"a\\\"b\\\\\"",  0, true,  "a\"b\\", "" },
	{ "\"\"",            0, true,  "",       "" },
	{ "{3}\r\na\rb)",    0, true,  "a\rb",   ")" },
	{ "{0}\r\n x",       0, true,  "",       " x" },
	{ "{2+}\r\nxyz",     0, true,  "xy",     "z" },
	{ "",                0, false, "",       "" },
	{ "(",               0, false, "",       "(" },
	{ "\"abc",           0, false, "",       "\"abc" },
	{ "\"a\\",           0, false, "",       "\"a\\" },
	{ "\"a\\n\"",        0, false, "",       "\"a\\n\"" },
	{ "{5}\r\nabc",      0, false, "",       "{5}\r\nabc" },
	{ "{5}abcde",        0, false, "",       "{5}abcde" },
	{ "{99999999999999999999}\r\nabc", 0, false, "",
	    "{99999999999999999999}\r\nabc" },
	{ "\"a\0b\"",        5, false, "",       "\"a" },
	{ "{3}\r\na\0b",     8, false, "",       "{3}\r\na" },
	{ "\xc3\xa4",        0, false, "",       "\xc3\xa4" },
};
/* clang-format on */

START_TEST(astring)
{
	struct pool pool = { 0 };
	struct str in = str_c(astrings[_i].in), out = STR_NONE;

	if (astrings[_i].n != 0)
		in.n = astrings[_i].n;
	ck_assert_int_eq(lex_astring(&in, &pool, &out), astrings[_i].ok);
	ck_assert(str_eq(out, str_c(astrings[_i].want)));
	ck_assert(str_starts(in, str_c(astrings[_i].rest)));
	if (astrings[_i].ok)
		ck_assert_uint_eq(in.n, strlen(astrings[_i].rest));
	pool_clear(&pool);
}
END_TEST

static const struct {
	const char *in;
	bool ok, sync;
	uint64_t size;
} literals[] = {
	{ "A LOGIN {5}", true, true, 5 },
	{ "A LOGIN {0+}", true, false, 0 },
	{ "{18446744073709551616}", true, true, UINT64_MAX },
	{ "{18446744073709551615+}", true, false, UINT64_MAX },
	{ "{}", false, false, 0 },
	{ "{-1}", false, false, 0 },
	{ "{5} ", false, false, 0 },
	{ "{5", false, false, 0 },
	{ "5}", false, false, 0 },
	{ "{5++}", false, false, 0 },
};

START_TEST(literal_end)
{
	uint64_t size = 0;
	bool sync = false;

	ck_assert_int_eq(lex_literal_end(str_c(literals[_i].in), &size, &sync),
	    literals[_i].ok);
	ck_assert_uint_eq(size, literals[_i].size);
	ck_assert_int_eq(sync, literals[_i].sync);
}
END_TEST

/* --- sequence sets ---------------------------------------------------- */

static const struct {
	const char *in;
	uint32_t largest;
	bool ok;
	const char *want; /* resolved, as text */
} sets[] = {
	{ "1", 9, true, "1" },
	{ "*", 9, true, "9" },
	{ "*:123", 9, true, "9:123" },
	{ "123:*", 9, true, "9:123" },
	{ "12:*", 9, true, "9:12" },
	{ "*", 0, true, "" },
	{ "1:*", 0, true, "" },
	{ "5:3", 9, true, "3:5" },
	{ "1,2,3,5:7,6", 9, true, "1:3,5:7" },
	{ "7,1,3:4,2", 9, true, "1:4,7" },
	{ "*:*", 9, true, "9" },
	{ "1:4294967295", 9, true, "1:9" },
	{ "4294967294", 9, true, "4294967294" },
	{ "0", 9, false, "" },
	{ "01", 9, false, "" },
	{ "1:0", 9, false, "" },
	{ "1,", 9, false, "" },
	{ ",1", 9, false, "" },
	{ "1:", 9, false, "" },
	{ "4294967296", 9, false, "" },
	{ "-1", 9, false, "" },
	{ "", 9, false, "" },
};

static void
put_set(struct buf *out, const struct seq_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (i != 0)
			buf_add_char(out, ',');
		buf_add_u64(out, set->ranges[i].first);
		if (set->ranges[i].last != set->ranges[i].first) {
			buf_add_char(out, ':');
			buf_add_u64(out, set->ranges[i].last);
		}
	}
}

START_TEST(set)
{
	struct pool pool = { 0 };
	struct str in = str_c(sets[_i].in);
	struct seq_set s = { NULL, 0 };
	struct buf text;
	bool ok = seq_take(&in, &pool, &s) && in.n == 0;

	ck_assert_int_eq(ok, sets[_i].ok);
	if (ok) {
		buf_init(&text, BUF_NO_MAX);
		seq_resolve(&s, sets[_i].largest);
		put_set(&text, &s);
		ck_assert_str_eq(buf_cstr(&text), sets[_i].want);
		buf_clear(&text);
	}
	pool_clear(&pool);
}
END_TEST

/* One range over the cap is refused. */
START_TEST(set_cap)
{
	struct pool pool = { 0 };
	struct seq_set s = { NULL, 0 };
	struct buf text;
	struct str in;

	for (unsigned n = SEQ_RANGES_MAX; n <= SEQ_RANGES_MAX + 1; n++) {
		buf_init(&text, BUF_NO_MAX);
		for (unsigned i = 0; i < n; i++)
			buf_addf(&text, "%s%u", i == 0 ? "" : ",", i * 2 + 1);
		in = buf_str(&text);
		ck_assert_int_eq(
		    seq_take(&in, &pool, &s), n == SEQ_RANGES_MAX);
		buf_clear(&text);
	}
	seq_resolve(&s, 5000);
	ck_assert(seq_has(&s, 1999));
	ck_assert(!seq_has(&s, 2000));
	ck_assert(!seq_has(&s, 2001));
	ck_assert_uint_eq(seq_last(&s), 1999);
	pool_clear(&pool);
}
END_TEST

START_TEST(set_out)
{
	struct buf text;
	struct seq_out o;
	static const uint32_t numbers[] = { 1, 2, 3, 7, 9, 10 };

	buf_init(&text, BUF_NO_MAX);
	seq_out_init(&o, &text);
	for (size_t i = 0; i < N_OF(numbers); i++)
		seq_out_add(&o, numbers[i]);
	seq_out_end(&o);
	ck_assert_str_eq(buf_cstr(&text), "1:3,7,9:10");
	buf_clear(&text);
}
END_TEST

/* --- FETCH ------------------------------------------------------------ */

static const struct {
	const char *in, *want; /* NULL: refused */
	bool seen;
} fetches[] = {
	{ "FLAGS", "FLAGS", false },
	{ "ALL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE", false },
	{ "full", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY", false },
	{ "FAST", "FLAGS INTERNALDATE RFC822.SIZE", false },
	{ "(UID BODY)", "UID BODY", false },
	{ "BODY[]", "BODY[]", true },
	{ "body.peek[]", "BODY[]", false },
	{ "BODY[]<0.100>", "BODY[]<0>", true },
	{ "BODY.PEEK[1.2.HEADER]", "BODY[1.2.HEADER]", false },
	{ "BODY.PEEK[1.MIME]", "BODY[1.MIME]", false },
	{ "BODY.PEEK[2.TEXT]<7.1>", "BODY[2.TEXT]<7>", false },
	{ "(BODY.PEEK[HEADER.FIELDS (To \"From\")] FLAGS)",
	    "BODY[HEADER.FIELDS (To From)] FLAGS", false },
	{ "BODY[HEADER.FIELDS.NOT (X)]", "BODY[HEADER.FIELDS.NOT (X)]", true },
	{ "RFC822", "RFC822", true },
	{ "RFC822.HEADER", "RFC822.HEADER", false },
	{ "RFC822.TEXT", "RFC822.TEXT", true },
	{ "BODYSTRUCTURE", "BODYSTRUCTURE", false },
	{ "()", NULL, false },
	{ "(FLAGS", NULL, false },
	{ "(FLAGS )", NULL, false },
	{ "FLAG", NULL, false },
	{ "BODY[MIME]", NULL, false },
	{ "BODY[0]", NULL, false },
	{ "BODY[1.]", NULL, false },
	{ "BODY[.1]", NULL, false },
	{ "BODY[1", NULL, false },
	{ "BODY[HEADER.FIELDS ()]", NULL, false },
	{ "BODY[HEADER.FIELDS]", NULL, false },
	{ "BODY[HEADER.FIELD (X)]", NULL, false },
	{ "BODY[]<0.0>", NULL, false },
	{ "BODY[]<0>", NULL, false },
	{ "BODY[]<.5>", NULL, false },
	{ "BODY.PEEK", NULL, false },
	{ "(ALL FLAGS)", NULL, false },
	{ "BODY[1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1."
	  "1.1.1]", NULL, false },
};

START_TEST(fetch)
{
	struct pool pool = { 0 };
	struct str in = str_c(fetches[_i].in);
	struct fetch_items items;
	struct buf text;
	bool ok = fetch_items_take(&in, &pool, &items) && in.n == 0;

	ck_assert_int_eq(ok, fetches[_i].want != NULL);
	if (ok) {
		buf_init(&text, BUF_NO_MAX);
		for (size_t i = 0; i < items.count; i++) {
			if (i != 0)
				buf_add_char(&text, ' ');
			fetch_item_put(&text, &items.list[i]);
		}
		ck_assert_str_eq(buf_cstr(&text), fetches[_i].want);
		ck_assert_int_eq(items.sets_seen, fetches[_i].seen);
		buf_clear(&text);
	}
	pool_clear(&pool);
}
END_TEST

/* --- SEARCH ----------------------------------------------------------- */

static const char *const kinds[] = { [SEARCH_AND] = "&", [SEARCH_OR] = "|",
	[SEARCH_NOT] = "!", [SEARCH_ALL] = "all", [SEARCH_FLAG] = "flag",
	[SEARCH_KEYWORD] = "kw", [SEARCH_RECENT] = "recent",
	[SEARCH_NEW] = "new", [SEARCH_OLD] = "old", [SEARCH_SET] = "set",
	[SEARCH_UIDS] = "uid", [SEARCH_LARGER] = "larger",
	[SEARCH_SMALLER] = "smaller", [SEARCH_BEFORE] = "before",
	[SEARCH_ON] = "on", [SEARCH_SINCE] = "since", [SEARCH_OLDER] = "older",
	[SEARCH_YOUNGER] = "younger", [SEARCH_MODSEQ] = "modseq",
	[SEARCH_SENTBEFORE] = "sentbefore", [SEARCH_SENTON] = "senton",
	[SEARCH_SENTSINCE] = "sentsince", [SEARCH_HEADER] = "header",
	[SEARCH_BODY] = "body", [SEARCH_TEXT] = "text" };

static const struct {
	const char *in;
	enum search_result result;
	const char *want; /* postfix */
} searches[] = {
	{ "ALL", SEARCH_OK, "all" },
	{ "SEEN UNSEEN", SEARCH_OK, "flag flag &" },
	{ "1:3 UID 5", SEARCH_OK, "set uid &" },
	{ "NOT SEEN", SEARCH_OK, "flag !" },
	{ "NOT NOT SEEN", SEARCH_OK, "flag ! !" },
	{ "OR SEEN DELETED", SEARCH_OK, "flag flag |" },
	{ "OR NOT SEEN (DRAFT ALL) TEXT x", SEARCH_OK,
	    "flag ! flag all & | text &" },
	{ "OR OR SEEN DRAFT ALL NEW", SEARCH_OK, "flag flag | all | new &" },
	{ "OR OR SEEN DRAFT OR ALL NEW", SEARCH_OK, "flag flag | all new | |" },
	{ "((ALL))", SEARCH_OK, "all" },
	{ "(ALL NEW) OLD", SEARCH_OK, "all new & old &" },
	{ "NOT (OR ALL NEW OLD)", SEARCH_OK, "all new | old & !" },
	{ "CHARSET UTF-8 SUBJECT {2}\r\n\xc3\x84", SEARCH_OK, "header" },
	{ "CHARSET US-ASCII SUBJECT {2}\r\n\xc3\x84", SEARCH_CHARSET, "" },
	{ "CHARSET KOI8-R SUBJECT x", SEARCH_CHARSET, "" },
	{ "SUBJECT {1}\r\n\xc3", SEARCH_CHARSET, "" },
	{ "HEADER X-Y \"\"", SEARCH_OK, "header" },
	{ "BEFORE 1-Feb-2026", SEARCH_OK, "before" },
	{ "SENTON \" 1-Feb-2026\"", SEARCH_OK, "senton" },
	{ "SENTON \"01-Feb-2026\"", SEARCH_OK, "senton" },
	{ "ON 1-Foo-2026", SEARCH_SYNTAX, "" },
	{ "LARGER 5 SMALLER 9", SEARCH_OK, "larger smaller &" },
	{ "LARGER -5", SEARCH_SYNTAX, "" },
	{ "KEYWORD $Junk", SEARCH_OK, "kw" },
	{ "OLDER 60", SEARCH_OK, "older" },
	{ "MODSEQ 7", SEARCH_OK, "modseq" },
	{ "MODSEQ \"/flags/\\\\draft\" all 7", SEARCH_OK, "modseq" },
	{ "RETURN () ALL", SEARCH_OK, "all" },
	{ "RETURN (MIN COUNT) ALL", SEARCH_OK, "all" },
	{ "RETURN (FOO) ALL", SEARCH_SYNTAX, "" },
	{ "RETURN (MIN ALL", SEARCH_SYNTAX, "" },
	{ "", SEARCH_SYNTAX, "" },
	{ "ALL ", SEARCH_SYNTAX, "" },
	{ "()", SEARCH_SYNTAX, "" },
	{ "(ALL", SEARCH_SYNTAX, "" },
	{ "ALL)", SEARCH_SYNTAX, "" },
	{ "OR ALL", SEARCH_SYNTAX, "" },
	{ "OR (ALL) ", SEARCH_SYNTAX, "" },
	{ "NOT", SEARCH_SYNTAX, "" },
	{ "FOO", SEARCH_SYNTAX, "" },
	{ "SUBJECT", SEARCH_SYNTAX, "" },
	{ "ALL(ALL)", SEARCH_SYNTAX, "" },
};

START_TEST(search)
{
	struct pool pool = { 0 };
	struct search s;
	struct buf text;

	ck_assert_int_eq(search_take(str_c(searches[_i].in), &pool, &s),
	    searches[_i].result);
	if (searches[_i].result == SEARCH_OK) {
		buf_init(&text, BUF_NO_MAX);
		for (size_t i = 0; i < s.count; i++)
			buf_addf(&text, "%s%s", i == 0 ? "" : " ",
			    kinds[s.keys[i].kind]);
		ck_assert_str_eq(buf_cstr(&text), searches[_i].want);
		buf_clear(&text);
	}
	pool_clear(&pool);
}
END_TEST

/* A million of these end in a refusal, without a deep stack (I24). */
START_TEST(search_bombs)
{
	static const char *const bombs[] = { "(", ")", "()", "NOT ", "OR ",
		"ALL ", "OR ALL ", "(ALL " };
	struct pool pool = { 0 };
	struct search s;
	struct buf text;

	buf_init(&text, BUF_NO_MAX);
	for (unsigned i = 0; i < 100000; i++)
		buf_add_c(&text, bombs[_i]);
	buf_add_c(&text, "ALL");
	ck_assert_int_ne(
	    search_take(buf_str(&text), &pool, &s), SEARCH_OK);
	buf_clear(&text);
	pool_clear(&pool);
}
END_TEST

START_TEST(search_depth)
{
	struct pool pool = { 0 };
	struct search s;
	struct buf text;

	/* The outermost list is a frame of its own. */
	for (unsigned n = SEARCH_DEPTH_MAX - 1; n <= SEARCH_DEPTH_MAX; n++) {
		buf_init(&text, BUF_NO_MAX);
		for (unsigned i = 0; i < n; i++)
			buf_add_char(&text, '(');
		buf_add_c(&text, "ALL");
		for (unsigned i = 0; i < n; i++)
			buf_add_char(&text, ')');
		ck_assert_int_eq(search_take(buf_str(&text), &pool, &s),
		    n < SEARCH_DEPTH_MAX ? SEARCH_OK : SEARCH_TOO_MUCH);
		buf_clear(&text);
	}
	pool_clear(&pool);
}
END_TEST

static TCase *
tokens(void)
{
	TCase *tc = tcase_create("tokens");

	tcase_add_loop_test(tc, astring, 0, N_OF(astrings));
	tcase_add_loop_test(tc, literal_end, 0, N_OF(literals));
	return tc;
}

static TCase *
sequences(void)
{
	TCase *tc = tcase_create("sequences");

	tcase_add_loop_test(tc, set, 0, N_OF(sets));
	tcase_add_test(tc, set_cap);
	tcase_add_test(tc, set_out);
	return tc;
}

static TCase *
fetching(void)
{
	TCase *tc = tcase_create("fetch");

	tcase_add_loop_test(tc, fetch, 0, N_OF(fetches));
	return tc;
}

static TCase *
searching(void)
{
	TCase *tc = tcase_create("search");

	tcase_add_loop_test(tc, search, 0, N_OF(searches));
	tcase_add_loop_test(tc, search_bombs, 0, 8);
	tcase_add_test(tc, search_depth);
	return tc;
}

UNIT_MAIN("imapd-parse", tokens, sequences, fetching, searching)
