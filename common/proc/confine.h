/*
 * confine -- gives up for good what a role does not need: one file a
 * platform.  Order: chroot, capabilities, limits, Landlock, system calls,
 * proof.  Where the kernel lacks Landlock, a note says so and the rest holds;
 * any other failure is fatal.  no_new_privs was set by master before exec.
 */
#ifndef POSTERN_PROC_CONFINE_H
#define POSTERN_PROC_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A folder that stays in reach. */
struct confine_dir {
	int fd;
	bool writable;
};

/* Into the empty folder (-1: stay where we are); then only these folders and
 * what fences (FENCE_ bits of proc/roles.h) permits. */
void confine_process(uint32_t fences, int empty_dirfd,
    const struct confine_dir *dirs, size_t ndirs);
/* Narrower still: from now on only these folders. */
void confine_files(const struct confine_dir *dirs, size_t ndirs);

#endif
