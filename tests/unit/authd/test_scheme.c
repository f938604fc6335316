/* The stored forms were made with Python's hashlib and crypt. */
#include "tests/unit/unit.h"

#include "helpers/authd/scheme.h"

#define PASSWORD "secret w\303\266rd"

static const char *const stored[] = {
	"{SSHA}9ZhclZUkdvIq2aTfHI4RKVGRK4YBAnNhbHQh",
	"{SSHA.HEX}f5985c95952476f22ad9a4df1c8e112951912b86010273616c"
	"7421",
	"{SSHA256}hVlvAADcvxUDO+YIcnqdVgQ7JQ1+asPHAcgXoVMnvB0BAnNhbHQ"
	"h",
	"{SSHA256.HEX}85596f0000dcbf15033be608727a9d56043b250d7e6ac3c"
	"701c817a15327bc1d010273616c7421",
	"{SSHA512}hbf0ZXTkMk56QRAQtVdRvFnUTJ9sHU5+cJ8XGFLgHE5SZY4yAmH"
	"DIW7LlxVSy6/8zDN0jRndgnIHi63y9m9bIQECc2FsdCE=",
	"{SSHA512.HEX}85b7f46574e4324e7a411010b55751bc59d44c9f6c1d4e7"
	"e709f171852e01c4e52658e320261c3216ecb971552cbaffccc33748d19d"
	"d8272078badf2f66f5b21010273616c7421",
	"{SMD5}/Z/SVloDYIJBC5qwNcLJHAECc2FsdCE=",
	"{SMD5.HEX}fd9fd2565a036082410b9ab035c2c91c010273616c7421",
	"{SHA}aWM2skDZmVf4wWqrNjQb+pEDa64=",
	"{SHA256}/lGHrv089ioD9wHXo4mzIJkUpNT9pLZ9u0PGO7i/MyM=",
	"{sha256.b64}/lGHrv089ioD9wHXo4mzIJkUpNT9pLZ9u0PGO7i/MyM=",
	"{SHA256}fe5187aefd3cf62a03f701d7a389b3209914a4d4fda4b67dbb43"
	"c63bb8bf3323",
	"{SHA512}H1KZOAESOf4hjeM5wOslEWNgXpiOdOzHIw8YM66974H3auKKmSOd"
	"Q2hgSJo20mLL0BHF8DpVzOJZdSuOzWPDhg==",
	"{PLAIN-MD5}54829f8cc0979c9e0a21d4351673fd03",
	"{LDAP-MD5}VIKfjMCXnJ4KIdQ1FnP9Aw==",
	"{CRYPT}$6$rounds=1000$saltsalt$u5e7Lowg/rDnUAWkGXFpNkeiFnC4L"
	"pEmwI10mkhP8ufvS.Zl9txc1MUnb3vcAL41ZfRVAoj//uRk6TSnDyoS10",
	"{CRYPT}$5$rounds=1000$saltsalt$EGLE1.tYNsWKxIaJgZSbI7IqyqUVK"
	"r6sbZp95l9R0H2",
	"{CRYPT}$1$saltsalt$1JKuRokqPHXruCETfgL810",
	"{CRYPT}$2y$04$abcdefghijklmnopqrstuusHqXtwuBq.xh0.OcjmxhoCfb"
	"KwztHkS",
	"{CRYPT}$y$j75$saltsaltsalt$iN8i6VmtiDtXa/4S1nHLi6f3iLWLhZGuO"
	"hr1O3B3uW6",
	"{BLF-CRYPT}$2b$04$abcdefghijklmnopqrstuusHqXtwuBq.xh0.Ocjmxh"
	"oCfbKwztHkS",
	"$6$rounds=1000$other$BJjNonXBF4zqeNRrEy1eohmoMJ0EFgDyoDi2mrT"
	"1cNNrvhRzBovQr45BhmYbl/BB1YgkY.G5w9xWbMfI6XHmp/",
	"{PLAIN}secret w\303\266rd",
	"{Cleartext}secret w\303\266rd",
};

START_TEST(known_form)
{
	struct str s = str_c(stored[_i]);

	ck_assert(scheme_is_known(s));
	ck_assert(scheme_check(s, STR(PASSWORD)));
	ck_assert(!scheme_check(s, STR("secret")));
	ck_assert(!scheme_check(s, STR("")));
	ck_assert(!scheme_check(s, STR(PASSWORD "x")));
	ck_assert(!scheme_check(s, STR(PASSWORD "\0")));
}
END_TEST

static const char *const unknown[] = { "", "secret", "{", "{}", "{}x",
	"{NOPE}abc", "{CRYPT}", "{CRYPT}*0", "{CRYPT}$99$a$b", "{CRYPT}nope", "{SHA256}abc",
	"{SHA256}AAAA", "{SSHA}not base64!", "$", "$99$x$y", "{PLAIN" };

START_TEST(unknown_form)
{
	struct str s = str_c(unknown[_i]);

	ck_assert(!scheme_is_known(s));
	ck_assert(!scheme_check(s, STR("")));
	ck_assert(!scheme_check(s, STR("secret")));
}
END_TEST

START_TEST(make)
{
	static const char *const begins[] = { "{CRYPT}$y$", "{CRYPT}$6$",
		"{CRYPT}$2b$" };
	struct buf a, b;

	buf_init(&a, BUF_NO_MAX);
	buf_init(&b, BUF_NO_MAX);
	ck_assert(scheme_make((enum scheme_new)_i, STR(PASSWORD), &a));
	ck_assert(scheme_make((enum scheme_new)_i, STR(PASSWORD), &b));
	ck_assert(str_starts(buf_str(&a), str_c(begins[_i])));
	ck_assert(!str_eq(buf_str(&a), buf_str(&b)));
	ck_assert(scheme_is_known(buf_str(&a)));
	ck_assert(scheme_check(buf_str(&a), STR(PASSWORD)));
	ck_assert(!scheme_check(buf_str(&a), STR("other")));
	buf_clear(&a);
	buf_clear(&b);
}
END_TEST

START_TEST(not_made)
{
	struct buf b;
	char longest[PASSWORD_MAX + 1];

	memset(longest, 'x', sizeof(longest));
	buf_init(&b, BUF_NO_MAX);
	ck_assert(!scheme_make(SCHEME_YESCRYPT, STR(""), &b));
	ck_assert(!scheme_make(SCHEME_YESCRYPT, STR("a\0b"), &b));
	ck_assert(!scheme_make(
	    SCHEME_YESCRYPT, str_n(longest, sizeof(longest)), &b));
	ck_assert_uint_eq(buf_len(&b), 0);
	buf_clear(&b);
}
END_TEST

static TCase *
forms(void)
{
	TCase *tc = tcase_create("forms");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, known_form, 0, N_OF(stored));
	tcase_add_loop_test(tc, unknown_form, 0, N_OF(unknown));
	tcase_add_loop_test(tc, make, 0, 3);
	tcase_add_test(tc, not_made);
	return tc;
}

UNIT_MAIN("scheme", forms)
