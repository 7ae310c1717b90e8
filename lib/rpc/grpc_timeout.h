#ifndef ZR_GRPC_TIMEOUT_H
#define ZR_GRPC_TIMEOUT_H

#include <stddef.h>
#include <stdint.h>

/*
 * The header grpc-timeout: at most eight digits and a unit, one of
 * H M S m u n.  Room for the text, NUL included: */
#define GRPC_TIMEOUT_SIZE 10

/* Milliseconds, rounded up, at least 0; -1 if it is not a timeout. */
int64_t	grpc_timeout_parse(const uint8_t *text, size_t length);

/* In the finest unit that fits; negative is 0. */
void	grpc_timeout_format(char text[GRPC_TIMEOUT_SIZE], int64_t milliseconds);

#endif
