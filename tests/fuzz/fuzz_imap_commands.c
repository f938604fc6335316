/* links: imapd common/mail common/base */
/* with: -lunistring */
/*
 * Commands behind the log-in: the reader, and the readers of arguments.  A
 * SEARCH that was read can be evaluated with its small stack; FETCH items
 * print as they can be read again; resolved sets are sorted.
 */
#include <stdint.h>
#include <stdlib.h>

#include "imapd/fetch_items.h"
#include "imapd/lex.h"
#include "imapd/match.h"
#include "imapd/reader.h"
#include "imapd/search_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_search(struct str in, struct pool *pool)
{
	struct search s;
	size_t n = 0;

	if (search_take(in, pool, &s) != SEARCH_OK)
		return;
	for (size_t i = 0; i < s.count; i++) {
		enum search_kind kind = s.keys[i].kind;

		if (kind == SEARCH_AND || kind == SEARCH_OR) {
			if (n < 2)
				abort();
			n--;
		} else if (kind != SEARCH_NOT && ++n > SEARCH_STACK_MAX) {
			abort();
		}
		if (n == 0)
			abort();
	}
	if (n != 1 || s.count > SEARCH_KEYS_MAX)
		abort();
}

static void
check_fetch(struct str in, struct pool *pool)
{
	struct fetch_items items, again;

	if (!fetch_items_take(&in, pool, &items))
		return;
	for (size_t i = 0; i < items.count; i++) {
		struct buf text;
		struct str back;

		if (items.list[i].kind != FETCH_SECTION)
			continue;
		buf_init(&text, BUF_NO_MAX);
		items.list[i].partial = false;
		fetch_item_put(&text, &items.list[i]);
		back = buf_str(&text);
		if (!fetch_items_take(&back, pool, &again) || back.n != 0 ||
		    again.list[0].section.path_n !=
		    items.list[i].section.path_n)
			abort();
		buf_clear(&text);
	}
}

static void
check_set(struct str in, struct pool *pool)
{
	struct seq_set set;

	if (!seq_take(&in, pool, &set))
		return;
	seq_resolve(&set, 1000);
	for (size_t i = 0; i < set.count; i++)
		if (set.ranges[i].first > set.ranges[i].last ||
		    (i > 0 && set.ranges[i].first <=
		    (uint64_t)set.ranges[i - 1].last + 1) ||
		    !seq_has(&set, set.ranges[i].last))
			abort();
}

static void
check_command(struct str in)
{
	struct pool pool = { 0 };
	struct str tag, verb;

	if (lex_tag(&in, &tag) && lex_sp(&in) && lex_atom(&in, &verb) &&
	    lex_sp(&in)) {
		check_search(in, &pool);
		check_fetch(in, &pool);
		check_set(in, &pool);
		match_mailbox(in, verb, '/');
	}
	pool_clear(&pool);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n(data, size);
	struct reader r;

	reader_init(&r, 65536, 4096);
	for (;;) {
		switch (reader_feed(&r, &in)) {
		case READER_COMMAND:
			check_command(reader_text(&r));
			continue;
		case READER_LITERAL:
			if (reader_fits(&r))
				reader_keep(&r);
			else if (size % 2 == 0)
				reader_stream(&r);
			else
				reader_refuse(&r);
			continue;
		case READER_STREAM:
			reader_take(&r, &in, 7);
			continue;
		case READER_LONG:
		case READER_BARE:
			continue;
		case READER_MORE:
		case READER_ENDLESS:
			break;
		}
		break;
	}
	reader_clear(&r);
	return 0;
}
