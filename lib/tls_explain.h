#ifndef ZR_TLS_EXPLAIN_H
#define ZR_TLS_EXPLAIN_H

#include <stdbool.h>

#include "error.h"
#include "tls_context.h"

/*
 * Why a connection failed, from OpenSSL's error code (0: none) and the last
 * alert that came (-1: none): a line that an administrator can act on.
 * Returns -1.
 */
int	tls_explain(const struct tls_settings *settings,
	    int alert_received, unsigned long code, bool handshake,
	    struct error *error);

#endif
