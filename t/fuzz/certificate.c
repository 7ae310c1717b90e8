/*
 * Feeds a peer's certificate (DER) to what judges and explains it.  The first
 * four bytes say what OpenSSL finds wrong with it, how deep in the chain, in
 * which role, and its error code.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "tls/tls_explain.h"
#include "tls/tls_verify.h"

#define HEAD 4

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static SSL *
new_ssl(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());

	return (context == NULL ? NULL : SSL_new(context));
}

/* One line that ends, if anything was said. */
static void
check_text(const struct error *error)
{
	if (memchr(error->text, '\0', sizeof(error->text)) == NULL ||
	    error->code != EXIT_PROTOCOL || error->text[0] == '\0')
		abort();
}

static void
common_name(X509 *certificate)
{
	char name[65], small[2];

	memset(name, 'x', sizeof(name));
	if (tls_verify_common_name(certificate, name, sizeof(name)) == 0 &&
	    memchr(name, '\0', sizeof(name)) == NULL)
		abort();
	if (tls_verify_common_name(certificate, small, sizeof(small)) == 0 &&
	    memchr(small, '\0', sizeof(small)) == NULL)
		abort();
}

/* ok: OpenSSL found nothing wrong. */
static void
verify(SSL *ssl, struct tls_verify *ours, X509 *certificate, bool ok,
    const uint8_t *head)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	int result;

	ours->refusal = (struct error){ .code = EXIT_PROTOCOL };
	SSL_set_app_data(ssl, ours);
	if (store == NULL ||
	    X509_STORE_CTX_init(store, NULL, certificate, NULL) != 1 ||
	    X509_STORE_CTX_set_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx(), ssl) != 1)
		abort();
	X509_STORE_CTX_set_current_cert(store, certificate);
	X509_STORE_CTX_set_error(store, ok ? X509_V_OK : head[0]);
	X509_STORE_CTX_set_error_depth(store, head[1] & 3);
	result = tls_verify_callback(ok, store);
	if (result != 0 && (!ok || ours->refusal.text[0] != '\0'))
		abort();
	if (result == 0)
		check_text(&ours->refusal);
	X509_STORE_CTX_free(store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *clients[] = { "web", "host.example" };
	struct tls_settings settings = { .ca_file = "ca.pem",
	    .certificate_file = "cert.pem", .server_name = "backup.example",
	    .clients = clients, .client_count = 2 };
	struct tls_verify ours = { .settings = &settings };
	static SSL *ssl;
	const uint8_t *der = data + HEAD;
	struct error error;
	X509 *certificate;

	if (size < HEAD || (ssl == NULL && (ssl = new_ssl()) == NULL))
		return (0);
	settings.server = data[2] & 1;
	ours.alert_received = data[2] & 2 ? data[3] : -1;
	if (tls_explain(ssl, &ours, ERR_PACK(ERR_LIB_SSL, 0,
	    data[2] >> 3 << 8 | data[3]), data[2] & 4, &error) != -1)
		abort();
	check_text(&error);
	certificate = d2i_X509(NULL, &der, (long)(size - HEAD));
	ERR_clear_error();
	if (certificate == NULL)
		return (0);
	common_name(certificate);
	verify(ssl, &ours, certificate, false, data);
	verify(ssl, &ours, certificate, true, data);
	X509_free(certificate);
	ERR_clear_error();
	return (0);
}
