/*
 * server -- starting and stopping the whole suite.
 */
#ifndef POSTERN_CTL_SERVER_H
#define POSTERN_CTL_SERVER_H

#include "ctl/ctl.h"

/* Starts master and waits until all serve; 0 or the exit code. */
int server_start(struct ctl *c);
/* Waits until it is gone; 0 too when it was not running. */
int server_stop(struct ctl *c);

#endif
