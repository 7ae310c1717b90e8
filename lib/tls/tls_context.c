#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/diag.h"
#include "tls/tls_context.h"
#include "tls/tls_keys.h"
#include "tls/tls_verify.h"
#include "transport/identity.h"

#define CIPHERS_MAX 2048
#define CHAIN_DEPTH_MAX 10	/* CA certificates above a leaf */

/* AES-128-GCM first: zrepl's peers accept it, and it is the fastest. */
#define DEFAULT_CIPHERS "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
    "TLS_CHACHA20_POLY1305_SHA256:" \
    "ECDHE+AESGCM:ECDHE+CHACHA20"

static FILE *key_log;

int
tls_settings_add_client(struct tls_settings *settings, const char *cn,
    struct error *error)
{
	const char **grown;

	if (!identity_valid(cn))
		return (error_set(error, EXIT_USAGE, "client name \"%s\": "
		    "not usable as an identity (%s)", cn, IDENTITY_RULE));
	if (settings->client_count == TLS_CLIENTS_MAX)
		return (error_set(error, EXIT_USAGE, "more than %d client names",
		    TLS_CLIENTS_MAX));
	grown = reallocarray(settings->clients, settings->client_count + 1,
	    sizeof(*grown));
	if (grown == NULL)
		return (error_errno(error, "client names"));
	settings->clients = grown;
	settings->clients[settings->client_count++] = cn;
	return (0);
}

int
tls_settings_add_clients(struct tls_settings *settings, const char *file,
    struct error *error)
{
	FILE *stream = fopen(file, "re");
	char *line = NULL, *name;
	size_t size = 0, before = settings->client_count;
	ssize_t length;
	int result = -1;

	if (stream == NULL)
		return (error_errno(error, "client names: %s", file));
	while ((length = getline(&line, &size, stream)) != -1) {
		while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL)
			line[--length] = '\0';
		if (length == 0 || line[0] == '#')
			continue;
		name = strdup(line);
		if (name == NULL) {
			error_errno(error, "client names");
			goto out;
		}
		if (tls_settings_add_client(settings, name, error) == -1) {
			free(name);
			error_prefix(error, "%s", file);
			goto out;
		}
	}
	if (ferror(stream))
		error_errno(error, "client names: %s", file);
	else if (settings->client_count == before)
		error_set(error, EXIT_USAGE, "%s: no client names in it", file);
	else
		result = 0;
out:
	free(line);
	fclose(stream);
	return (result);
}

/* OpenSSL's errors, the last one first; empties its queue. */
static const char *
reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return (text != NULL ? text : "unknown reason");
}

/* A file that cannot be opened gets a plainer message than OpenSSL's. */
static int
check_file(const char *what, const char *file, bool secret, struct error *error)
{
	struct stat status;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int result = fd == -1 ? -1 : fstat(fd, &status);

	if (result == -1)
		error_errno(error, "%s %s", what, file);
	else if (secret && (status.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		diag("warning: %s %s is open to others (mode %04o): chmod 600 it",
		    what, file, (unsigned)status.st_mode & 07777);
	if (fd != -1)
		close(fd);
	return (result == -1 ? -1 : 0);
}

/* No passphrase: nobody can be asked for one. */
static int
no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return (-1);
}

static int
load_files(SSL_CTX *context, const struct tls_settings *settings,
    struct error *error)
{
	const X509 *leaf;

	if (check_file("CA file", settings->ca_file, false, error) == -1 ||
	    check_file("certificate", settings->certificate_file, false,
	    error) == -1 ||
	    check_file("key", settings->key_file, true, error) == -1)
		return (-1);
	if (SSL_CTX_load_verify_file(context, settings->ca_file) != 1)
		return (error_set(error, EXIT_USAGE, "CA file %s: %s",
		    settings->ca_file, reason()));
	if (settings->server)
		SSL_CTX_set_client_CA_list(context,
		    SSL_load_client_CA_file(settings->ca_file));
	if (SSL_CTX_use_certificate_chain_file(context,
	    settings->certificate_file) != 1)
		return (error_set(error, EXIT_USAGE, "certificate %s: %s",
		    settings->certificate_file, reason()));
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	if (SSL_CTX_use_PrivateKey_file(context, settings->key_file,
	    SSL_FILETYPE_PEM) != 1) {
		unsigned long code = ERR_peek_error();

		if (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH &&
		    ERR_GET_LIB(code) == ERR_LIB_X509)
			return (error_set(error, EXIT_USAGE, "key %s does not "
			    "belong to certificate %s", settings->key_file,
			    settings->certificate_file));
		return (error_set(error, EXIT_USAGE, "key %s: %s (wanted: PEM, "
		    "without a passphrase)", settings->key_file, reason()));
	}
	leaf = SSL_CTX_get0_certificate(context);
	if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
		diag("warning: our own certificate %s has expired",
		    settings->certificate_file);
	if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
		diag("warning: our own certificate %s is not valid yet",
		    settings->certificate_file);
	return (0);
}

/*
 * One list for both: names that begin with TLS_ are suites of TLS 1.3, the
 * others OpenSSL's cipher strings for 1.2.  A version without any is off.
 */
static int
set_ciphers(SSL_CTX *context, const char *list, struct error *error)
{
	char copy[CIPHERS_MAX], modern[CIPHERS_MAX] = "", old[CIPHERS_MAX] = "";
	char *rest = copy, *name, *target;

	if (strlcpy(copy, list, sizeof(copy)) >= sizeof(copy))
		return (error_set(error, EXIT_USAGE, "-e: the list is too long"));
	while ((name = strsep(&rest, ":")) != NULL) {
		target = strncmp(name, "TLS_", 4) == 0 ? modern : old;
		if (target[0] != '\0')
			strlcat(target, ":", CIPHERS_MAX);
		strlcat(target, name, CIPHERS_MAX);
	}
	if (SSL_CTX_set_ciphersuites(context, modern) != 1 ||
	    (old[0] != '\0' && SSL_CTX_set_cipher_list(context, old) != 1))
		return (error_set(error, EXIT_USAGE, "-e %s: %s", list, reason()));
	if (modern[0] == '\0' &&
	    SSL_CTX_get_min_proto_version(context) == TLS1_3_VERSION)
		return (error_set(error, EXIT_USAGE, "-e %s: it has no cipher of "
		    "TLS 1.3 (TLS_...), and -m allows no other version", list));
	if (modern[0] == '\0')
		SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
	if (old[0] == '\0')
		SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
	return (0);
}

static void
log_key(const SSL *ssl, const char *line)
{
	tls_keys_note(ssl, line);
	if (key_log == NULL)
		return;
	fprintf(key_log, "%s\n", line);
	fflush(key_log);
}

static int
open_key_log(const char *file, struct error *error)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	key_log = fd == -1 ? NULL : fdopen(fd, "a");
	if (key_log == NULL)
		return (error_errno(error, "key log %s", file));
	diag("warning: anyone who can read %s can read this connection", file);
	return (0);
}

SSL_CTX *
tls_context_new(const struct tls_settings *settings, struct error *error)
{
	SSL_CTX *context = NULL;

	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    (context = SSL_CTX_new(TLS_method())) == NULL) {
		error_set(error, EXIT_SYSTEM, "cannot set up OpenSSL: %s", reason());
		return (NULL);
	}
	SSL_CTX_set_security_level(context, 2);
	SSL_CTX_set_min_proto_version(context, settings->minimum_version);
	/*
	 * No resumption: a connection carries one transfer, and both sides show their
	 * certificates every time.  A bare FIN must not end our own direction, so OpenSSL
	 * must not treat it as an error.
	 */
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_keylog_callback(context, log_key);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, tls_verify_callback);
	SSL_CTX_set_verify_depth(context, CHAIN_DEPTH_MAX);
	/* As in zrepl, every certificate in the CA file is trusted, root or not. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context),
	    X509_V_FLAG_PARTIAL_CHAIN);
	if (set_ciphers(context, settings->ciphers != NULL ? settings->ciphers :
	    DEFAULT_CIPHERS, error) == -1)
		goto fail;
	if (settings->groups != NULL &&
	    SSL_CTX_set1_groups_list(context, settings->groups) != 1) {
		error_set(error, EXIT_USAGE, "-g %s: %s", settings->groups,
		    reason());
		goto fail;
	}
	if (load_files(context, settings, error) == -1)
		goto fail;
	if (settings->key_log_file != NULL &&
	    open_key_log(settings->key_log_file, error) == -1)
		goto fail;
	return (context);
fail:
	SSL_CTX_free(context);
	return (NULL);
}
