#ifndef ZR_TLS_EXPLAIN_H
#define ZR_TLS_EXPLAIN_H

#include <stdbool.h>

#include "base/error.h"
#include "tls/tls_verify.h"

/*
 * Set *error to the reason why ssl failed, in the handshake or later, as an administrator
 * needs it.  It is made of OpenSSL's error code (0: none) and the last alert received.
 * Returns -1.
 */
int	tls_explain(const SSL *ssl, const struct tls_verify *verify,
	    unsigned long code, bool handshake, struct error *error);

#endif
