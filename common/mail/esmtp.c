#include "mail/esmtp.h"

#include "base/buf.h"
#include "base/num.h"
#include "mail/addr.h"
#include "mail/utf8.h"
#include "mail/xtext.h"

enum { ENVID_CHARS = 100, ORCPT_CHARS = 500, AUTH_CHARS = 500 };

/* One keyword=value at work; exactly one of mail and rcpt is not NULL. */
struct param_in {
	struct str value;
	bool has_value;
	struct pool *pool;
	struct esmtp_mail *mail;
	struct esmtp_rcpt *rcpt;
};

static const struct {
	unsigned code;
	const char *text;
} replies[ESMTP_RESULTS] = {
	[ESMTP_OK] = { 250, "2.0.0 Ok" },
	[ESMTP_SYNTAX] = { 501, "5.5.4 Parameter syntax: KEYWORD=value" },
	[ESMTP_UNKNOWN] = { 555, "5.5.4 Parameter not known here" },
	[ESMTP_VALUE] = { 501, "5.5.4 Bad value of a parameter" },
	[ESMTP_TWICE] = { 501, "5.5.4 Parameter given twice" },
};

unsigned
esmtp_code(enum esmtp_result r)
{
	return replies[r].code;
}

const char *
esmtp_text(enum esmtp_result r)
{
	return replies[r].text;
}

/* Decodes xtext into the pool. */
static bool
decode(struct param_in *p, struct str in, bool utf8, struct str *out)
{
	struct buf b;
	bool ok;

	buf_init(&b, ORCPT_CHARS);
	ok = xtext_decode(&b, in, utf8);
	if (ok)
		*out = pool_str(p->pool, buf_str(&b));
	buf_clear(&b);
	return ok;
}

/* size-value = 1*20DIGIT (RFC 1870) */
static bool
take_size(struct param_in *p)
{
	p->mail->has_size = true;
	return p->value.n <= 20 && num_u64(p->value, &p->mail->size);
}

static bool
take_body(struct param_in *p)
{
	if (str_ieq(p->value, STR("7BIT")))
		p->mail->body = ESMTP_7BIT;
	else if (str_ieq(p->value, STR("8BITMIME")))
		p->mail->body = ESMTP_8BITMIME;
	else
		return false;
	return true;
}

static bool
take_binary(struct param_in *p)
{
	if (!str_ieq(p->value, STR("BINARYMIME")))
		return take_body(p);
	p->mail->body = ESMTP_BINARYMIME;
	return true;
}

static bool
take_smtputf8(struct param_in *p)
{
	p->mail->smtputf8 = true;
	return !p->has_value;
}

static bool
take_ret(struct param_in *p)
{
	if (str_ieq(p->value, STR("FULL")))
		p->mail->ret = ESMTP_RET_FULL;
	else if (str_ieq(p->value, STR("HDRS")))
		p->mail->ret = ESMTP_RET_HDRS;
	else
		return false;
	return true;
}

/* envid-parameter = "ENVID=" xtext, at most 100 characters of value */
static bool
take_envid(struct param_in *p)
{
	return p->value.n <= ENVID_CHARS &&
	    decode(p, p->value, false, &p->mail->envid);
}

/* AUTH=<> or AUTH=xtext of a mailbox (RFC 4954 5) */
static bool
take_auth(struct param_in *p)
{
	struct addr a;

	p->mail->has_auth = true;
	if (str_eq(p->value, STR("<>")))
		return true;
	return p->value.n <= AUTH_CHARS &&
	    decode(p, p->value, true, &p->mail->auth) &&
	    addr_parse(p->mail->auth, ADDR_UTF8, &a) == ADDR_OK;
}

static bool
take_drop(struct param_in *p)
{
	p->mail->drop = pool_str(p->pool, p->value);
	return true;
}

/* "NEVER" / 1#("SUCCESS" / "FAILURE" / "DELAY") */
static bool
take_notify(struct param_in *p)
{
	static const struct {
		struct str word;
		uint32_t bit;
	} words[] = {
		{ STR_INIT("SUCCESS"), ESMTP_SUCCESS },
		{ STR_INIT("FAILURE"), ESMTP_FAILURE },
		{ STR_INIT("DELAY"), ESMTP_DELAY },
	};
	struct str rest = p->value;
	uint32_t bits = 0;

	if (str_ieq(rest, STR("NEVER"))) {
		p->rcpt->notify = ESMTP_NEVER;
		return true;
	}
	if (str_ends(rest, STR(",")))
		return false;
	while (rest.n != 0) {
		struct str word = str_take_until(&rest, ',');
		uint32_t bit = 0;

		for (size_t i = 0; i < 3; i++)
			if (str_ieq(word, words[i].word))
				bit = words[i].bit;
		if (bit == 0)
			return false;
		bits |= bit;
	}
	p->rcpt->notify = bits;
	return bits != 0;
}

/*
 * original-recipient-address = addr-type ";" xtext.  Of type utf-8 the
 * address is not xtext (RFC 6533 3) and is kept as it came.
 */
static bool
take_orcpt(struct param_in *p)
{
	struct str type = str_first(p->value, str_find(p->value, ';'));
	struct str rest = str_from(p->value, type.n + 1), address;
	struct buf b;

	if (type.n == 0 || rest.n == 0 || p->value.n > ORCPT_CHARS)
		return false;
	for (size_t i = 0; i < type.n; i++)
		if (!chr_is_alnum(type.p[i]) && type.p[i] != '-')
			return false;
	if (str_ieq(type, STR("utf-8")))
		address = rest;
	else if (!decode(p, rest, false, &address))
		return false;
	buf_init(&b, BUF_NO_MAX);
	buf_add(&b, type);
	buf_add_char(&b, ';');
	buf_add(&b, address);
	p->rcpt->orcpt = pool_str(p->pool, buf_str(&b));
	buf_clear(&b);
	return true;
}

struct row {
	struct str keyword;
	unsigned can; /* one of these must have been offered */
	bool has_value;
	bool (*take)(struct param_in *p);
};

/* clang-format off */
static const struct row mail_rows[] = {
	{ STR_INIT("SIZE"),     ESMTP_CAN_SIZE,       true,  take_size },
	{ STR_INIT("BODY"),     ESMTP_CAN_BINARYMIME, true,  take_binary },
	{ STR_INIT("BODY"),     ESMTP_CAN_8BITMIME,   true,  take_body },
	{ STR_INIT("SMTPUTF8"), ESMTP_CAN_SMTPUTF8,   false, take_smtputf8 },
	{ STR_INIT("RET"),      ESMTP_CAN_DSN,        true,  take_ret },
	{ STR_INIT("ENVID"),    ESMTP_CAN_DSN,        true,  take_envid },
	{ STR_INIT("AUTH"),     ESMTP_CAN_AUTH,       true,  take_auth },
	{ STR_INIT("XDROP"),    ESMTP_CAN_XDROP,      true,  take_drop },
	{ { NULL, 0 },          0,                    false, NULL }
};
static const struct row rcpt_rows[] = {
	{ STR_INIT("NOTIFY"),   ESMTP_CAN_DSN,        true,  take_notify },
	{ STR_INIT("ORCPT"),    ESMTP_CAN_DSN,        true,  take_orcpt },
	{ { NULL, 0 },          0,                    false, NULL }
};
/* clang-format on */

/* esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-") */
static bool
keyword_ok(struct str k)
{
	if (k.n == 0 || k.p[0] == '-')
		return false;
	for (size_t i = 0; i < k.n; i++)
		if (!chr_is_alnum(k.p[i]) && k.p[i] != '-')
			return false;
	return true;
}

/* esmtp-value = 1*(%d33-60 / %d62-126), with UTF-8 (RFC 6531); "=" inside is
 * let through, for AUTH values in the field have it. */
static bool
value_ok(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] <= ' ' || v.p[i] == 0x7f)
			return false;
	return v.n != 0 && utf8_ok(v);
}

static enum esmtp_result
take_one(const struct row *rows, struct str word, unsigned can,
    struct param_in *p, unsigned *seen)
{
	struct str keyword = str_first(word, str_find(word, '='));
	size_t i = 0;

	p->has_value = keyword.n < word.n;
	p->value = str_from(word, keyword.n + 1);
	if (!keyword_ok(keyword))
		return ESMTP_SYNTAX;
	while (rows[i].take != NULL && ((rows[i].can & can) == 0 ||
	    !str_ieq(rows[i].keyword, keyword)))
		i++;
	if (rows[i].take == NULL)
		return ESMTP_UNKNOWN;
	if (*seen & 1u << i)
		return ESMTP_TWICE;
	*seen |= 1u << i;
	if (p->has_value != rows[i].has_value)
		return ESMTP_VALUE;
	if (p->has_value && !value_ok(p->value))
		return ESMTP_VALUE;
	return rows[i].take(p) ? ESMTP_OK : ESMTP_VALUE;
}

static enum esmtp_result
parse(const struct row *rows, struct str args, unsigned can, struct param_in *p)
{
	unsigned seen = 0;

	if (args.n != 0 && args.p[0] != ' ')
		return ESMTP_SYNTAX;
	while (args.n != 0) {
		struct str word = str_take_until(&args, ' ');
		enum esmtp_result r;

		if (word.n == 0)
			continue;
		r = take_one(rows, word, can, p, &seen);
		if (r != ESMTP_OK)
			return r;
	}
	return ESMTP_OK;
}

enum esmtp_result
esmtp_mail_parse(struct str args, unsigned can, struct pool *pool,
    struct esmtp_mail *out)
{
	struct param_in p = { .pool = pool, .mail = out };

	*out = (struct esmtp_mail){ 0 };
	return parse(mail_rows, args, can, &p);
}

enum esmtp_result
esmtp_rcpt_parse(struct str args, unsigned can, struct pool *pool,
    struct esmtp_rcpt *out)
{
	struct param_in p = { .pool = pool, .rcpt = out };

	*out = (struct esmtp_rcpt){ 0 };
	return parse(rcpt_rows, args, can, &p);
}
