#include "store/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/dir.h"
#include "base/num.h"
#include "store/disk.h"

/* 10 digits, guid in hex, ".postern,S=" and 20 digits. */
#define MARK ".postern,S="

static int
make_folders(int dir)
{
	return disk_mkdir(dir, "tmp") == -1 || disk_mkdir(dir, "new") == -1 ||
	        disk_mkdir(dir, "cur") == -1 ?
	    -1 :
	    0;
}

int
maildir_open(struct maildir *md, int dir, bool make, bool *made)
{
	int saved;

	*md = (struct maildir){ dir, -1, -1 };
	*made = false;
	md->cur = disk_open_dir(dir, "cur");
	if (md->cur == -1 && errno == ENOENT && make) {
		*made = true;
		if (make_folders(dir) == 0)
			md->cur = disk_open_dir(dir, "cur");
	}
	if (md->cur != -1) {
		md->fresh = disk_open_dir(dir, "new");
		if (md->fresh == -1 && errno == ENOENT && make_folders(dir) == 0)
			md->fresh = disk_open_dir(dir, "new");
		if (md->fresh != -1)
			return 0;
	}
	saved = errno;
	maildir_close(md);
	errno = saved;
	return -1;
}

void
maildir_close(struct maildir *md)
{
	if (md->cur != -1)
		close(md->cur);
	if (md->fresh != -1)
		close(md->fresh);
	if (md->dir != -1)
		close(md->dir);
	*md = (struct maildir){ -1, -1, -1 };
}

int
maildir_index(const struct maildir *md)
{
	int fd = disk_open_dir(md->dir, "ix");

	if (fd == -1 && errno == ENOENT && disk_mkdir(md->dir, "ix") == 0)
		fd = disk_open_dir(md->dir, "ix");
	return fd;
}

void
maildir_base(char out[MAILDIR_NAME], int64_t seconds,
    const uint8_t guid[STORE_GUID], uint64_t size)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * STORE_GUID + 1];

	for (size_t i = 0; i < STORE_GUID; i++) {
		hex[2 * i] = digits[guid[i] >> 4];
		hex[2 * i + 1] = digits[guid[i] & 15];
	}
	hex[2 * STORE_GUID] = '\0';
	snprintf(out, MAILDIR_NAME, "%lld.%s" MARK "%llu",
	    (long long)(seconds < 0 ? 0 : seconds), hex,
	    (unsigned long long)size);
}

void
maildir_cur_name(char out[MAILDIR_NAME], struct str base)
{
	snprintf(out, MAILDIR_NAME, "%.*s:2,", STR_ARG(base));
}

struct str
maildir_split(struct str name, uint16_t *flags)
{
	static const struct {
		char c;
		uint16_t flag;
	} letters[] = { { 'S', FLAG_SEEN }, { 'R', FLAG_ANSWERED },
		{ 'F', FLAG_FLAGGED }, { 'T', FLAG_DELETED },
		{ 'D', FLAG_DRAFT } };
	size_t at = str_find_str(name, STR(":2,"));

	*flags = 0;
	for (size_t i = at; i < name.n; i++)
		for (size_t j = 0; j < sizeof(letters) / sizeof(*letters); j++)
			if (name.p[i] == letters[j].c)
				*flags |= letters[j].flag;
	return str_first(name, at);
}

bool
maildir_is_ours(struct str base, uint8_t guid[STORE_GUID], uint64_t *size)
{
	uint64_t seconds;
	struct str hex;

	if (!num_take_u64(&base, &seconds) || !str_take_char(&base, '.') ||
	    base.n < 2 * STORE_GUID)
		return false;
	hex = str_take(&base, 2 * STORE_GUID);
	for (size_t i = 0; i < STORE_GUID; i++) {
		int high = chr_hex(hex.p[2 * i]), low = chr_hex(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		guid[i] = (uint8_t)(high * 16 + low);
	}
	return str_take_prefix(&base, STR(MARK)) && num_u64(base, size);
}

bool
maildir_name_ok(struct str name)
{
	return name.n > 0 && name.n < 240 && name.p[0] != '.' &&
	    str_find(name, '/') == name.n && str_find(name, '\0') == name.n;
}

bool
maildir_find(const struct maildir *md, struct str base, char out[MAILDIR_NAME])
{
	int fd = disk_open_dir(md->cur, ".");
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	bool found = false;
	int error;

	while (dir != NULL && !found && (e = dir_next(dir)) != NULL) {
		struct str name = str_c(e->d_name);
		uint16_t flags;

		found = str_starts(name, base) &&
		    str_eq(maildir_split(name, &flags), base) &&
		    str_copy(out, MAILDIR_NAME, name);
	}
	error = errno != 0 ? errno : ENOENT;
	if (dir != NULL)
		closedir(dir);
	errno = error;
	return found;
}

int
maildir_open_message(const struct maildir *md, struct str base)
{
	char name[MAILDIR_NAME];
	int fd;

	if (!maildir_name_ok(base)) {
		errno = ENOENT;
		return -1;
	}
	maildir_cur_name(name, base);
	fd = disk_open(md->cur, name, O_RDONLY);
	if (fd != -1 || errno != ENOENT)
		return fd;
	name[base.n] = '\0';
	fd = disk_open(md->fresh, name, O_RDONLY);
	if (fd != -1 || errno != ENOENT)
		return fd;
	if (maildir_find(md, base, name))
		return disk_open(md->cur, name, O_RDONLY);
	return -1;
}

int
maildir_remove(const struct maildir *md, struct str base)
{
	char name[MAILDIR_NAME];

	if (!maildir_name_ok(base))
		return 0;
	maildir_cur_name(name, base);
	if (unlinkat(md->cur, name, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	name[base.n] = '\0';
	if (unlinkat(md->fresh, name, 0) == 0)
		return 0;
	if (!maildir_find(md, base, name))
		return errno == ENOENT ? 0 : -1;
	return disk_unlink(md->cur, name);
}
