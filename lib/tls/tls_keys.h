#ifndef ZR_TLS_KEYS_H
#define ZR_TLS_KEYS_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "tls/kernel_tls.h"

/*
 * The keys of a connection whose handshake is done, for the kernel.  OpenSSL
 * 3.0 itself can hand on those of one direction only where TLS is 1.3, so
 * they are derived here: RFC 8446 section 7.3, RFC 5246 section 6.3.
 */

/*
 * For SSL_CTX_set_keylog_callback(), or called from it, for every line:
 * keeps the secrets of TLS 1.3 with ssl until it is freed.
 */
void	tls_keys_note(const SSL *ssl, const char *line);

/*
 * The keys to send and to receive with; call right after the handshake, before any data.
 * -1: *error says that the kernel knows no such cipher.  The caller wipes the keys.
 */
int	tls_keys_derive(const SSL *ssl, struct kernel_tls_keys *sending,
	    struct kernel_tls_keys *receiving, struct error *error);

#endif
