#ifndef ZR_TLS_VERIFY_H
#define ZR_TLS_VERIFY_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "tls/tls_context.h"

/*
 * Do we accept the peer's certificate?  If not, the refusal names the certificate and
 * the check: zr-protocol(7), Transport, tls.
 */
struct tls_verify {
	const struct tls_settings *settings;
	struct error refusal;	/* .text is empty as long as nothing failed */
	int alert_received;	/* the last (RFC 8446 section 6); -1: none */
};

/*
 * Make ssl expect settings->server_name (client side), and let the callback
 * find *verify, which must live as long as ssl.
 */
int	tls_verify_prepare(SSL *ssl, struct tls_verify *verify,
	    struct error *error);

/* For SSL_CTX_set_verify(). */
int	tls_verify_callback(int ok, X509_STORE_CTX *store);

/*
 * The leaf's CN, NUL-terminated in name; -1 if it has none, more than one,
 * or one that does not fit or holds a NUL.
 */
int	tls_verify_common_name(X509 *certificate, char *name, size_t size);

/*
 * Tell the programs after us, as tls_set_environment() says (tls_connection.h):
 * the handshake is done.
 */
int	tls_verify_environment(const SSL *ssl,
	    const struct tls_settings *settings, struct error *error);

#endif
