#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "conf/tree.h"

enum { SHOWN_MAX = 20, LINE_SHOWN = 200 };

static void __attribute__((format(printf, 5, 0)))
add(struct conf *c, bool warning, struct conf_place at, const char *fix,
    const char *fmt, va_list ap)
{
	struct conf_problem *p;
	struct buf text;

	if (!warning)
		c->nerrors++;
	if (c->nproblems == CONF_PROBLEMS_MAX)
		return;
	if (c->problems == NULL) {
		c->problems = xcalloc(CONF_PROBLEMS_MAX, sizeof(*p));
		c->places = xcalloc(CONF_PROBLEMS_MAX, sizeof(*c->places));
	}
	c->places[c->nproblems] = at;
	p = &c->problems[c->nproblems];
	buf_init(&text, BUF_NO_MAX);
	buf_vaddf(&text, fmt, ap);
	*p = (struct conf_problem){ .warning = warning, .line = at.line,
		.col = at.col, .width = at.width > 0 ? at.width : 1,
		.text = pool_str(&c->pool, buf_str(&text)),
		.fix = pool_str(&c->pool, str_c(fix)) };
	if (at.file < c->nfiles)
		p->file = c->files[at.file].name;
	buf_clear(&text);
	c->nproblems++;
}

void
conf_error(struct conf *c, struct conf_place at, const char *fix,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(c, false, at, fix, fmt, ap);
	va_end(ap);
}

void
conf_warn(struct conf *c, struct conf_place at, const char *fix,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(c, true, at, fix, fmt, ap);
	va_end(ap);
}

static int
compare(struct conf_place a, struct conf_place b)
{
	if (a.file != b.file)
		return a.file < b.file ? -1 : 1;
	if (a.line != b.line)
		return a.line < b.line ? -1 : 1;
	return a.col < b.col ? -1 : a.col > b.col;
}

/* By insertion: at most a thousand, and nearly sorted already. */
void
conf_problems_sort(struct conf *c)
{
	for (size_t i = 1; i < c->nproblems; i++) {
		struct conf_problem p = c->problems[i];
		struct conf_place at = c->places[i];
		size_t j = i;

		for (; j > 0 && compare(at, c->places[j - 1]) < 0; j--) {
			c->problems[j] = c->problems[j - 1];
			c->places[j] = c->places[j - 1];
		}
		c->problems[j] = p;
		c->places[j] = at;
	}
}

bool
conf_ok(const struct conf *c)
{
	return c->nerrors == 0;
}

const struct conf_problem *
conf_problem(const struct conf *c, size_t i)
{
	return i < c->nproblems ? &c->problems[i] : NULL;
}

const char *
conf_place_text(const struct conf *c, struct conf_place at, char out[256])
{
	struct str name = STR("the defaults");

	if (at.file < c->nfiles)
		name = c->files[at.file].name;
	snprintf(out, 256, "%.*s:%u", STR_ARG(name), at.line);
	return out;
}

static struct str
line_text(const struct conf *c, struct conf_place at)
{
	struct str rest = c->files[at.file].text;
	struct str line = STR_NONE;

	for (uint32_t i = 0; i < at.line; i++)
		line = str_take_until(&rest, '\n');
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* Spaces up to the column, with the line's own tabs, then carets. */
static void
print_caret(struct str line, struct conf_place at, FILE *out)
{
	uint32_t col = 1;

	fputs("    ", out);
	for (size_t i = 0; i < line.n && col < at.col; i++) {
		if (((unsigned char)line.p[i] & 0xc0) == 0x80)
			continue;
		fputc(line.p[i] == '\t' ? '\t' : ' ', out);
		col++;
	}
	for (uint32_t i = 0; i < at.width && i < 60; i++)
		fputc('^', out);
	fputc('\n', out);
}

static void
print_one(const struct conf *c, size_t i, FILE *out)
{
	const struct conf_problem *p = &c->problems[i];
	struct str line;

	if (p->line != 0)
		fprintf(out, "%.*s:%u:%u: ", STR_ARG(p->file), p->line, p->col);
	else if (p->file.n != 0)
		fprintf(out, "%.*s: ", STR_ARG(p->file));
	fprintf(out, "%s: %.*s\n", p->warning ? "warning" : "error",
	    STR_ARG(p->text));
	if (p->line != 0 && c->places[i].file < c->nfiles) {
		line = line_text(c, c->places[i]);
		if (line.n > 0 && line.n <= LINE_SHOWN) {
			fprintf(out, "    %.*s\n", STR_ARG(line));
			print_caret(line, c->places[i], out);
		}
	}
	if (p->fix.n != 0)
		fprintf(out, "    fix: %.*s\n", STR_ARG(p->fix));
}

void
conf_problems_print(const struct conf *c, FILE *out)
{
	size_t shown = 0;

	/* Errors first get the room; each kind stands in the file's order. */
	for (int warnings = 0; warnings < 2; warnings++)
		for (size_t i = 0; i < c->nproblems && shown < SHOWN_MAX; i++)
			if (c->problems[i].warning == (warnings == 1)) {
				print_one(c, i, out);
				shown++;
			}
	if (c->nproblems > shown)
		fprintf(out, "%zu more not shown\n", c->nproblems - shown);
}

struct str
conf_file(const struct conf *c, size_t i)
{
	return i < c->nfiles ? c->files[i].name : STR_NONE;
}
