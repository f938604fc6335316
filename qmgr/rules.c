#include "qmgr/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/num.h"
#include "qmgr/disk.h"
#include "qmgr/filter.h"

#define FIRST_LINE "postern sites 1"

enum { FILE_MAX = 16 * 1024 * 1024 };

void
rules_init(struct rules *rs)
{
	*rs = (struct rules){ 0 };
	TAILQ_INIT(&rs->all);
}

static void
rule_free(struct rules *rs, struct rule *r)
{
	map_del(&rs->by_name, str_n(r->name, r->n));
	TAILQ_REMOVE(&rs->all, r, entry);
	rs->n--;
	free(r);
}

void
rules_clear(struct rules *rs)
{
	while (!TAILQ_EMPTY(&rs->all))
		rule_free(rs, TAILQ_FIRST(&rs->all));
	map_clear(&rs->by_name);
	free(rs->limits);
}

void
rules_limit(struct rules *rs, const struct rule_limit *limit)
{
	rs->limits = xreallocarray(
	    rs->limits, rs->nlimits + 1, sizeof(*rs->limits));
	rs->limits[rs->nlimits++] = *limit;
}

/* Printable, without spaces: it stands in a line of the file. */
static bool
name_ok(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f)
			return false;
	return name.n != 0 && name.n <= RULE_NAME_MAX;
}

/* "MX1.test.,mx2.test." is "mx1.test,mx2.test". */
static struct str
lower(struct str name, char out[RULE_NAME_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < name.n && n < RULE_NAME_MAX; i++) {
		const bool ends = i + 1 == name.n || name.p[i + 1] == ',';

		if (name.p[i] != '.' || !ends || name.n == 1)
			out[n++] = chr_lower(name.p[i]);
	}
	return (struct str){ out, n };
}

struct str
rules_name(struct str name, char room[RULE_NAME_MAX])
{
	const bool is_path = str_starts(name, STR("lmtp:/"));

	if (!name_ok(name) || str_eq(name, STR(".")))
		return STR_NONE;
	for (size_t i = 0; i < name.n && !is_path; i++)
		if (strchr("*?@\"", name.p[i]) != NULL)
			return STR_NONE;
	return lower(name, room);
}

struct rule *
rules_find(const struct rules *rs, struct str name)
{
	char room[RULE_NAME_MAX];

	return map_get(&rs->by_name, lower(name, room));
}

struct rule *
rules_get(struct rules *rs, struct str name)
{
	char room[RULE_NAME_MAX];
	const struct str key = lower(name, room);
	struct rule *r = map_get(&rs->by_name, key);

	if (r != NULL || !name_ok(name) || rs->n == RULES_MAX)
		return r;
	r = xcalloc(1, sizeof(*r) + key.n);
	memcpy(r->name, key.p, key.n);
	r->n = key.n;
	map_set(&rs->by_name, key, r);
	TAILQ_INSERT_TAIL(&rs->all, r, entry);
	rs->n++;
	return r;
}

bool
rules_sweep(struct rules *rs, int64_t now)
{
	struct rule *r, *next;
	bool any = false;

	TAILQ_FOREACH_SAFE(r, &rs->all, entry, next) {
		if (r->paused_until <= now)
			r->paused_until = 0;
		if (r->rate_until <= now)
			r->gap_us = r->rate_until = 0;
		if (r->paused_until != 0 || r->gap_us != 0)
			continue;
		rule_free(rs, r);
		any = true;
	}
	return any;
}

static void
know(struct rules *rs, struct str name)
{
	struct rule *r = rules_find(rs, name);

	if (r != NULL)
		r->known = true;
}

void
rules_know(struct rules *rs, const struct lane *lane)
{
	const struct site *site;

	if (rs->n == 0)
		return;
	know(rs, lane_text(lane));
	TAILQ_FOREACH(site, &lane->sites, of_lane)
		know(rs, site->next_hop);
}

/* --- what holds for a lane ---------------------------------------------- */

static void
obey(const struct rules *rs, struct lane *lane, struct str name)
{
	const struct rule *r = rules_find(rs, name);

	if (r == NULL)
		return;
	if (r->paused_until > lane->paused_until)
		lane->paused_until = r->paused_until;
	if (r->gap_us > lane->gap_us) {
		lane->gap_us = r->gap_us;
		lane->rate_until = r->rate_until;
	}
}

static void
limit(const struct rule_limit *l, struct lane *lane, bool has_order)
{
	if (l->most != 0 && (lane->most == 0 || l->most < lane->most))
		lane->most = l->most;
	if (!has_order && l->gap_us > lane->gap_us) {
		lane->gap_us = l->gap_us;
		lane->rate_until = LANE_EVER;
	}
}

void
rules_apply(const struct rules *rs, struct lane *lane)
{
	const struct site *site;
	bool has_order;

	lane->paused_until = lane->gap_us = lane->rate_until = 0;
	lane->most = 0;
	if (lane->kind != SITE_SMTP || (rs->n == 0 && rs->nlimits == 0))
		return;
	obey(rs, lane, lane_text(lane));
	TAILQ_FOREACH(site, &lane->sites, of_lane)
		obey(rs, lane, site->next_hop);
	has_order = lane->gap_us != 0;
	for (size_t i = 0; i < rs->nlimits; i++)
		TAILQ_FOREACH(site, &lane->sites, of_lane)
			if (glob_matches(rs->limits[i].hop, site->next_hop)) {
				limit(&rs->limits[i], lane, has_order);
				break;
			}
}

/* --- the file ------------------------------------------------------------- */

void
rules_text(const struct rules *rs, struct buf *out)
{
	const struct rule *r;

	buf_add_c(out, FIRST_LINE "\n");
	TAILQ_FOREACH(r, &rs->all, entry) {
		if (r->paused_until != 0)
			buf_addf(out, "pause %lld %.*s\n",
			    (long long)r->paused_until, (int)r->n, r->name);
		if (r->gap_us != 0)
			buf_addf(out, "rate %lld %lld %.*s\n",
			    (long long)r->gap_us, (long long)r->rate_until,
			    (int)r->n, r->name);
	}
	buf_add_c(out, "end\n");
}

static bool
take_i64(struct str *line, int64_t *n)
{
	uint64_t u;

	if (!num_take_u64(line, &u) || u > INT64_MAX ||
	    !str_take_char(line, ' '))
		return false;
	*n = (int64_t)u;
	return true;
}

static bool
parse_line(struct rules *rs, struct str line)
{
	int64_t until, gap = 0;
	struct rule *r;
	const bool is_rate = str_take_prefix(&line, STR("rate "));

	if (!is_rate && !str_take_prefix(&line, STR("pause ")))
		return false;
	if ((is_rate && !take_i64(&line, &gap)) || !take_i64(&line, &until) ||
	    (r = rules_get(rs, line)) == NULL)
		return false;
	if (is_rate) {
		r->gap_us = gap;
		r->rate_until = until;
	} else {
		r->paused_until = until;
	}
	return true;
}

bool
rules_parse(struct rules *rs, struct str text)
{
	struct str line = str_take_until(&text, '\n');

	if (!str_eq(line, STR(FIRST_LINE)))
		return false;
	while (text.n != 0) {
		line = str_take_until(&text, '\n');
		if (str_eq(line, STR("end")))
			return text.n == 0;
		if (!parse_line(rs, line))
			return false;
	}
	return false;
}

int
rules_load(struct rules *rs, int dirfd)
{
	const int fd = disk_open(dirfd, "sites", O_RDONLY);
	int64_t size;
	ssize_t n = -1;
	char *text;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	size = disk_size(fd);
	text = xmalloc(FILE_MAX);
	if (size <= FILE_MAX)
		n = disk_read(fd, text, FILE_MAX, 0);
	close(fd);
	errno = EINVAL;
	if (n == -1 || !rules_parse(rs, str_n(text, (size_t)n))) {
		free(text);
		return -1;
	}
	free(text);
	return 0;
}

int
rules_save(int dirfd, struct str text)
{
	const int fd = disk_open(
	    dirfd, "sites.new", O_WRONLY | O_CREAT | O_TRUNC);
	int r = -1, error;

	if (fd == -1)
		return -1;
	if (disk_write(fd, text.p, text.n, 0) == 0 && disk_sync(fd) == 0 &&
	    disk_rename(dirfd, "sites.new", "sites") == 0 &&
	    disk_sync(dirfd) == 0)
		r = 0;
	error = errno;
	close(fd);
	errno = error;
	return r;
}
