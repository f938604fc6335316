#include "mail/mime_fields.h"

#include "base/buf.h"
#include "mail/header.h"

enum { LANGUAGES_MAX = 16 };

/* The field on one line, in the pool. */
static struct str
line_of(struct pool *pool, struct str value)
{
	struct buf b;
	struct str s;

	buf_init(&b, HEADER_FIELD_MAX);
	header_unfold(&b, value);
	s = pool_str(pool, buf_str(&b));
	buf_clear(&b);
	return s;
}

/* content = type "/" subtype *(";" parameter); what is not that counts as
 * text/plain (RFC 2045 5.2). */
static void
take_type(struct mime_part *part, struct pool *pool, struct str value)
{
	struct str type, subtype;

	if (!param_token(&value, &type) || !str_take_char(&value, '/') ||
	    !param_token(&value, &subtype))
		return;
	part->type = type;
	part->subtype = subtype;
	params_take(&value, pool, &part->params);
}

static void
take_encoding(struct mime_part *part, struct pool *pool, struct str value)
{
	(void)pool;
	if (!param_token(&value, &part->encoding))
		part->encoding = STR_NONE;
}

static void
take_id(struct mime_part *part, struct pool *pool, struct str value)
{
	part->has_id = true;
	part->id = line_of(pool, value);
}

static void
take_description(struct mime_part *part, struct pool *pool, struct str value)
{
	part->has_description = true;
	part->description = line_of(pool, value);
}

static void
take_md5(struct mime_part *part, struct pool *pool, struct str value)
{
	part->has_md5 = true;
	part->md5 = line_of(pool, value);
}

static void
take_location(struct mime_part *part, struct pool *pool, struct str value)
{
	part->has_location = true;
	part->location = line_of(pool, value);
}

static void
take_disposition(struct mime_part *part, struct pool *pool, struct str value)
{
	if (param_token(&value, &part->disposition))
		params_take(&value, pool, &part->disposition_params);
}

/* Language-List = Language-Tag *("," Language-Tag) (RFC 3282) */
static void
take_language(struct mime_part *part, struct pool *pool, struct str value)
{
	struct str tags[LANGUAGES_MAX];
	size_t n = 0;

	while (n < LANGUAGES_MAX && param_token(&value, &tags[n])) {
		n++;
		if (!str_take_char(&value, ','))
			break;
	}
	part->language_count = n;
	if (n == 0)
		return;
	part->languages = pool_alloc(pool, n * sizeof(tags[0]));
	memcpy(part->languages, tags, n * sizeof(tags[0]));
}

/* clang-format off */
static const struct {
	struct str name;
	void (*take)(struct mime_part *part, struct pool *pool,
	    struct str value);
} fields[] = {
	{ STR_INIT("Content-Type"),              take_type },
	{ STR_INIT("Content-Transfer-Encoding"), take_encoding },
	{ STR_INIT("Content-ID"),                take_id },
	{ STR_INIT("Content-Description"),       take_description },
	{ STR_INIT("Content-MD5"),               take_md5 },
	{ STR_INIT("Content-Disposition"),       take_disposition },
	{ STR_INIT("Content-Language"),          take_language },
	{ STR_INIT("Content-Location"),          take_location },
};
/* clang-format on */

static const struct param plain_charset = { STR_INIT("charset"),
	STR_INIT("us-ascii") };

void
mime_fields_read(struct mime_part *part, struct pool *pool, struct str head,
    bool digest)
{
	struct header_field f;
	unsigned seen = 0;

	part->type = digest ? STR("message") : STR("text");
	part->subtype = digest ? STR("rfc822") : STR("plain");
	while (header_next(&head, &f)) {
		if (!str_istarts(f.name, STR("Content-")))
			continue;
		/* Of two fields of one name the first counts, everywhere. */
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
			if ((seen & 1u << i) != 0 ||
			    !str_ieq(f.name, fields[i].name))
				continue;
			seen |= 1u << i;
			fields[i].take(part, pool,
			    str_first(f.value, HEADER_FIELD_MAX));
		}
	}
	if ((seen & 1u) == 0 && !digest) {
		part->params.list = pool_alloc(pool, sizeof(struct param));
		part->params.list[0] = plain_charset;
		part->params.count = 1;
	}
}

void
mime_fields_make_opaque(struct mime_part *part, const char *type,
    const char *subtype)
{
	part->kind = MIME_LEAF;
	part->child = NULL;
	part->type = str_c(type);
	part->subtype = str_c(subtype);
	part->params = (struct params){ NULL, 0 };
}
