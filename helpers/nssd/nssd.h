/*
 * nssd -- looks up users of the system for routerd, so that the libraries
 * which that takes (NSS) run where nothing can be won.
 */
#ifndef POSTERN_NSSD_NSSD_H
#define POSTERN_NSSD_NSSD_H

#include <stdint.h>

#include "msg/nss.h"
#include "proc/proc.h"

struct nssd {
	struct proc proc;
	uint64_t first_uid; /* users below it have no mailbox */
};

extern const struct proc_desc nssd_proc;

/* Loads what getpwnam(3) needs: before confinement. */
void nssd_init(struct nssd *d);
/* Looks one up; home points into static memory. */
void nssd_lookup(
    const struct nssd *d, struct str name, struct msg_nss_user_is *is);

#endif
