#ifndef ZR_KERNEL_TLS_H
#define ZR_KERNEL_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * TLS records made by the kernel.  Once both directions have their keys, programs read
 * and write plaintext on the socket, also after an exec, without a process in between.
 * The socket then behaves as follows:
 *
 *	write(2)	works as ever
 *	read(2)		works as long as records hold data; EIO before a
 *			record of any other kind
 *	shutdown(2)	is a bare FIN
 *	close(2), exit	too: a program that was killed has not ended in order
 *
 * kernel_tls_hook() makes io_read() and io_half_close() (io.h) do the rest, so that
 * programs that call it can be given such a socket.  On systems without kernel TLS the
 * other functions fail with ENOTSUP.
 */
#define KERNEL_TLS_KEY_MAX 32
#define KERNEL_TLS_IV_SIZE 12

enum kernel_tls_cipher {
	KERNEL_TLS_AES_128_GCM,
	KERNEL_TLS_AES_256_GCM,
	KERNEL_TLS_CHACHA20_POLY1305,
};

/* The keys of one direction. */
struct kernel_tls_keys {
	enum kernel_tls_cipher cipher;
	bool old;			/* TLS 1.2, not 1.3 */
	uint8_t key[KERNEL_TLS_KEY_MAX];
	/* AES-GCM in 1.2: the first 4 bytes are secret, the rest is the next nonce. */
	uint8_t iv[KERNEL_TLS_IV_SIZE];
	uint64_t sequence;		/* of the next record */
};

size_t	kernel_tls_key_size(enum kernel_tls_cipher cipher);

/*
 * Can this socket have kernel TLS?  Ask before the handshake: after a peer's early FIN it
 * is too late.  The socket stays as it is until it gets keys.  0; -1 with errno (ENOENT:
 * the kernel's module tls is not loaded).
 */
int	kernel_tls_prepare(int fd);

/* Give the kernel one direction's keys; 0, or -1 with errno. */
int	kernel_tls_send_keys(int fd, const struct kernel_tls_keys *keys);
int	kernel_tls_receive_keys(int fd, const struct kernel_tls_keys *keys);

/*
 * From here on io_read() also reads the other records of a socket with kernel TLS.  It
 * ignores session tickets; a close_notify is an end of file; errno is EACCES for an alert
 * that refuses our certificate (a client of TLS 1.3 hears of that after the handshake),
 * ECONNABORTED for any other, EKEYEXPIRED for new keys, which only a TLS library can
 * take, EPROTO for the rest, and EAGAIN if nothing else is there yet, also on a blocking
 * socket.  io_half_close() sends close_notify first, and io_end_remark() mentions an end
 * without one.
 */
void	kernel_tls_hook(void);

#endif
