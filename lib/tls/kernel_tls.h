#ifndef ZR_KERNEL_TLS_H
#define ZR_KERNEL_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * TLS records done by the kernel: once both directions have their keys, the
 * socket carries plaintext for whoever holds it, over exec too, and no
 * process is in the way.  How it behaves then:
 *
 *	write(2)	works as ever
 *	read(2)		works as long as records hold data; EIO before a
 *			record of any other kind
 *	shutdown(2)	is a bare FIN
 *	close(2), exit	too: a program that was killed has not ended in order
 *
 * kernel_tls_hook() makes io_read() and io_half_close() (io.h) do the rest, so
 * that the programs that call it can be handed such a socket.  Where there is no
 * kernel TLS the other functions fail with ENOTSUP.
 */
#define KERNEL_TLS_KEY_MAX 32
#define KERNEL_TLS_IV_SIZE 12

enum kernel_tls_cipher {
	KERNEL_TLS_AES_128_GCM,
	KERNEL_TLS_AES_256_GCM,
	KERNEL_TLS_CHACHA20_POLY1305,
};

/* What one direction needs. */
struct kernel_tls_keys {
	enum kernel_tls_cipher cipher;
	bool old;			/* TLS 1.2, not 1.3 */
	uint8_t key[KERNEL_TLS_KEY_MAX];
	/* Of AES-GCM in 1.2 only the first 4 are secret; then the next nonce. */
	uint8_t iv[KERNEL_TLS_IV_SIZE];
	uint64_t sequence;		/* of the next record */
};

size_t	kernel_tls_key_size(enum kernel_tls_cipher cipher);

/*
 * Can this socket have it?  To be asked before the handshake: a peer's early
 * FIN makes it too late.  The socket stays as it is until it gets keys.  0;
 * -1 with errno (ENOENT: the kernel's module tls is not loaded).
 */
int	kernel_tls_prepare(int fd);

/* Give the kernel one direction's keys; 0, or -1 with errno. */
int	kernel_tls_send_keys(int fd, const struct kernel_tls_keys *keys);
int	kernel_tls_receive_keys(int fd, const struct kernel_tls_keys *keys);

/*
 * From here on io_read() takes such records off a socket with kernel TLS.
 * Session tickets are passed over; a close_notify is an end of file; errno is
 * EACCES for an alert that refuses our certificate (a client of TLS 1.3 hears of
 * that after the handshake), ECONNABORTED for any other, EKEYEXPIRED for new
 * keys, which only a TLS library can take, EPROTO for the rest, and EAGAIN where
 * nothing else is there yet, also on a blocking socket.  io_half_close() says
 * close_notify first, and io_end_remark() tells of an end without one.
 */
void	kernel_tls_hook(void);

#endif
