#include "imapd/search_keys.h"

#include "imapd/fold.h"
#include "imapd/lex.h"
#include "mail/date.h"
#include "mail/utf8.h"

enum arg { NO_ARG, TEXT_ARG, FIELD_ARG, ATOM_ARG, NUMBER_ARG, DATE_ARG,
	UIDS_ARG, MODSEQ_ARG };

/* clang-format off */
static const struct row {
	struct str word;
	enum search_kind kind;
	enum arg arg;
	bool negate;
	struct str name;
} rows[] = {
	{ STR_INIT("ALL"),        SEARCH_ALL,        NO_ARG,     false, STR_INIT("") },
	{ STR_INIT("ANSWERED"),   SEARCH_FLAG,       NO_ARG,     false, STR_INIT("\\Answered") },
	{ STR_INIT("UNANSWERED"), SEARCH_FLAG,       NO_ARG,     true,  STR_INIT("\\Answered") },
	{ STR_INIT("DELETED"),    SEARCH_FLAG,       NO_ARG,     false, STR_INIT("\\Deleted") },
	{ STR_INIT("UNDELETED"),  SEARCH_FLAG,       NO_ARG,     true,  STR_INIT("\\Deleted") },
	{ STR_INIT("DRAFT"),      SEARCH_FLAG,       NO_ARG,     false, STR_INIT("\\Draft") },
	{ STR_INIT("UNDRAFT"),    SEARCH_FLAG,       NO_ARG,     true,  STR_INIT("\\Draft") },
	{ STR_INIT("FLAGGED"),    SEARCH_FLAG,       NO_ARG,     false, STR_INIT("\\Flagged") },
	{ STR_INIT("UNFLAGGED"),  SEARCH_FLAG,       NO_ARG,     true,  STR_INIT("\\Flagged") },
	{ STR_INIT("SEEN"),       SEARCH_FLAG,       NO_ARG,     false, STR_INIT("\\Seen") },
	{ STR_INIT("UNSEEN"),     SEARCH_FLAG,       NO_ARG,     true,  STR_INIT("\\Seen") },
	{ STR_INIT("KEYWORD"),    SEARCH_KEYWORD,    ATOM_ARG,   false, STR_INIT("") },
	{ STR_INIT("UNKEYWORD"),  SEARCH_KEYWORD,    ATOM_ARG,   true,  STR_INIT("") },
	{ STR_INIT("RECENT"),     SEARCH_RECENT,     NO_ARG,     false, STR_INIT("") },
	{ STR_INIT("NEW"),        SEARCH_NEW,        NO_ARG,     false, STR_INIT("") },
	{ STR_INIT("OLD"),        SEARCH_OLD,        NO_ARG,     false, STR_INIT("") },
	{ STR_INIT("UID"),        SEARCH_UIDS,       UIDS_ARG,   false, STR_INIT("") },
	{ STR_INIT("LARGER"),     SEARCH_LARGER,     NUMBER_ARG, false, STR_INIT("") },
	{ STR_INIT("SMALLER"),    SEARCH_SMALLER,    NUMBER_ARG, false, STR_INIT("") },
	{ STR_INIT("OLDER"),      SEARCH_OLDER,      NUMBER_ARG, false, STR_INIT("") },
	{ STR_INIT("YOUNGER"),    SEARCH_YOUNGER,    NUMBER_ARG, false, STR_INIT("") },
	{ STR_INIT("MODSEQ"),     SEARCH_MODSEQ,     MODSEQ_ARG, false, STR_INIT("") },
	{ STR_INIT("BEFORE"),     SEARCH_BEFORE,     DATE_ARG,   false, STR_INIT("") },
	{ STR_INIT("ON"),         SEARCH_ON,         DATE_ARG,   false, STR_INIT("") },
	{ STR_INIT("SINCE"),      SEARCH_SINCE,      DATE_ARG,   false, STR_INIT("") },
	{ STR_INIT("SENTBEFORE"), SEARCH_SENTBEFORE, DATE_ARG,   false, STR_INIT("") },
	{ STR_INIT("SENTON"),     SEARCH_SENTON,     DATE_ARG,   false, STR_INIT("") },
	{ STR_INIT("SENTSINCE"),  SEARCH_SENTSINCE,  DATE_ARG,   false, STR_INIT("") },
	{ STR_INIT("HEADER"),     SEARCH_HEADER,     FIELD_ARG,  false, STR_INIT("") },
	{ STR_INIT("FROM"),       SEARCH_HEADER,     TEXT_ARG,   false, STR_INIT("From") },
	{ STR_INIT("TO"),         SEARCH_HEADER,     TEXT_ARG,   false, STR_INIT("To") },
	{ STR_INIT("CC"),         SEARCH_HEADER,     TEXT_ARG,   false, STR_INIT("Cc") },
	{ STR_INIT("BCC"),        SEARCH_HEADER,     TEXT_ARG,   false, STR_INIT("Bcc") },
	{ STR_INIT("SUBJECT"),    SEARCH_HEADER,     TEXT_ARG,   false, STR_INIT("Subject") },
	{ STR_INIT("BODY"),       SEARCH_BODY,       TEXT_ARG,   false, STR_INIT("") },
	{ STR_INIT("TEXT"),       SEARCH_TEXT,       TEXT_ARG,   false, STR_INIT("") },
};
/* clang-format on */

/* What is waiting for its operands. */
struct frame {
	enum { FRAME_LIST, FRAME_NOT, FRAME_OR } kind;
	unsigned have; /* operands complete; for lists 0 or 1, joined by AND */
};
struct reading {
	struct str in;
	struct pool *pool;
	struct search *out;
	size_t room;
	struct frame stack[SEARCH_DEPTH_MAX];
	size_t depth;
	bool ascii; /* CHARSET US-ASCII: no octet above 127 */
};

enum search_cost
search_cost(enum search_kind kind)
{
	if (kind >= SEARCH_BODY)
		return SEARCH_WHOLE;
	return kind >= SEARCH_SENTBEFORE ? SEARCH_HEAD : SEARCH_ROW;
}

static enum search_result
emit(struct reading *r, const struct search_key *key)
{
	if (r->out->count == r->room)
		return SEARCH_TOO_MUCH;
	r->out->keys[r->out->count++] = *key;
	return SEARCH_OK;
}

static enum search_result
emit_op(struct reading *r, enum search_kind kind)
{
	struct search_key key = { .kind = kind };

	return emit(r, &key);
}

static enum search_result
push(struct reading *r, int kind)
{
	if (r->depth == SEARCH_DEPTH_MAX)
		return SEARCH_TOO_MUCH;
	r->stack[r->depth++] = (struct frame){ .kind = (unsigned)kind };
	return SEARCH_OK;
}

static enum search_result
take_text(struct reading *r, struct str *out)
{
	struct str text;

	if (!lex_sp(&r->in) || !lex_astring(&r->in, r->pool, &text))
		return SEARCH_SYNTAX;
	if (r->ascii ? !utf8_is_ascii(text) : !utf8_ok(text))
		return SEARCH_CHARSET;
	*out = fold_pool(r->pool, text);
	return SEARCH_OK;
}

/* date = date-text / DQUOTE date-text DQUOTE */
static bool
take_date(struct reading *r, int64_t *day)
{
	struct str text;

	return lex_sp(&r->in) && lex_astring(&r->in, r->pool, &text) &&
	    date_parse_day(text, day);
}

/* "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer: with one
 * mod-sequence a message, the entry makes no difference. */
static bool
take_modseq(struct reading *r, uint64_t *number)
{
	struct str entry, type;

	if (!lex_sp(&r->in))
		return false;
	if (r->in.n != 0 && r->in.p[0] == '"' &&
	    (!lex_string(&r->in, r->pool, &entry) || !lex_sp(&r->in) ||
	     !lex_atom(&r->in, &type) || !lex_sp(&r->in)))
		return false;
	r->out->has_modseq = true;
	return lex_number64(&r->in, number);
}

static enum search_result
take_arg(struct reading *r, enum arg arg, struct search_key *key)
{
	uint32_t number = 0;
	bool ok = true;

	switch (arg) {
	case NO_ARG:
		break;
	case FIELD_ARG:
		if (!lex_sp(&r->in) ||
		    !lex_astring(&r->in, r->pool, &key->name))
			return SEARCH_SYNTAX;
		return take_text(r, &key->text);
	case TEXT_ARG:
		return take_text(r, &key->text);
	case ATOM_ARG:
		ok = lex_sp(&r->in) && lex_flag(&r->in, &key->name);
		break;
	case NUMBER_ARG:
		ok = lex_sp(&r->in) && lex_number(&r->in, &number);
		key->number = number;
		break;
	case DATE_ARG:
		ok = take_date(r, &key->day);
		break;
	case UIDS_ARG:
		ok = lex_sp(&r->in) && seq_take(&r->in, r->pool, &key->set);
		break;
	case MODSEQ_ARG:
		ok = take_modseq(r, &key->number);
		break;
	}
	return ok ? SEARCH_OK : SEARCH_SYNTAX;
}

static enum search_result
take_key(struct reading *r)
{
	struct search_key key = { .kind = SEARCH_SET };
	struct str word;
	enum search_result result;

	if (r->in.n != 0 && (chr_is_digit(r->in.p[0]) || r->in.p[0] == '*'))
		return seq_take(&r->in, r->pool, &key.set) ? emit(r, &key) :
		    SEARCH_SYNTAX;
	if (!lex_atom(&r->in, &word))
		return SEARCH_SYNTAX;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!str_ieq(word, rows[i].word))
			continue;
		key.kind = rows[i].kind;
		key.negate = rows[i].negate;
		key.name = rows[i].name;
		result = take_arg(r, rows[i].arg, &key);
		r->out->has_recent |= key.kind == SEARCH_RECENT ||
		    key.kind == SEARCH_NEW || key.kind == SEARCH_OLD;
		return result == SEARCH_OK ? emit(r, &key) : result;
	}
	return SEARCH_SYNTAX;
}

/* Takes what may stand before a key: "(", "NOT ", "OR ". */
static enum search_result
take_prefixes(struct reading *r)
{
	enum search_result result = SEARCH_OK;

	while (result == SEARCH_OK) {
		if (str_take_char(&r->in, '('))
			result = push(r, FRAME_LIST);
		else if (str_take_iprefix(&r->in, STR("NOT ")))
			result = push(r, FRAME_NOT);
		else if (str_take_iprefix(&r->in, STR("OR ")))
			result = push(r, FRAME_OR);
		else
			break;
	}
	return result;
}

/*
 * A key is complete: so may be what waits for it.  *more: another key must
 * follow.
 */
static enum search_result
complete(struct reading *r, bool *more)
{
	enum search_result result = SEARCH_OK;

	for (;;) {
		struct frame *f = &r->stack[r->depth - 1];

		if (f->kind == FRAME_NOT) {
			r->depth--;
			result = emit_op(r, SEARCH_NOT);
		} else if (f->kind == FRAME_OR) {
			if (f->have++ == 0) {
				*more = true;
				return lex_sp(&r->in) ? SEARCH_OK :
				    SEARCH_SYNTAX;
			}
			r->depth--;
			result = emit_op(r, SEARCH_OR);
		} else {
			if (f->have++ != 0)
				result = emit_op(r, SEARCH_AND);
			*more = lex_sp(&r->in);
			if (result != SEARCH_OK || *more)
				return result;
			if (r->depth == 1) /* the outermost list has no ")" */
				return SEARCH_OK;
			if (!str_take_char(&r->in, ')'))
				return SEARCH_SYNTAX;
			r->depth--;
		}
		if (result != SEARCH_OK)
			return result;
	}
}

/* search-return-opts */
static bool
take_returns(struct reading *r)
{
	static const struct {
		struct str word;
		unsigned bit;
	} opts[] = {
		{ STR_INIT("MIN"), SEARCH_MIN },
		{ STR_INIT("MAX"), SEARCH_MAX },
		{ STR_INIT("ALL"), SEARCH_RETURN_ALL },
		{ STR_INIT("COUNT"), SEARCH_COUNT },
	};
	struct search *s = r->out;

	if (!str_take_iprefix(&r->in, STR("RETURN (")))
		return true;
	s->extended = true;
	while (!str_take_char(&r->in, ')')) {
		size_t i = 0;

		while (i < 4 && !lex_word(&r->in, opts[i].word))
			i++;
		if (i == 4)
			return false;
		s->returns |= opts[i].bit;
		if (!lex_sp(&r->in) && (r->in.n == 0 || r->in.p[0] != ')'))
			return false;
	}
	if (s->returns == 0)
		s->returns = SEARCH_RETURN_ALL;
	return lex_sp(&r->in);
}

static enum search_result
take_charset(struct reading *r)
{
	struct str name;

	if (!str_take_iprefix(&r->in, STR("CHARSET ")))
		return SEARCH_OK;
	if (!lex_astring(&r->in, r->pool, &name) || !lex_sp(&r->in))
		return SEARCH_SYNTAX;
	r->ascii = str_ieq(name, STR("US-ASCII"));
	return r->ascii || str_ieq(name, STR("UTF-8")) ? SEARCH_OK :
	    SEARCH_CHARSET;
}

/* Keys and their operators are at most twice the words of the text. */
static size_t
most_keys(struct str in)
{
	size_t words = 1;

	for (size_t i = 0; i < in.n; i++)
		words += in.p[i] == ' ';
	words *= 2;
	return words < SEARCH_KEYS_MAX ? words : SEARCH_KEYS_MAX;
}

enum search_result
search_take(struct str in, struct pool *pool, struct search *out)
{
	struct reading r = { .in = in, .pool = pool, .out = out };
	enum search_result result;
	bool more = true;

	*out = (struct search){ .count = 0 };
	if (!take_returns(&r))
		return SEARCH_SYNTAX;
	result = take_charset(&r);
	if (result != SEARCH_OK)
		return result;
	r.room = most_keys(r.in);
	out->keys = pool_alloc(pool, r.room * sizeof(out->keys[0]));
	push(&r, FRAME_LIST);
	while (more) {
		result = take_prefixes(&r);
		if (result == SEARCH_OK)
			result = take_key(&r);
		if (result == SEARCH_OK)
			result = complete(&r, &more);
		if (result != SEARCH_OK)
			return result;
	}
	return r.in.n == 0 ? SEARCH_OK : SEARCH_SYNTAX;
}
