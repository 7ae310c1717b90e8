#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/io.h"
#include "tls/tls_connection.h"
#include "tls/tls_explain.h"
#include "tls/tls_keys.h"

/* A record adds at most 256 bytes to its 16 KiB; then some for handshakes. */
#define OUTPUT_MAX (TLS_WRITE_MAX + TLS_WRITE_MAX / 64 + (32u << 10))

#define ALERT_LINGER_MS 2000	/* for a peer to hear why it is refused */

/* One read(2) brings some records, which stay in the nearer caches. */
#define INPUT_MAX (128 << 10)

struct tls_connection {
	SSL *ssl;
	BIO_METHOD *method;
	struct tls_verify verify;
	struct chain network;
	bool read_ahead;	/* not during the handshake */
	bool input_ended;	/* read(2) gave 0 */
	bool input_dry;		/* the last read(2) gave less than it could */
	int input_errno;	/* errno if it failed */
	size_t input_start, input_end;
	uint8_t input[INPUT_MAX];
	size_t output_start, output_end;
	uint8_t output[OUTPUT_MAX];
};

/* OpenSSL wants to send: keep it until tls_send(). */
static int
bio_write(BIO *bio, const char *data, size_t size, size_t *written)
{
	struct tls_connection *connection = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (connection->output_start > 0 &&
	    size > OUTPUT_MAX - connection->output_end) {
		memmove(connection->output, connection->output +
		    connection->output_start, tls_unsent(connection));
		connection->output_end -= connection->output_start;
		connection->output_start = 0;
	}
	if (size > OUTPUT_MAX - connection->output_end)
		size = OUTPUT_MAX - connection->output_end;
	if (size == 0) {
		BIO_set_retry_write(bio);
		return (0);
	}
	memcpy(connection->output + connection->output_end, data, size);
	connection->output_end += size;
	*written = size;
	return (1);
}

/* Read what the network has; false if there is nothing now, or no more. */
static bool
refill(struct tls_connection *connection, BIO *bio, size_t wanted)
{
	const size_t size = connection->read_ahead || wanted > INPUT_MAX ?
	    INPUT_MAX : wanted;
	ssize_t got;

	if (connection->input_dry) {
		/* A further read would most likely only say EAGAIN. */
		connection->input_dry = false;
		BIO_set_retry_read(bio);
		return (false);
	}
	got = io_read(connection->network.read_fd, connection->input, size);
	if (got > 0) {
		connection->input_start = 0;
		connection->input_end = (size_t)got;
		connection->input_dry = (size_t)got < size;
		return (true);
	}
	if (got == 0)
		connection->input_ended = true;
	else if (errno == EAGAIN)
		BIO_set_retry_read(bio);
	else
		connection->input_errno = errno;
	return (false);
}

/*
 * OpenSSL asks for a record's header, then for its body.  We read ahead for it, since its
 * own read-ahead moves all remaining bytes once for every record.
 */
static int
bio_read(BIO *bio, char *data, size_t size, size_t *have)
{
	struct tls_connection *connection = BIO_get_data(bio);
	size_t left;

	BIO_clear_retry_flags(bio);
	if (connection->input_start == connection->input_end &&
	    !refill(connection, bio, size))
		return (0);
	left = connection->input_end - connection->input_start;
	*have = size < left ? size : left;
	memcpy(data, connection->input + connection->input_start, *have);
	connection->input_start += *have;
	return (1);
}

static long
bio_control(BIO *bio, int command, long number, void *pointer)
{
	struct tls_connection *connection = BIO_get_data(bio);

	(void)number, (void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return (1);
	case BIO_CTRL_EOF:
		return (connection->input_ended);
	default:
		return (0);
	}
}

/* OpenSSL reports alerts here; they explain failures afterwards. */
static void
note_alert(const SSL *ssl, int where, int value)
{
	struct tls_verify *verify = SSL_get_app_data(ssl);

	if ((where & SSL_CB_ALERT) == 0)
		return;
	if ((where & SSL_CB_READ) != 0)
		verify->alert_received = value & 0xff;
}

struct tls_connection *
tls_connection_new(SSL_CTX *context, const struct tls_settings *settings,
    const struct chain *network, struct error *error)
{
	struct tls_connection *connection = calloc(1, sizeof(*connection));
	BIO *bio = NULL;

	if (connection == NULL) {
		error_errno(error, "TLS connection");
		return (NULL);
	}
	connection->network = *network;
	connection->verify.settings = settings;
	connection->verify.alert_received = -1;
	connection->method = BIO_meth_new(BIO_get_new_index() |
	    BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "network");
	if (connection->method == NULL ||
	    BIO_meth_set_write_ex(connection->method, bio_write) != 1 ||
	    BIO_meth_set_read_ex(connection->method, bio_read) != 1 ||
	    BIO_meth_set_ctrl(connection->method, bio_control) != 1 ||
	    (bio = BIO_new(connection->method)) == NULL ||
	    (connection->ssl = SSL_new(context)) == NULL) {
		BIO_free(bio);
		error_set(error, EXIT_SYSTEM, "cannot set up a TLS connection");
		goto fail;
	}
	BIO_set_data(bio, connection);
	BIO_set_init(bio, 1);
	SSL_set_bio(connection->ssl, bio, bio);
	if (tls_verify_prepare(connection->ssl, &connection->verify, error) == -1)
		goto fail;
	SSL_set_info_callback(connection->ssl, note_alert);
	if (settings->server)
		SSL_set_accept_state(connection->ssl);
	else
		SSL_set_connect_state(connection->ssl);
	return (connection);
fail:
	tls_connection_free(connection);
	return (NULL);
}

void
tls_connection_free(struct tls_connection *connection)
{
	if (connection == NULL)
		return;
	SSL_free(connection->ssl);
	BIO_meth_free(connection->method);
	freezero(connection, sizeof(*connection));
}

/* Turn what OpenSSL and the network reported into one line. */
static int
failed(struct tls_connection *connection, bool handshake, struct error *error)
{
	unsigned long code = ERR_peek_error();

	ERR_clear_error();
	if (connection->verify.refusal.text[0] != '\0') {
		*error = connection->verify.refusal;
		return (-1);
	}
	if (code == 0 && connection->input_errno != 0) {
		errno = connection->input_errno;
		return (error_errno(error, "%s", handshake ?
		    "connection lost during the TLS handshake" : "connection lost"));
	}
	return (tls_explain(connection->ssl, &connection->verify, code, handshake,
	    error));
}

/*
 * Send the alert that gives the reason, and drop all input until the peer has ended: a
 * close(2) before that could cause a reset, which a writing peer would see before the
 * alert.
 */
static void
send_alert(struct tls_connection *connection, int64_t deadline)
{
	const int fd = connection->network.read_fd;
	struct error ignored;

	if (tls_send(connection, &ignored) == -1 ||
	    io_half_close(connection->network.write_fd) == -1)
		return;
	deadline = io_earlier(deadline, io_now() + ALERT_LINGER_MS);
	while (io_wait(fd, POLLIN, deadline, &ignored) == 0)
		if (io_read(fd, connection->input, sizeof(connection->input)) <= 0)
			return;
}

int
tls_handshake(struct tls_connection *connection, int64_t deadline,
    struct error *error)
{
	struct pollfd entries[2] = {
		{ .fd = connection->network.read_fd, .events = POLLIN },
		{ .fd = connection->network.write_fd, .events = POLLOUT },
	};
	int result, done = 0;

	while (done != 1 || tls_unsent(connection) > 0) {
		if (done != 1) {
			ERR_clear_error();
			done = SSL_do_handshake(connection->ssl);
			result = SSL_get_error(connection->ssl, done);
		}
		if (done != 1 && result != SSL_ERROR_WANT_READ &&
		    result != SSL_ERROR_WANT_WRITE) {
			failed(connection, true, error);
			send_alert(connection, deadline);
			return (-1);
		}
		if (tls_send(connection, error) == -1)
			return (-1);
		if (done == 1 && tls_unsent(connection) == 0)
			break;
		entries[0].events = done == 1 ? 0 : POLLIN;
		entries[1].fd = tls_unsent(connection) > 0 ?
		    connection->network.write_fd : -1;
		io_poll(entries, 2, deadline);
		if (io_now() >= deadline)
			return (error_set(error, EXIT_TIMEOUT, "the %s did not "
			    "finish the TLS handshake in time (-t)",
			    connection->verify.settings->server ? "client" :
			    "server"));
	}
	return (0);
}

int
tls_set_environment(const struct tls_connection *connection, struct error *error)
{
	return (tls_verify_environment(connection->ssl,
	    connection->verify.settings, error));
}

bool
tls_is_server(const struct tls_connection *connection)
{
	return (connection->verify.settings->server);
}

ssize_t
tls_read(struct tls_connection *connection, void *buffer, size_t size,
    struct error *error)
{
	size_t got = 0;

	connection->read_ahead = true;
	ERR_clear_error();
	if (SSL_read_ex(connection->ssl, buffer, size, &got) == 1)
		return ((ssize_t)got);
	switch (SSL_get_error(connection->ssl, 0)) {
	case SSL_ERROR_ZERO_RETURN:
		return (0);
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		error->code = EXIT_DONE;
		return (-1);
	default:
		return (failed(connection, false, error));
	}
}

int
tls_hand_to_kernel(struct tls_connection *connection, struct error *error)
{
	const int fd = connection->network.read_fd;
	struct kernel_tls_keys sending, receiving;
	int result;

	if (tls_unsent(connection) > 0 || SSL_has_pending(connection->ssl) ||
	    connection->input_start < connection->input_end)
		return (error_set(error, EXIT_SYSTEM, "kernel TLS: data came too "
		    "early"));
	result = tls_keys_derive(connection->ssl, &sending, &receiving, error);
	if (result == 0) {
		if (kernel_tls_send_keys(fd, &sending) == -1 ||
		    kernel_tls_receive_keys(fd, &receiving) == -1)
			result = error_errno(error, "kernel TLS: %s, %s",
			    SSL_get_version(connection->ssl),
			    SSL_get_cipher_name(connection->ssl));
	}
	explicit_bzero(&sending, sizeof(sending));
	explicit_bzero(&receiving, sizeof(receiving));
	return (result);
}

bool
tls_ended_cleanly(const struct tls_connection *connection)
{
	return (connection->verify.alert_received == SSL_AD_CLOSE_NOTIFY);
}

int
tls_write(struct tls_connection *connection, const void *buffer, size_t size,
    struct error *error)
{
	size_t put = 0;

	ERR_clear_error();
	if (SSL_write_ex(connection->ssl, buffer, size, &put) == 1 && put == size)
		return (0);
	return (failed(connection, false, error));
}

int
tls_write_end(struct tls_connection *connection, struct error *error)
{
	ERR_clear_error();
	if (SSL_shutdown(connection->ssl) >= 0)
		return (0);
	return (failed(connection, false, error));
}

size_t
tls_unsent(const struct tls_connection *connection)
{
	return (connection->output_end - connection->output_start);
}

int
tls_send(struct tls_connection *connection, struct error *error)
{
	ssize_t put;

	while (tls_unsent(connection) > 0) {
		put = io_write(connection->network.write_fd, connection->output +
		    connection->output_start, tls_unsent(connection));
		if (put == -1) {
			if (errno == EAGAIN)
				return (0);
			return (error_errno(error, "connection lost"));
		}
		connection->output_start += (size_t)put;
	}
	connection->output_start = connection->output_end = 0;
	return (0);
}
