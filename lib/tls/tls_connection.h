#ifndef ZR_TLS_CONNECTION_H
#define ZR_TLS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "tls/tls_verify.h"
#include "transport/chain.h"

/*
 * One TLS connection over two non-blocking descriptors.  OpenSSL's output is collected
 * in a buffer, so that one write(2) sends many records and a write of plaintext never
 * stops half way.
 */
#define TLS_WRITE_MAX (128u << 10)	/* plaintext bytes per tls_write() */

struct tls_connection;

/* Does not own the descriptors; settings and context must outlive it. */
struct tls_connection *tls_connection_new(SSL_CTX *context,
	    const struct tls_settings *settings, const struct chain *network,
	    struct error *error);
void	tls_connection_free(struct tls_connection *connection);

/* Is this the side that accepts? */
bool	tls_is_server(const struct tls_connection *connection);

/*
 * Do the handshake and check the certificates, by the deadline (io.h).  The text of an
 * error names the side, the certificate and the check.  No byte after the handshake is
 * read.
 */
int	tls_handshake(struct tls_connection *connection, int64_t deadline,
	    struct error *error);

/*
 * Set the environment of the programs after us: SSL_PROTOCOL, SSL_CIPHER,
 * SSL_PEER_CERT_SUBJECT, SSL_PEER_CERT_HASH and, on the server, ZR_CLIENT_IDENTITY.
 */
int	tls_set_environment(const struct tls_connection *connection,
	    struct error *error);

/*
 * Right after the handshake: from here on the kernel does TLS on the network,
 * which is one socket, and kernel_tls_prepare()d; nothing below may be called.
 * -1: it cannot, and the socket is of no more use.
 */
int	tls_hand_to_kernel(struct tls_connection *connection,
	    struct error *error);

/*
 * Decrypted bytes: their number, or 0 at the end (tls_ended_cleanly() tells which
 * kind), or -1, with error->code 0 if no bytes are available now.
 */
ssize_t	tls_read(struct tls_connection *connection, void *buffer, size_t size,
	    struct error *error);

/* Did the peer end with close_notify, and not only by closing the connection? */
bool	tls_ended_cleanly(const struct tls_connection *connection);

/*
 * Encrypt size bytes, at most TLS_WRITE_MAX; call only while
 * tls_unsent() is 0.  tls_write_end() is close_notify.
 */
int	tls_write(struct tls_connection *connection, const void *buffer,
	    size_t size, struct error *error);
int	tls_write_end(struct tls_connection *connection, struct error *error);

/* The number of encrypted bytes that wait; send as many as the network takes. */
size_t	tls_unsent(const struct tls_connection *connection);
int	tls_send(struct tls_connection *connection, struct error *error);

#endif
