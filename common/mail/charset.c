#include "mail/charset.h"

#include <errno.h>
#include <iconv.h>

#include "mail/utf8.h"

enum { PIECE = 4096 };

enum kind { UTF8, ASCII, LATIN1, ICONV };

/* clang-format off */
static const struct charset {
	struct str name; /* lower case */
	enum kind kind;
	const char *iconv;
} charsets[] = {
	{ STR_INIT("utf-8"),           UTF8,   NULL },
	{ STR_INIT("utf8"),            UTF8,   NULL },
	{ STR_INIT("us-ascii"),        ASCII,  NULL },
	{ STR_INIT("ascii"),           ASCII,  NULL },
	{ STR_INIT("ansi_x3.4-1968"),  ASCII,  NULL },
	{ STR_INIT("iso-8859-1"),      LATIN1, NULL },
	{ STR_INIT("latin1"),          LATIN1, NULL },
	{ STR_INIT("windows-1252"),    ICONV,  "CP1252" },
	{ STR_INIT("cp1252"),          ICONV,  "CP1252" },
	{ STR_INIT("iso-8859-15"),     ICONV,  "ISO-8859-15" },
	{ STR_INIT("iso-8859-2"),      ICONV,  "ISO-8859-2" },
	{ STR_INIT("iso-8859-3"),      ICONV,  "ISO-8859-3" },
	{ STR_INIT("iso-8859-4"),      ICONV,  "ISO-8859-4" },
	{ STR_INIT("iso-8859-5"),      ICONV,  "ISO-8859-5" },
	{ STR_INIT("iso-8859-6"),      ICONV,  "ISO-8859-6" },
	{ STR_INIT("iso-8859-7"),      ICONV,  "ISO-8859-7" },
	{ STR_INIT("iso-8859-8"),      ICONV,  "ISO-8859-8" },
	{ STR_INIT("iso-8859-8-i"),    ICONV,  "ISO-8859-8" },
	{ STR_INIT("iso-8859-9"),      ICONV,  "ISO-8859-9" },
	{ STR_INIT("iso-8859-10"),     ICONV,  "ISO-8859-10" },
	{ STR_INIT("iso-8859-13"),     ICONV,  "ISO-8859-13" },
	{ STR_INIT("iso-8859-14"),     ICONV,  "ISO-8859-14" },
	{ STR_INIT("iso-8859-16"),     ICONV,  "ISO-8859-16" },
	{ STR_INIT("windows-874"),     ICONV,  "CP874" },
	{ STR_INIT("windows-1250"),    ICONV,  "CP1250" },
	{ STR_INIT("windows-1251"),    ICONV,  "CP1251" },
	{ STR_INIT("windows-1253"),    ICONV,  "CP1253" },
	{ STR_INIT("windows-1254"),    ICONV,  "CP1254" },
	{ STR_INIT("windows-1255"),    ICONV,  "CP1255" },
	{ STR_INIT("windows-1256"),    ICONV,  "CP1256" },
	{ STR_INIT("windows-1257"),    ICONV,  "CP1257" },
	{ STR_INIT("windows-1258"),    ICONV,  "CP1258" },
	{ STR_INIT("cp437"),           ICONV,  "CP437" },
	{ STR_INIT("cp850"),           ICONV,  "CP850" },
	{ STR_INIT("cp866"),           ICONV,  "CP866" },
	{ STR_INIT("koi8-r"),          ICONV,  "KOI8-R" },
	{ STR_INIT("koi8-u"),          ICONV,  "KOI8-U" },
	{ STR_INIT("macintosh"),       ICONV,  "MACINTOSH" },
	{ STR_INIT("tis-620"),         ICONV,  "TIS-620" },
	{ STR_INIT("gb2312"),          ICONV,  "GBK" },
	{ STR_INIT("gbk"),             ICONV,  "GBK" },
	{ STR_INIT("gb18030"),         ICONV,  "GB18030" },
	{ STR_INIT("big5"),            ICONV,  "BIG5" },
	{ STR_INIT("big5-hkscs"),      ICONV,  "BIG5-HKSCS" },
	{ STR_INIT("euc-jp"),          ICONV,  "EUC-JP" },
	{ STR_INIT("shift_jis"),       ICONV,  "CP932" },
	{ STR_INIT("iso-2022-jp"),     ICONV,  "ISO-2022-JP" },
	{ STR_INIT("euc-kr"),          ICONV,  "EUC-KR" },
	{ STR_INIT("ks_c_5601-1987"),  ICONV,  "UHC" },
	{ STR_INIT("iso-2022-kr"),     ICONV,  "ISO-2022-KR" },
	{ STR_INIT("utf-7"),           ICONV,  "UTF-7" },
	{ STR_INIT("utf-16"),          ICONV,  "UTF-16" },
	{ STR_INIT("utf-16be"),        ICONV,  "UTF-16BE" },
	{ STR_INIT("utf-16le"),        ICONV,  "UTF-16LE" },
	{ STR_INIT("utf-32"),          ICONV,  "UTF-32" },
};
/* clang-format on */

enum { CHARSETS = sizeof(charsets) / sizeof(charsets[0]) };

/*
 * Converters, once opened, stay open: a confined process can load none, for
 * the loader maps their code as executable.
 */
static iconv_t cds[CHARSETS];
static bool opened[CHARSETS];
static iconv_t open_cd; /* the one in use */

static const struct charset *
find(struct str name)
{
	for (size_t i = 0; i < CHARSETS; i++)
		if (str_ieq(name, charsets[i].name))
			return &charsets[i];
	return NULL;
}

static bool
use(const struct charset *c)
{
	size_t i = (size_t)(c - charsets);

	if (!opened[i]) {
		cds[i] = iconv_open("UTF-8", c->iconv);
		/* Failure is (iconv_t)-1, an integer in a pointer. */
		if ((intptr_t)cds[i] == -1)
			return false;
		opened[i] = true;
	}
	open_cd = cds[i];
	iconv(open_cd, NULL, NULL, NULL, NULL);
	return true;
}

void
charset_prepare(void)
{
	for (size_t i = 0; i < CHARSETS; i++)
		if (charsets[i].kind == ICONV)
			use(&charsets[i]);
}

bool
charset_known(struct str name)
{
	return find(str_trim(name)) != NULL;
}

static bool
from_bytes(struct buf *out, struct str in, bool latin1)
{
	bool ok = true;

	for (size_t i = 0; ok && i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];

		ok = c < 0x80 ? buf_add_char(out, (char)c) :
		    utf8_put(out, latin1 ? c : 0xfffd);
	}
	return ok;
}

static bool
from_iconv(struct buf *out, struct str in)
{
	/* iconv's parameter lacks a const; it does not write there. */
	union {
		const char *from;
		char *to;
	} p = { .from = in.p };
	size_t left = in.n;
	bool ok = true;

	while (ok) {
		char piece[PIECE], *w = piece;
		size_t room = sizeof(piece);
		bool last = left == 0;
		size_t r = last ? iconv(open_cd, NULL, NULL, &w, &room) :
		    iconv(open_cd, &p.to, &left, &w, &room);
		int why = errno;

		ok = buf_add(out, str_n(piece, (size_t)(w - piece)));
		if (r != (size_t)-1) {
			if (last)
				break;
		} else if (why == EILSEQ || why == EINVAL) {
			ok = ok && utf8_put(out, 0xfffd);
			if (left > 0) {
				p.from++;
				left--;
			}
		} else if (why != E2BIG) {
			break;
		}
	}
	return ok;
}

bool
charset_to_utf8(struct buf *out, struct str charset, struct str in)
{
	const struct charset *c = find(str_trim(charset));

	if (c == NULL)
		return false;
	switch (c->kind) {
	case UTF8:
		return utf8_repair(out, in);
	case ASCII:
	case LATIN1:
		return from_bytes(out, in, c->kind == LATIN1);
	case ICONV:
		return use(c) && from_iconv(out, in);
	}
	return false;
}
