#include "mail/ehlo.h"

#include <stddef.h>

#include "base/num.h"

static void
take_size(struct ehlo *e, struct str args)
{
	struct str word = str_take_word(&args);

	if (!num_u64(word, &e->size))
		e->size = 0;
}

static void
take_auth(struct ehlo *e, struct str args)
{
	static const struct {
		struct str name;
		unsigned bit;
	} mechs[] = {
		{ STR_INIT("PLAIN"), EHLO_AUTH_PLAIN },
		{ STR_INIT("LOGIN"), EHLO_AUTH_LOGIN },
		{ STR_INIT("SCRAM-SHA-256"), EHLO_AUTH_SCRAM_SHA_256 },
	};

	while (args.n != 0) {
		struct str word = str_take_word(&args);

		for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++)
			if (str_ieq(word, mechs[i].name))
				e->auth |= mechs[i].bit;
	}
}

/* LIMITS MAILMAX=n RCPTMAX=n (RFC 9422) */
static void
take_limits(struct ehlo *e, struct str args)
{
	while (args.n != 0) {
		struct str word = str_take_word(&args);

		if (str_take_iprefix(&word, STR("MAILMAX=")))
			num_u32(word, &e->mail_max);
		else if (str_take_iprefix(&word, STR("RCPTMAX=")))
			num_u32(word, &e->rcpt_max);
	}
}

/* clang-format off */
static const struct {
	struct str keyword;
	unsigned bit;
	void (*take)(struct ehlo *e, struct str args);
} rows[] = {
	{ STR_INIT("PIPELINING"),          EHLO_PIPELINING,          NULL },
	{ STR_INIT("SIZE"),                EHLO_SIZE,                take_size },
	{ STR_INIT("8BITMIME"),            EHLO_8BITMIME,            NULL },
	{ STR_INIT("SMTPUTF8"),            EHLO_SMTPUTF8,            NULL },
	{ STR_INIT("DSN"),                 EHLO_DSN,                 NULL },
	{ STR_INIT("STARTTLS"),            EHLO_STARTTLS,            NULL },
	{ STR_INIT("CHUNKING"),            EHLO_CHUNKING,            NULL },
	{ STR_INIT("BINARYMIME"),          EHLO_BINARYMIME,          NULL },
	{ STR_INIT("ENHANCEDSTATUSCODES"), EHLO_ENHANCEDSTATUSCODES, NULL },
	{ STR_INIT("AUTH"),                EHLO_AUTH,                take_auth },
	{ STR_INIT("REQUIRETLS"),          EHLO_REQUIRETLS,          NULL },
	{ STR_INIT("LIMITS"),              EHLO_LIMITS,              take_limits },
};
/* clang-format on */

void
ehlo_parse(struct str text, struct ehlo *out)
{
	*out = (struct ehlo){ 0 };
	str_take_until(&text, '\n');
	while (text.n != 0) {
		struct str args = str_trim(str_take_until(&text, '\n'));
		struct str keyword;

		/* "AUTH=LOGIN" is an old form of "AUTH LOGIN". */
		if (str_take_iprefix(&args, STR("AUTH=")))
			keyword = STR("AUTH");
		else
			keyword = str_take_word(&args);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			if (!str_ieq(keyword, rows[i].keyword))
				continue;
			out->can |= rows[i].bit;
			if (rows[i].take != NULL)
				rows[i].take(out, args);
		}
	}
}
