/*
 * heads -- what a delivery puts before a message, and whether the message was
 * here before.  Source: RFC 5321 4.4 (Return-Path), 6.3 (loops).
 */
#ifndef POSTERN_DELIVERY_DELIVER_HEADS_H
#define POSTERN_DELIVERY_DELIVER_HEADS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Adds Return-Path and Delivered-To lines (LF). */
void heads_put(struct buf *out, struct str sender, struct str recipient);
/* A Delivered-To field of this header names the recipient: a loop. */
bool heads_loop(struct str header, struct str recipient);

#endif
