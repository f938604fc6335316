/*
 * hasher -- threads that check and make password hashes, so that the loop
 * never waits for one.  They share nothing with the loop but the jobs.
 * Start it after confinement: threads have the fences of who made them.
 */
#ifndef POSTERN_AUTHD_HASHER_H
#define POSTERN_AUTHD_HASHER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/list.h"
#include "event/loop.h"
#include "helpers/authd/scheme.h"

/* Embedded; from hasher_submit until its on_done it belongs to the hasher. */
struct hash_job {
	STAILQ_ENTRY(hash_job) entry;
	bool make;            /* make a new hash, else check stored */
	enum scheme_new how;
	struct buf password;  /* wiped by hash_job_clear */
	struct buf stored;    /* checked against, or made */
	bool ok;              /* it is the password; it was made */
	void (*on_done)(void *arg); /* from the loop */
	void *arg;
};
void hash_job_init(struct hash_job *j, void (*on_done)(void *arg), void *arg);
void hash_job_clear(struct hash_job *j);

struct hasher;

/* waiting: jobs that may wait for a thread. */
struct hasher *hasher_new(
    struct loop *loop, unsigned threads, size_t waiting);
/* false: too many wait; on_done is not called. */
bool hasher_submit(struct hasher *h, struct hash_job *j);

#endif
