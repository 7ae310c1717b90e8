#ifndef ZR_TLS_CONTEXT_H
#define ZR_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <openssl/ssl.h>

#include "base/error.h"

/*
 * What one side brings to a TLS connection (zr-protocol(7), Transport, tls):
 * CA, certificate chain and key, and whom it expects at the other end.
 */
#define TLS_CLIENTS_MAX 4096		/* names in the allow-list */

struct tls_settings {
	bool server;
	const char *ca_file;
	const char *certificate_file;	/* PEM, leaf first */
	const char *key_file;		/* PEM, without a passphrase */
	const char *server_name;	/* client: a DNS name or an IP address */
	const char **clients;		/* server: CNs that may connect */
	size_t client_count;
	int minimum_version;		/* TLS1_2_VERSION or TLS1_3_VERSION */
	const char *ciphers;		/* NULL: ours; 1.3 suites begin with TLS_ */
	const char *groups;		/* NULL: OpenSSL's */
	const char *key_log_file;	/* NULL: none.  For debugging only */
};

/* Let CN in; the string is kept, not copied. */
int	tls_settings_add_client(struct tls_settings *settings, const char *cn,
	    struct error *error);

/*
 * The CNs of a file, one a line; blank lines and those that begin with # do
 * not count.
 */
int	tls_settings_add_clients(struct tls_settings *settings,
	    const char *file, struct error *error);

/*
 * Read the files, check that they fit together, and say (diag.h) when the
 * key is open to others.  Nothing comes from the environment or from
 * OpenSSL's configuration file.  NULL on error; else SSL_CTX_free().
 */
SSL_CTX *tls_context_new(const struct tls_settings *settings,
	    struct error *error);

#endif
