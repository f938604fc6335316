/* queue_show -- queue show: one message and each of its recipients, to read. */
#include <stdio.h>

#include "ctl/generic.h"

static struct str
text_of(const json_t *row, const char *key)
{
	const json_t *v = json_object_get(row, key);

	return json_is_string(v) ? str_n(json_string_value(v),
	    json_string_length(v)) : STR_NONE;
}

/* "  name      value"; what is not there is left out. */
static void
put_line(const json_t *row, const char *name, const struct column *col)
{
	struct buf cell;

	buf_init(&cell, BUF_NO_MAX);
	table_cell(col, row, &cell);
	if (!str_eq(buf_str(&cell), STR("-")))
		printf("  %-10s %s\n", name, buf_cstr(&cell));
	buf_clear(&cell);
}

static void
put_cell(const json_t *row, const char *field, const char *before)
{
	const struct column col = { field, "", COL_TEXT };
	struct buf cell;

	if (text_of(row, field).n == 0)
		return;
	buf_init(&cell, BUF_NO_MAX);
	table_cell(&col, row, &cell);
	printf("%s%s", before, buf_cstr(&cell));
	buf_clear(&cell);
}

/* "notify failure, delay, orcpt rfc822;bob@example.org", what there is of it. */
static void
put_wishes(const json_t *r)
{
	const json_t *notify = json_object_get(r, "notify");
	const char *before = "             notify ";
	json_t *word;
	size_t i;

	json_array_foreach(notify, i, word) {
		printf("%s%s", before, json_string_value(word));
		before = ", ";
	}
	put_cell(r, "orcpt", i != 0 ? ", orcpt " : "             orcpt ");
	if (i != 0 || text_of(r, "orcpt").n != 0)
		putchar('\n');
}

/* "8bitmime, smtputf8" */
static void
put_body(const json_t *row)
{
	put_cell(row, "body", "  body       ");
	if (json_is_true(json_object_get(row, "smtputf8")))
		fputs(", smtputf8", stdout);
	putchar('\n');
}

static void
put_rcpt(const json_t *r)
{
	const json_int_t tries =
	    json_integer_value(json_object_get(r, "attempts"));
	const json_int_t code = json_integer_value(json_object_get(r, "code"));
	struct buf next;

	put_cell(r, "address", "  to         ");
	put_cell(r, "status", "  ");
	if (tries != 0)
		printf(", %lld %s", (long long)tries,
		    tries == 1 ? "try" : "tries");
	if (text_of(r, "next").n != 0) {
		buf_init(&next, BUF_NO_MAX);
		table_time(text_of(r, "next"), &next);
		printf(", next %s", buf_cstr(&next));
		buf_clear(&next);
	}
	put_cell(r, "via", ", rerouted to ");
	putchar('\n');
	put_wishes(r);
	if (code == 0) {
		if (text_of(r, "text").n == 0)
			return;
		put_cell(r, "text", "             ");
		putchar('\n');
		return;
	}
	printf("             %lld", (long long)code);
	put_cell(r, "enhanced", " ");
	put_cell(r, "text", " ");
	put_cell(r, "remote", ", said ");
	putchar('\n');
}

static void
show_row(void *arg, const json_t *row)
{
	static const struct {
		const char *name;
		struct column col;
	} lines[] = {
		{ "status", { "status", "", COL_TEXT } },
		{ "from", { "sender", "", COL_SENDER } },
		{ "login", { "login", "", COL_TEXT } },
		{ "client", { "client", "", COL_TEXT } },
		{ "envid", { "envid", "", COL_TEXT } },
		{ "ret", { "ret", "", COL_TEXT } },
		{ "size", { "size", "", COL_SIZE } },
		{ "accepted", { "accepted", "", COL_TIME } },
		{ "expires", { "expires", "", COL_TIME } },
		{ "site", { "site", "", COL_TEXT } },
	};
	struct table *t = arg;
	size_t i;
	json_t *r;

	printf("%s%.*s\n", t->rows++ != 0 ? "\n" : "",
	    STR_ARG(text_of(row, "id")));
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		put_line(row, lines[i].name, &lines[i].col);
	put_body(row);
	json_array_foreach(json_object_get(row, "recipients"), i, r)
		put_rcpt(r);
}

void
show_rows(void *arg, struct str rows)
{
	(void)table_each(rows, show_row, arg);
	if (ferror(stdout))
		out_check();
}
