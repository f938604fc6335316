#include "ctl/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void
table_init(struct table *t, const struct ctl *c, const struct column *columns)
{
	*t = (struct table){ .c = c, .columns = columns };
	buf_init(&t->held, BUF_NO_MAX);
	while (columns != NULL && t->n < TABLE_COLUMNS &&
	    columns[t->n].field != NULL)
		t->n++;
}

void
table_time(struct str iso, struct buf *out)
{
	struct tm tm = { 0 };
	char copy[32], text[32];
	time_t at;

	if (!str_copy(copy, sizeof(copy), iso) ||
	    strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm) == NULL) {
		buf_add(out, iso);
		return;
	}
	at = timegm(&tm);
	if (at == 0) { /* not yet */
		buf_add_char(out, '-');
		return;
	}
	localtime_r(&at, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	buf_add_c(out, text);
}

void
table_size(uint64_t octets, struct buf *out)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double n = (double)octets;
	size_t i = 0;

	for (; n >= 1024 && i < 4; i++)
		n /= 1024;
	buf_addf(out, i == 0 ? "%.0f %s" : "%.1f %s", n, units[i]);
}

static void add_value(const struct column *col, const json_t *v,
    struct buf *out);

/* ["a","b"]: a, b; [{"address":"a"}]: the first field of each. */
static void
add_list(const json_t *list, size_t most, struct buf *out)
{
	static const struct column plain = { "", "", COL_TEXT };

	for (size_t i = 0; i < json_array_size(list) && i < most; i++) {
		json_t *item = json_array_get(list, i);

		if (i > 0)
			buf_add_c(out, ", ");
		if (json_is_object(item))
			item = json_object_get(item, "address");
		add_value(&plain, item, out);
	}
}

static void
add_value(const struct column *col, const json_t *v, struct buf *out)
{
	if (json_is_string(v) && col->kind == COL_TIME)
		table_time(str_n(json_string_value(v), json_string_length(v)),
		    out);
	else if (json_is_string(v) && col->kind == COL_SENDER &&
	    json_string_length(v) == 0)
		buf_add_c(out, "<>");
	else if (json_is_string(v))
		buf_add(out, str_n(json_string_value(v),
		    json_string_length(v)));
	else if (json_is_integer(v) && col->kind == COL_LIMIT &&
	    json_integer_value(v) == 0)
		buf_add_c(out, "none");
	else if (json_is_integer(v) &&
	    (col->kind == COL_SIZE || col->kind == COL_LIMIT))
		table_size((uint64_t)json_integer_value(v), out);
	else if (json_is_integer(v))
		buf_addf(out, "%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		buf_add_c(out, json_is_true(v) ? "yes" : "no");
}

/* A terminal's line would not hold a long list; the row may leave out some
 * itself ("more"). */
static void
add_cell(const struct table *t, const struct column *col, const json_t *row,
    struct buf *out)
{
	const json_t *v = json_object_get(row, col->field);
	const size_t n = json_array_size(v);
	const size_t most = col->kind == COL_SOME && t != NULL &&
	    t->c->out_tty && n > TABLE_SOME ? TABLE_SOME : n;
	const uint64_t left = n - most + (uint64_t)json_integer_value(
	    json_object_get(row, "more"));

	if (!json_is_array(v)) {
		add_value(col, v, out);
		return;
	}
	add_list(v, most, out);
	if (left != 0)
		buf_addf(out, " and %llu more", (unsigned long long)left);
}

bool
table_is_order(struct str text, size_t at)
{
	const unsigned char ch = (unsigned char)text.p[at];
	const unsigned char before =
	    at != 0 ? (unsigned char)text.p[at - 1] : 0;

	if (ch >= 0x80 && ch < 0xa0) /* C1, alone or as UTF-8 */
		return before < 0x80 || before == 0xc2;
	return ch < ' ' || ch == 0x7f;
}

/* Controls would break the line or the terminal. */
static void
clean(struct buf *out, size_t from)
{
	const struct str cell = buf_str(out);

	for (size_t i = from; i < cell.n; i++)
		if (table_is_order(cell, i))
			out->p[out->at + i] = ' ';
}

static void
put_cell(const struct table *t, const struct column *col, const json_t *row,
    struct buf *out)
{
	size_t from = buf_len(out);

	add_cell(t, col, row, out);
	if (buf_len(out) == from && t != NULL && col == t->columns &&
	    json_is_true(json_object_get(row, "total")))
		buf_add_c(out, "total");
	else if (buf_len(out) == from)
		buf_add_c(out, "-");
	clean(out, from);
}

void
table_cell(const struct column *col, const json_t *row, struct buf *out)
{
	put_cell(NULL, col, row, out);
}

/* Characters, not octets. */
static size_t
width(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return n;
}

static void
put_line(const struct table *t, struct str cells)
{
	for (size_t i = 0; i < t->n; i++) {
		struct str cell = str_take_until(&cells, '\0');
		bool last = i + 1 == t->n;

		fwrite(cell.p, 1, cell.n, stdout);
		if (last)
			putchar('\n');
		else if (!t->c->out_tty)
			putchar('\t');
		else
			printf("%*s", (int)(t->width[i] > width(cell) ?
			    t->width[i] - width(cell) : 0) + 2, "");
	}
}

/* Enough rows were seen: fixes the widths and writes what was held. */
static void
start(struct table *t)
{
	struct str held = buf_str(&t->held);

	t->started = true;
	if (t->c->out_tty && t->nheld > 0) {
		struct buf head;

		buf_init(&head, BUF_NO_MAX);
		for (size_t i = 0; i < t->n; i++) {
			buf_add_c(&head, t->columns[i].head);
			buf_add_char(&head, '\0');
		}
		put_line(t, buf_str(&head));
		buf_clear(&head);
	}
	for (size_t r = 0; r < t->nheld; r++) {
		struct str row = held;

		put_line(t, row);
		for (size_t i = 0; i < t->n; i++)
			(void)str_take_until(&held, '\0');
	}
	buf_reset(&t->held);
}

static void
on_row(void *arg, const json_t *row)
{
	struct table *t = arg;
	size_t at = buf_len(&t->held);

	t->rows++;
	for (size_t i = 0; i < t->n; i++) {
		size_t from = buf_len(&t->held), n;

		put_cell(t, &t->columns[i], row, &t->held);
		n = width(str_from(buf_str(&t->held), from));
		if (n < strlen(t->columns[i].head))
			n = strlen(t->columns[i].head);
		if (!t->started && n > t->width[i])
			t->width[i] = n;
		buf_add_char(&t->held, '\0');
	}
	if (t->started) {
		put_line(t, str_from(buf_str(&t->held), at));
		buf_reset(&t->held);
	} else if (++t->nheld == TABLE_HELD) {
		start(t);
	}
}

bool
table_each(struct str rows, void (*each)(void *arg, const json_t *row),
    void *arg)
{
	while (rows.n != 0) {
		struct str line = str_take_until(&rows, '\n');
		json_t *row;

		if (line.n == 0)
			continue;
		row = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);
		if (!json_is_object(row)) {
			json_decref(row);
			return false;
		}
		each(arg, row);
		json_decref(row);
	}
	return true;
}

static void
write_all(struct str out)
{
	while (out.n != 0) {
		ssize_t n = write(STDOUT_FILENO, out.p, out.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno != EPIPE)
			fail(0, NULL, "standard output: %s", strerror(errno));
		if (n == -1)
			exit(CTL_IO);
		(void)str_take(&out, (size_t)n);
	}
}

void
table_rows(void *arg, struct str rows)
{
	struct table *t = arg;

	if (t->c->json || t->columns == NULL) {
		out_check();
		write_all(rows);
		t->rows++;
	} else if (!table_each(rows, on_row, t)) {
		fail(CTL_BUG, NULL, "a daemon answered what is no JSON");
	}
	if (ferror(stdout))
		out_check();
}

void
table_end(struct table *t)
{
	if (!t->started)
		start(t);
	out_check();
	buf_clear(&t->held);
}
