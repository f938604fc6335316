/*
 * syncset -- descriptors that must be on disk before a caller may answer: a
 * few files one by one, many by one syncfs.  Owns its descriptors.
 */
#ifndef POSTERN_STORE_SYNCSET_H
#define POSTERN_STORE_SYNCSET_H

#include <stdbool.h>
#include <stddef.h>

enum { SYNCSET_FILES = 8 };

struct syncset {
	int fds[SYNCSET_FILES];
	size_t n;
	bool many; /* more than that: the whole file system */
};

/* Takes over fd (a file or a directory). */
void syncset_adopt(struct syncset *s, int fd);
/* fd stays the caller's: it is duplicated. */
void syncset_add(struct syncset *s, int fd);
bool syncset_is_empty(const struct syncset *s);
/* Flushes; any_fd lies in the file system and was opened before the writes.
 * The set is empty afterwards, also on failure. */
int syncset_flush(struct syncset *s, int any_fd);
void syncset_clear(struct syncset *s);

#endif
