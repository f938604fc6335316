/*
 * source -- the files of a configuration: reading them, and includes.
 * Private to common/conf.
 */
#ifndef POSTERN_CONF_SOURCE_H
#define POSTERN_CONF_SOURCE_H

#include "conf/tree.h"

/* Adds a text; false (with a problem at from) when there are too many. */
bool source_add(struct conf *c, struct str name, struct str text,
    struct conf_place from, uint32_t *file);
/* Reads a file; false adds a problem. */
bool source_read(struct conf *c, const char *path, struct conf_place from,
    uint32_t *file);
/* The paths that `include "pattern"` in the file means, sorted, through each;
 * a pattern without * ? [ must exist. */
void source_include(struct conf *c, struct str pattern,
    struct conf_place from, void (*each)(void *arg, const char *path),
    void *arg);
/* Relative paths are relative to the file that says them. */
struct str source_path(
    struct conf *c, const struct conf_source *in, struct str path);

#endif
