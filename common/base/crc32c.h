/*
 * crc32c -- the Castagnoli CRC (RFC 3720 appendix B.4), by the processor's
 * instruction where there is one.
 */
#ifndef POSTERN_BASE_CRC32C_H
#define POSTERN_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues crc (0 to begin) over n octets; pieces may be cut anywhere. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

#endif
