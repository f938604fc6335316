#include "imapd/fetch_items.h"

#include "imapd/lex.h"

/* clang-format off */
static const struct {
	struct str word;
	enum fetch_kind kind;
	bool sets_seen;
	enum section_text text; /* of the RFC822 forms */
} atts[] = {
	{ STR_INIT("UID"),           FETCH_UID,           false, SECTION_ALL },
	{ STR_INIT("FLAGS"),         FETCH_FLAGS,         false, SECTION_ALL },
	{ STR_INIT("INTERNALDATE"),  FETCH_INTERNALDATE,  false, SECTION_ALL },
	{ STR_INIT("RFC822.SIZE"),   FETCH_SIZE,          false, SECTION_ALL },
	{ STR_INIT("MODSEQ"),        FETCH_MODSEQ,        false, SECTION_ALL },
	{ STR_INIT("ENVELOPE"),      FETCH_ENVELOPE,      false, SECTION_ALL },
	{ STR_INIT("BODY"),          FETCH_BODY,          false, SECTION_ALL },
	{ STR_INIT("BODYSTRUCTURE"), FETCH_BODYSTRUCTURE, false, SECTION_ALL },
	{ STR_INIT("RFC822"),        FETCH_RFC822,        true,  SECTION_ALL },
	{ STR_INIT("RFC822.HEADER"), FETCH_RFC822_HEADER, false, SECTION_HEADER },
	{ STR_INIT("RFC822.TEXT"),   FETCH_RFC822_TEXT,   true,  SECTION_TEXT },
};

/* Words that stand for several items, in the order they are answered. */
static const struct {
	struct str word;
	size_t count;
	enum fetch_kind kinds[5];
} macros[] = {
	{ STR_INIT("FULL"), 5, { FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_SIZE,
	    FETCH_ENVELOPE, FETCH_BODY } },
	{ STR_INIT("ALL"),  4, { FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_SIZE,
	    FETCH_ENVELOPE } },
	{ STR_INIT("FAST"), 3, { FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_SIZE } },
};
/* clang-format on */

static void
append(struct fetch_items *items, const struct fetch_item *item)
{
	items->list[items->count++] = *item;
	items->has_uid |= item->kind == FETCH_UID;
	items->has_flags |= item->kind == FETCH_FLAGS;
	items->has_modseq |= item->kind == FETCH_MODSEQ;
}

void
fetch_items_add(struct fetch_items *items, enum fetch_kind kind)
{
	struct fetch_item item = { .kind = kind };

	for (size_t i = 0; i < items->count; i++)
		if (items->list[i].kind == kind)
			return;
	append(items, &item);
}

/* "<" number "." nz-number ">" */
static bool
take_partial(struct str *in, struct fetch_item *item)
{
	if (!str_take_char(in, '<'))
		return true;
	item->partial = true;
	return lex_number(in, &item->offset) && str_take_char(in, '.') &&
	    lex_nz_number(in, &item->count) && str_take_char(in, '>');
}

/* "BODY" section / "BODY.PEEK" section; *is_one tells that it began as one */
static bool
take_section(struct str *in, struct pool *pool, struct fetch_item *item,
    bool *peek, bool *is_one)
{
	struct str rest = *in;

	*is_one = false;
	*peek = str_take_iprefix(&rest, STR("BODY.PEEK"));
	if (!*peek && !str_take_iprefix(&rest, STR("BODY")))
		return false;
	if (rest.n == 0 || rest.p[0] != '[')
		return false;
	*is_one = true;
	*item = (struct fetch_item){ .kind = FETCH_SECTION };
	if (!section_take(&rest, pool, &item->section) ||
	    !take_partial(&rest, item))
		return false;
	*in = rest;
	return true;
}

/* fetch-att */
static bool
take_att(struct str *in, struct pool *pool, struct fetch_items *items)
{
	struct fetch_item item;
	bool peek, is_section;

	if (items->count == FETCH_ITEMS_MAX)
		return false;
	if (take_section(in, pool, &item, &peek, &is_section)) {
		items->sets_seen |= !peek;
		append(items, &item);
		return true;
	}
	if (is_section)
		return false;
	for (size_t i = 0; i < sizeof(atts) / sizeof(atts[0]); i++) {
		if (!lex_word(in, atts[i].word))
			continue;
		item = (struct fetch_item){ .kind = atts[i].kind };
		item.section.text = atts[i].text;
		items->sets_seen |= atts[i].sets_seen;
		append(items, &item);
		return true;
	}
	return false;
}

static bool
take_macro(struct str *in, struct fetch_items *items)
{
	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
		if (!lex_word(in, macros[i].word))
			continue;
		for (size_t k = 0; k < macros[i].count; k++)
			fetch_items_add(items, macros[i].kinds[k]);
		return true;
	}
	return false;
}

bool
fetch_items_take(struct str *in, struct pool *pool, struct fetch_items *out)
{
	struct fetch_items items = { .count = 0 };
	struct str rest = *in;

	/* Room for those that fetch_items_add may add later. */
	items.list = pool_alloc(pool,
	    (FETCH_ITEMS_MAX + FETCH_KINDS) * sizeof(items.list[0]));
	if (str_take_char(&rest, '(')) {
		do {
			if (!take_att(&rest, pool, &items))
				return false;
		} while (lex_sp(&rest));
		if (!str_take_char(&rest, ')'))
			return false;
	} else if (!take_macro(&rest, &items) &&
	    !take_att(&rest, pool, &items)) {
		return false;
	}
	*in = rest;
	*out = items;
	return true;
}

void
fetch_item_put(struct buf *out, const struct fetch_item *item)
{
	if (item->kind == FETCH_SECTION) {
		buf_add_c(out, "BODY");
		section_put(out, &item->section);
		if (item->partial)
			buf_addf(out, "<%u>", item->offset);
		return;
	}
	for (size_t i = 0; i < sizeof(atts) / sizeof(atts[0]); i++)
		if (atts[i].kind == item->kind)
			buf_add(out, atts[i].word);
}
