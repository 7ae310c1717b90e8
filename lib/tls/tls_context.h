#ifndef ZR_TLS_CONTEXT_H
#define ZR_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <openssl/ssl.h>

#include "base/error.h"

/*
 * One side's settings for a TLS connection (zr-protocol(7), Transport, tls): CA,
 * certificate chain and key, and the names it accepts at the other end.
 */
#define TLS_CLIENTS_MAX 4096		/* names in the allow-list */

struct tls_settings {
	bool server;
	const char *ca_file;
	const char *certificate_file;	/* PEM, leaf first */
	const char *key_file;		/* PEM, without a passphrase */
	const char *server_name;	/* client: a DNS name or an IP address */
	const char **clients;		/* server: CNs of admitted clients */
	size_t client_count;
	int minimum_version;		/* TLS1_2_VERSION or TLS1_3_VERSION */
	const char *ciphers;		/* NULL: ours; 1.3 suites begin with TLS_ */
	const char *groups;		/* NULL: OpenSSL's */
	const char *key_log_file;	/* NULL: none.  For debugging only */
};

/* Admit this CN; the string is kept, not copied. */
int	tls_settings_add_client(struct tls_settings *settings, const char *cn,
	    struct error *error);

/*
 * The CNs of a file, one per line; blank lines and lines that begin with # are
 * skipped.
 */
int	tls_settings_add_clients(struct tls_settings *settings,
	    const char *file, struct error *error);

/*
 * Read the files, check that they fit together, and warn (diag.h) if other users can
 * read the key.  The environment and OpenSSL's configuration file are ignored.  NULL on
 * error; else free it with SSL_CTX_free().
 */
SSL_CTX *tls_context_new(const struct tls_settings *settings,
	    struct error *error);

#endif
