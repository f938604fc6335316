#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dir.h"
#include "helpers/pickup/pickup.h"
#include "mail/addr.h"
#include "mail/header.h"
#include "mail/xtext.h"
#include "proc/note.h"

enum {
	ORPHAN_S = 60,      /* whole, but its writer never said so */
	UNFINISHED_S = 3600, /* nobody writes a file for longer */
	ODD_MOST = 10000    /* names */
};

/* It stays where it is: for this look, or for good. */
static void
note_file(const struct pickup *p, const char *event)
{
	note(NOTE_ERROR, event);
	note_errno(errno);
	note_c("file", p->now.name);
	note_end();
}

struct str
folder_token(const char *name, char room[TOKEN])
{
	return drop_token(str_c(name[0] == '.' ? name + 1 : name), room);
}

struct str
folder_token_back(const char *name, char room[TOKEN])
{
	const struct str token = folder_token(name, room);

	if (token.n != 0)
		room[0] = (char)~room[0];
	return token;
}

/* sendmail's names, before they are finished. */
static bool
is_unfinished(const char *name)
{
	char room[TOKEN];

	return name[0] == '.' && folder_token(name, room).n != 0;
}

static void
keep_gone(struct pickup *p, const char *name)
{
	char room[TOKEN];

	buf_add(&p->gone, folder_token(name, room));
	buf_add(&p->gone, folder_token_back(name, room));
}

static bool
is_for_us(const struct pickup *p, const char *name)
{
	return (name[0] != '.' || is_unfinished(name)) &&
	    strcmp(name, "corrupt") != 0 &&
	    map_get(&p->stuck, str_c(name)) == NULL &&
	    map_get(&p->kept, str_c(name)) == NULL &&
	    map_get(&p->odd, str_c(name)) == NULL;
}

/* What is left out for an error is found by the next look. */
static const struct dirent *
next_entry(DIR *dir)
{
	const struct dirent *e = dir_next(dir);

	if (e == NULL && errno != 0) {
		note(NOTE_ERROR, "drop-unreadable");
		note_errno(errno);
		note_end();
	}
	return e;
}

static bool
remove_name(const struct pickup *p, const char *name)
{
	return unlinkat(p->folder, name, 0) == 0 || errno == ENOENT;
}

/* What was unfinished may have got its name since it was read. */
static bool
remove_file(const struct pickup *p, const char *name)
{
	return remove_name(p, name) &&
	    (!is_unfinished(name) || remove_name(p, name + 1));
}

static bool
move_name(const struct pickup *p, const char *name)
{
	char to[sizeof(p->now.name) + 16];

	snprintf(to, sizeof(to), "corrupt/%s", name);
	return renameat(p->folder, name, p->folder, to) == 0;
}

static bool
move_file(const struct pickup *p, const char *name)
{
	if (mkdirat(p->folder, "corrupt", 0700) == -1 && errno != EEXIST)
		return false;
	return move_name(p, name) || (errno == ENOENT &&
	    is_unfinished(name) && move_name(p, name + 1));
}

/* For certain. */
static bool
is_missing(const struct pickup *p, const char *name)
{
	struct stat st;

	return fstatat(p->folder, name, &st, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT;
}

/* It may be the only whole copy. */
static bool
move_kept(const struct pickup *p, const char *name)
{
	if (!move_file(p, name))
		return is_missing(p, name) &&
		    (!is_unfinished(name) || is_missing(p, name + 1));
	note(NOTE_WARN, "drop-aside");
	note_c("file", name);
	note_c("why", "its sender was told that it is kept");
	note_end();
	return true;
}

/* The disk may be well again. */
static void
retry(struct pickup *p, struct map *names,
    bool (*done)(const struct pickup *p, const char *name))
{
	char name[sizeof(p->now.name)];
	struct str key;
	size_t pos = 0;

	while (map_next(names, &pos, &key) != NULL)
		if (str_copy(name, sizeof(name), key) && done(p, name)) {
			keep_gone(p, name);
			map_del(names, key);
		}
}

void
folder_look(struct pickup *p)
{
	int fd = openat(p->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	const int error = errno;
	const struct dirent *e;
	size_t n = 0;

	retry(p, &p->stuck, remove_file);
	retry(p, &p->kept, move_kept);
	if (dir == NULL) {
		note(NOTE_ERROR, "drop-unreadable");
		note_errno(error);
		note_end();
		if (fd != -1)
			close(fd);
		return;
	}
	/* A thousand that cannot be taken must not hide the others. */
	if (p->at != 0)
		seekdir(dir, p->at);
	while (n < FOLDER_LOOK && (e = next_entry(dir)) != NULL) {
		if (!is_for_us(p, e->d_name))
			continue;
		buf_add_c(&p->names, e->d_name);
		buf_add_char(&p->names, '\0');
		n++;
	}
	p->at = n == FOLDER_LOOK ? telldir(dir) : 0;
	closedir(dir);
}

/* Said once.  Somebody may make such names without end, a folder that is not
 * ours to move: then it is said again. */
static void
keep_odd(struct pickup *p)
{
	if (p->odd.n >= ODD_MOST)
		map_clear(&p->odd);
	map_set(&p->odd, str_c(p->now.name), p);
}

bool
folder_aside(struct pickup *p, const char *why)
{
	const bool moved = move_file(p, p->now.name);

	if (!moved) {
		note(NOTE_ERROR, "drop-stays");
		note_errno(errno);
		keep_odd(p);
	} else {
		note(NOTE_WARN, "drop-aside");
	}
	note_c("file", p->now.name);
	note_c("why", why);
	note_u64("uid", p->now.uid);
	note_end();
	return moved;
}

/* What nobody but its owner could have made is a regular file with one
 * name: links would give others' files away. */
static const char *
judge(const struct pickup *p, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (st->st_nlink != 1)
		return "it has other names";
	if ((uint64_t)st->st_size > p->size_max + DROP_OVERHEAD)
		return "too large";
	return NULL;
}

static bool
read_all(const struct pickup *p, int fd, size_t size, struct buf *out)
{
	char *room = buf_reserve(out, size + 1);
	size_t n = 0;
	ssize_t got;

	while (room != NULL && n < size) {
		got = pread(fd, room + n, size - n, (off_t)n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			note_file(p, "drop-unreadable");
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	buf_commit(out, n);
	return n == size;
}

/* It stands in commands and header fields.  Recipients are looked at where
 * they are looked up. */
static bool
is_sender(struct str sender)
{
	struct addr a;

	return sender.n == 0 || addr_parse(sender, ADDR_UTF8, &a) == ADDR_OK;
}

/* Neither breaks a line of a report. */
static bool
is_printable(const struct drop *drop)
{
	struct drop d = *drop;
	struct env_rcpt rcpt;
	bool ok = xtext_can(d.head.envid, false, ENVID_MAX);

	while (ok && drop_next(&d, &rcpt))
		ok = xtext_can(rcpt.orcpt, true, 3 * ORCPT_MAX);
	return ok;
}

/* Its text may have CRLF line ends, though sendmail writes none. */
static bool
has_bare_cr(struct str text)
{
	size_t at;

	while ((at = str_find(text, '\r')) < text.n) {
		text = str_from(text, at + 1);
		if (!str_starts(text, STR("\n")))
			return true;
	}
	return false;
}

/* What smtpd would have refused: to p->now.why. */
static void
judge_message(struct pickup *p)
{
	const struct drop *d = &p->now.drop;
	struct str text;
	unsigned code =
	    header_refusal(header_judge(d->text, p->hops_max), &text);

	if (!is_printable(d)) {
		code = 501;
		text = STR("5.5.4 ENVID or ORCPT is not printable");
	} else if (has_bare_cr(d->text)) {
		code = 550;
		text = STR("5.6.11 bare CR in the message (RFC 5321 2.3.8)");
	} else if (d->text.n > p->size_max) {
		code = 552;
		text = STR("5.3.4 the message is too large");
	}
	if (code != 0)
		snprintf(p->now.why, sizeof(p->now.why), "%u %.*s", code,
		    STR_ARG(text));
}

static bool
judge_text(struct pickup *p, time_t changed)
{
	const time_t age = clock_wall() - changed;

	switch (drop_read(buf_str(&p->now.file), &p->now.drop)) {
	case DROP_OK:
		if (!is_sender(p->now.drop.head.sender)) {
			folder_aside(p, "its sender is no address");
			return false;
		}
		if (p->now.name[0] == '.' && age <= ORPHAN_S)
			return false;
		judge_message(p);
		if (p->now.why[0] == '\0' || p->now.drop.head.sender.n != 0)
			return true;
		/* There is nobody to give it back to. */
		folder_aside(p, p->now.why);
		return false;
	case DROP_CUT:
		if (age > UNFINISHED_S)
			folder_aside(p, "never finished");
		return false;
	case DROP_DAMAGED:
		folder_aside(p, "damaged");
		return false;
	}
	return false;
}

bool
folder_read(struct pickup *p)
{
	int fd = openat(p->folder, p->now.name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *why;
	struct stat st;
	bool whole;

	buf_reset(&p->now.file);
	p->now.uid = (uid_t)-1;
	p->now.why[0] = '\0';
	p->now.kept = false;
	if (fd == -1) {
		if (errno == ELOOP)
			folder_aside(p, "a symbolic link");
		else if (errno == ENXIO)
			folder_aside(p, "not a regular file");
		else if (errno != ENOENT && errno != EACCES)
			note_file(p, "drop-unreadable");
		return false;
	}
	if (fstat(fd, &st) == -1) {
		note_file(p, "drop-unreadable");
		close(fd);
		return false;
	}
	p->now.uid = st.st_uid;
	why = judge(p, &st);
	whole = why == NULL &&
	    read_all(p, fd, (size_t)st.st_size, &p->now.file);
	close(fd);
	if (why != NULL) {
		folder_aside(p, why);
		return false;
	}
	return whole && judge_text(p, st.st_mtime);
}

/* What was taken, in another folder or, for this process only, by name. */
static void
put_away(struct pickup *p, const char *why, struct map *names)
{
	if (folder_aside(p, why))
		keep_gone(p, p->now.name);
	else
		map_set(names, str_c(p->now.name), p);
}

void
folder_keep(struct pickup *p)
{
	put_away(p, p->now.why, &p->kept);
}

void
folder_remove(struct pickup *p)
{
	/* Only now: a second copy is better than a loss. */
	if (remove_file(p, p->now.name)) {
		keep_gone(p, p->now.name);
		return;
	}
	note_file(p, "drop-stays");
	put_away(p, "taken, but it cannot be removed", &p->stuck);
}

/* Not there for certain.  It loses its dot, and never gets one. */
static bool
is_gone(const struct pickup *p, struct str token)
{
	char dotted[1 + DROP_NAME + 1] = ".";

	drop_name(dotted + 1, token);
	return is_missing(p, dotted) && is_missing(p, dotted + 1);
}

/* Said once it is, with what will be gone by then. */
static void
keep_unsure(struct pickup *p)
{
	struct str tokens = buf_str(&p->gone);

	while (tokens.n != 0)
		map_set(&p->unsure, str_take(&tokens, TOKEN), p);
	buf_reset(&p->gone);
}

void
folder_compare(struct pickup *p, struct str tokens)
{
	while (tokens.n >= TOKEN) {
		const struct str token = str_take(&tokens, TOKEN);
		char name[DROP_NAME + 1], room[TOKEN];

		drop_name(name, token);
		if (is_gone(p, token) &&
		    is_gone(p, folder_token_back(name, room)))
			buf_add(&p->gone, token);
	}
	/* Not there, though perhaps not on disk. */
	if (p->unsure.n != 0)
		keep_unsure(p);
}

/*
 * A flush that failed is not repeated: the next may say yes without having
 * written anything.  The next removal has the folder written again; a disk
 * that takes that one has what was changed before it, or is mounted anew.
 */
struct str
folder_gone(struct pickup *p)
{
	struct str token;
	size_t pos = 0;

	if (buf_len(&p->gone) == 0)
		return STR_NONE;
	if (fsync(p->folder) == -1) {
		note(NOTE_ERROR, "drop-unsynced");
		note_errno(errno);
		note_end();
		keep_unsure(p);
		return STR_NONE;
	}
	while (map_next(&p->unsure, &pos, &token) != NULL) {
		buf_add(&p->gone, token);
		map_del(&p->unsure, token);
	}
	return buf_str(&p->gone);
}
