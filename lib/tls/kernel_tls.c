#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#ifdef __linux__
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#endif

#include "base/io.h"
#include "tls/kernel_tls.h"

size_t
kernel_tls_key_size(enum kernel_tls_cipher cipher)
{
	return (cipher == KERNEL_TLS_AES_128_GCM ? 16 : 32);
}

#ifdef TLS_RX	/* the kernel's headers know both directions */

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

#define RECORD_MAX (16u << 10)

/* RFC 8446: content types, and the alerts and messages that we look at. */
#define TYPE_ALERT 21
#define TYPE_HANDSHAKE 22
#define TYPE_DATA 23
#define ALERT_WARNING 1
#define ALERT_CLOSE_NOTIFY 0
#define ALERT_HANDSHAKE_FAILURE 40
#define ALERT_BAD_CERTIFICATE 42	/* the first alert about certificates */
#define ALERT_CERTIFICATE_UNKNOWN 46	/* the last one */
#define ALERT_UNKNOWN_CA 48
#define ALERT_ACCESS_DENIED 49
#define MESSAGE_HELLO_REQUEST 0		/* TLS 1.2, can be ignored */
#define MESSAGE_NEW_SESSION_TICKET 4
#define MESSAGE_KEY_UPDATE 24

static bool end_seen;	/* a process has one network connection */

int
kernel_tls_prepare(int fd)
{
	return (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")));
}

static uint16_t
kernel_name(enum kernel_tls_cipher cipher)
{
	switch (cipher) {
	case KERNEL_TLS_AES_128_GCM:
		return (TLS_CIPHER_AES_GCM_128);
	case KERNEL_TLS_AES_256_GCM:
		return (TLS_CIPHER_AES_GCM_256);
	case KERNEL_TLS_CHACHA20_POLY1305:
		break;
	}
	return (TLS_CIPHER_CHACHA20_POLY1305);
}

static size_t
append(uint8_t *bytes, size_t used, const void *more, size_t size)
{
	memcpy(bytes + used, more, size);
	return (used + size);
}

/*
 * Every cipher has a struct of its own in <linux/tls.h>, all of the same
 * form: version and cipher, iv, key, salt, sequence number.  The IV of RFC
 * 8446 is salt and iv in one; ChaCha20-Poly1305 has no salt.
 */
static int
set_keys(int fd, int direction, const struct kernel_tls_keys *keys)
{
	const struct tls_crypto_info info = {
		.version = keys->old ? TLS_1_2_VERSION : TLS_1_3_VERSION,
		.cipher_type = kernel_name(keys->cipher),
	};
	const size_t salt = keys->cipher == KERNEL_TLS_CHACHA20_POLY1305 ? 0 :
	    TLS_CIPHER_AES_GCM_128_SALT_SIZE;
	uint8_t crypto[sizeof(struct tls12_crypto_info_aes_gcm_256)];
	uint8_t sequence[8];
	size_t size = 0;
	int result;

	for (size_t i = 0; i < sizeof(sequence); i++)
		sequence[i] = (uint8_t)(keys->sequence >> (56 - 8 * i));
	size = append(crypto, size, &info, sizeof(info));
	size = append(crypto, size, keys->iv + salt, sizeof(keys->iv) - salt);
	size = append(crypto, size, keys->key, kernel_tls_key_size(keys->cipher));
	size = append(crypto, size, keys->iv, salt);
	size = append(crypto, size, sequence, sizeof(sequence));
	result = setsockopt(fd, SOL_TLS, direction, crypto, (socklen_t)size);
	explicit_bzero(crypto, sizeof(crypto));
	return (result);
}

_Static_assert(sizeof(struct tls12_crypto_info_aes_gcm_128) == 4 + 12 + 16 + 8 &&
    sizeof(struct tls12_crypto_info_aes_gcm_256) == 4 + 12 + 32 + 8 &&
    sizeof(struct tls12_crypto_info_chacha20_poly1305) == 4 + 12 + 32 + 8,
    "the kernel's structs have the form that set_keys() builds");

int
kernel_tls_send_keys(int fd, const struct kernel_tls_keys *keys)
{
	return (set_keys(fd, TLS_TX, keys));
}

int
kernel_tls_receive_keys(int fd, const struct kernel_tls_keys *keys)
{
	return (set_keys(fd, TLS_RX, keys));
}

static bool
has_keys(int fd, int direction)
{
	struct tls_crypto_info info;
	socklen_t size = sizeof(info);
	const int before = errno;
	const bool result = getsockopt(fd, SOL_TLS, direction, &info, &size) == 0;

	errno = before;
	return (result);
}

/*
 * Read the next bytes of any type, and that type.  Records of one type may come together.
 */
static ssize_t
receive(int fd, void *buffer, size_t size, uint8_t *type)
{
	union {
		struct cmsghdr header;
		uint8_t space[CMSG_SPACE(sizeof(uint8_t))];
	} control;
	struct iovec piece = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *header;
	ssize_t got;

	do
		got = recvmsg(fd, &message, MSG_DONTWAIT);
	while (got == -1 && errno == EINTR);
	if (got == -1)
		return (-1);
	header = CMSG_FIRSTHDR(&message);
	*type = TYPE_DATA;
	if (header != NULL && header->cmsg_level == SOL_TLS &&
	    header->cmsg_type == TLS_GET_RECORD_TYPE)
		*type = *CMSG_DATA(header);
	return (got);
}

/* The alerts of a server that refuses our certificate. */
static bool
is_refusal(uint8_t alert)
{
	return (alert == ALERT_HANDSHAKE_FAILURE ||
	    (alert >= ALERT_BAD_CERTIFICATE &&
	    alert <= ALERT_CERTIFICATE_UNKNOWN) ||
	    alert == ALERT_UNKNOWN_CA || alert == ALERT_ACCESS_DENIED);
}

/*
 * A record that is not data: 1 to go on, else what read_on() returns.
 * Messages are told by their first byte alone: a KeyUpdate that hides behind a
 * ticket makes the next record undecipherable (EBADMSG), so nothing is missed.
 */
static int
judge(uint8_t type, const uint8_t *bytes, size_t length)
{
	if (type == TYPE_HANDSHAKE && length > 0 &&
	    (bytes[0] == MESSAGE_NEW_SESSION_TICKET ||
	    bytes[0] == MESSAGE_HELLO_REQUEST))
		return (1);
	if (type == TYPE_ALERT && length >= 2 && bytes[1] == ALERT_CLOSE_NOTIFY) {
		end_seen = true;
		return (0);
	}
	if (type == TYPE_ALERT)
		errno = length >= 2 && is_refusal(bytes[1]) ? EACCES : ECONNABORTED;
	else if (type == TYPE_HANDSHAKE && length > 0 &&
	    bytes[0] == MESSAGE_KEY_UPDATE)
		errno = EKEYEXPIRED;
	else
		errno = EPROTO;
	return (-1);
}

/* read(2) failed because the next record is not data. */
static ssize_t
read_on(int fd, void *buffer, size_t size)
{
	uint8_t record[RECORD_MAX], type;
	ssize_t got;
	int verdict;

	if (!has_keys(fd, TLS_RX)) {
		errno = EIO;
		return (-1);
	}
	for (;;) {
		got = receive(fd, record, sizeof(record), &type);
		if (got == -1)
			return (-1);
		verdict = judge(type, record, (size_t)got);
		if (verdict != 1)
			return (verdict);
		got = recv(fd, buffer, size, MSG_DONTWAIT);
		if (got != -1 || errno != EIO)
			return (got);
	}
}

static int
say_end(int fd)
{
	static const uint8_t alert[2] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };
	union {
		struct cmsghdr header;
		uint8_t space[CMSG_SPACE(sizeof(uint8_t))];
	} control;
	struct iovec piece = { .iov_base = (void *)(uintptr_t)alert,
	    .iov_len = sizeof(alert) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };

	if (!has_keys(fd, TLS_TX))
		return (0);
	memset(&control, 0, sizeof(control));
	control.header.cmsg_level = SOL_TLS;
	control.header.cmsg_type = TLS_SET_RECORD_TYPE;
	control.header.cmsg_len = CMSG_LEN(sizeof(uint8_t));
	*CMSG_DATA(&control.header) = TYPE_ALERT;
	return (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == -1 ? -1 : 0);
}

static const char *
end_remark(int fd)
{
	return (!end_seen && has_keys(fd, TLS_RX) ?
	    " (without TLS's close_notify: cut off on the way?)" : "");
}

static const char *
blame(int error_number)
{
	return (error_number == EACCES ? "refused our certificate" :
	    error_number == ECONNABORTED ?
	    "ended the connection with a TLS alert" : NULL);
}

void
kernel_tls_hook(void)
{
	static const struct io_hook hook = { .read = read_on, .end = say_end,
	    .end_remark = end_remark, .blame = blame };

	end_seen = false;
	io_set_hook(&hook);
}

#else

int
kernel_tls_prepare(int fd)
{
	(void)fd;
	errno = ENOTSUP;
	return (-1);
}

int
kernel_tls_send_keys(int fd, const struct kernel_tls_keys *keys)
{
	(void)keys;
	return (kernel_tls_prepare(fd));
}

int
kernel_tls_receive_keys(int fd, const struct kernel_tls_keys *keys)
{
	(void)keys;
	return (kernel_tls_prepare(fd));
}

void
kernel_tls_hook(void)
{
}

#endif
