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
 * One TLS connection over two non-blocking descriptors.  What OpenSSL wants
 * to send collects in a buffer, so that many records go out with one
 * write(2), and so that writing plaintext never stops half way.
 */
#define TLS_WRITE_MAX (128u << 10)	/* plaintext bytes per tls_write() */

struct tls_connection;

/* Does not own the descriptors; settings and context must outlive it. */
struct tls_connection *tls_connection_new(SSL_CTX *context,
	    const struct tls_settings *settings, const struct chain *network,
	    struct error *error);
void	tls_connection_free(struct tls_connection *connection);

/*
 * The handshake, with certificates checked, by the deadline (io.h).  The text
 * of an error says which side, which certificate, which check.  Not a byte
 * past the handshake is read.
 */
int	tls_handshake(struct tls_connection *connection, int64_t deadline,
	    struct error *error);

/*
 * What the programs after us find in their environment: SSL_PROTOCOL,
 * SSL_CIPHER, SSL_PEER_CERT_SUBJECT, SSL_PEER_CERT_HASH and, on the server,
 * ZR_CLIENT_IDENTITY.
 */
int	tls_set_environment(const struct tls_connection *connection,
	    struct error *error);

/*
 * Right after the handshake: from here on the kernel does TLS on the network,
 * which is one socket, and kernel_tls_prepare()d.  0: it does; then nothing
 * below may be called.  -1: it cannot, and nothing has changed.  -2: it
 * cannot, but has changed the socket, which is of no more use.
 */
int	tls_hand_to_kernel(struct tls_connection *connection,
	    struct error *error);

/*
 * Decrypted bytes: their number, 0 at the end (tls_ended_cleanly() tells
 * which), -1 with error->code 0 when there is nothing now, else an error.
 */
ssize_t	tls_read(struct tls_connection *connection, void *buffer, size_t size,
	    struct error *error);

/* Was the end a close_notify, and not just the connection's? */
bool	tls_ended_cleanly(const struct tls_connection *connection);

/*
 * Encrypt size bytes, at most TLS_WRITE_MAX; call only while
 * tls_unsent() is 0.  tls_write_end() is close_notify.
 */
int	tls_write(struct tls_connection *connection, const void *buffer,
	    size_t size, struct error *error);
int	tls_write_end(struct tls_connection *connection, struct error *error);

/* Encrypted bytes that wait to be sent; send what the network takes. */
size_t	tls_unsent(const struct tls_connection *connection);
int	tls_send(struct tls_connection *connection, struct error *error);

#endif
