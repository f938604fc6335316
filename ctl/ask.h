/*
 * ask -- one question to a daemon through control.sock and its answer.
 */
#ifndef POSTERN_CTL_ASK_H
#define POSTERN_CTL_ASK_H

#include "base/str.h"
#include "ctl/ctl.h"

struct ask {
	enum role target;
	const struct str *words;
	size_t nwords;
	/* Data behind the question: what fd gives, or data; fd -1 and has_data
	 * false: none. */
	bool has_data;
	struct str data;
	int fd;
	/* Whole lines, each a JSON object, as they come. */
	void (*on_rows)(void *arg, struct str rows);
	void *arg;
	bool quiet; /* do not say END's text */
	bool or_down; /* nor that the target does not run, or has just died */
	bool offline; /* may start master --offline */
	int64_t timeout; /* ms without an octet; 0: as ctl says, -1: any */
};
enum { ASK_TIMEOUT = 30000, ASK_PATIENT = -1 };

/* The exit code of the answer; CTL_DOWN when there is no server, CTL_LATER, and
 * c->hung, when nothing came for too long. */
int ask(struct ctl *c, const struct ask *a);
/* Says so; CTL_LATER. */
int ask_hung(const struct ctl *c, enum role target);
/* A connected control.sock, or -1: the server is down (errno). */
int ask_connect(struct ctl *c);
/* Starts master --offline and waits for its socket; false: said why. */
bool offline_start(struct ctl *c);
void offline_stop(struct ctl *c);

#endif
