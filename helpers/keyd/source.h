/*
 * source -- where a certificate and its key come from: two files, read below
 * folders that master gave, or one file of our own in the lib folder.
 * Owns the folder descriptors.
 */
#ifndef POSTERN_KEYD_SOURCE_H
#define POSTERN_KEYD_SOURCE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/str.h"
#include "helpers/keyd/pair.h"

struct source_file {
	int dir;          /* the folder it is in; -1: not given */
	char *name;       /* within the folder */
	int opened;       /* opened by master, for the first reading; -1 */
	struct timespec changed; /* when it was read last */
	ino_t inode;
	off_t size;
};

struct source {
	bool self_signed;
	char *hostname;
	int lib;                  /* our own folder */
	struct source_file cert, key;
};

void source_init(struct source *s, bool self_signed, struct str hostname);
void source_clear(struct source *s);
/* A folder (GIVE_KEY_FILES) or an open file (GIVE_FILE) for what the
 * configuration calls path.  Takes over fd. */
void source_file_folder(struct source_file *f, struct str path, int fd);
void source_file_opened(struct source_file *f, int fd);
/* Folders that symbolic links lead to: on_dir gets descriptors to keep. */
void source_follow(const struct source *s, void (*on_dir)(int fd));

/* Something changed since the last source_read. */
bool source_changed(const struct source *s);
/* Reads, makes (self-signed) and checks.  NULL: error has the words. */
struct pair *source_read(struct source *s, char error[PAIR_ERROR]);

#endif
